"""`shim explain` and the porting guide."""
