"""HTTP: connections, TLS, peers, bodies and pages."""
