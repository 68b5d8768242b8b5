"""`shim capture` and `shim replay`."""
