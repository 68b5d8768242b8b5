"""`shim translate`."""
