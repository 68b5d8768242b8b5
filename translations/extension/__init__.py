"""The old Extension service."""
