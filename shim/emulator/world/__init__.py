"""The emulated world: accounts, extensions, rows and permissions."""
