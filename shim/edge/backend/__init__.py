"""The v3 backend: its client, tokens, version, and breakers."""
