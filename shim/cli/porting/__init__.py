"""`shim porting` and `shim brownout`."""
