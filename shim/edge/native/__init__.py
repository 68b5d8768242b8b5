"""Native v3: messages, tokens and WSDL of v3 clients on this host, passed through."""
