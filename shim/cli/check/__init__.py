"""`shim check`."""
