"""`shim integrations`."""
