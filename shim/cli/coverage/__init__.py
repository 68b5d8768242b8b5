"""`shim coverage`."""
