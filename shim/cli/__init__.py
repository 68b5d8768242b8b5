"""The `shim` command."""
