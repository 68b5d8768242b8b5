"""The store: SQLite or PostgreSQL, its place, its release and migrations."""
