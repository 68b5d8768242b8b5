"""`shim map`."""
