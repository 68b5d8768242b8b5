"""`shim demo`."""
