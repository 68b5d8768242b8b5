"""The deprecation log: what 2.5 calls are in use, counted, spooled and written."""
