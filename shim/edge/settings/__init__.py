"""Settings: what can be configured, how it is read, and how it is judged."""
