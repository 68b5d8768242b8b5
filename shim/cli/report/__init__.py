"""`shim report` and `shim findings`."""
