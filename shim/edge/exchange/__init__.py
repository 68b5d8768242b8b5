"""The exchange over HTTP: from a SOAP request to its response, around the core."""
