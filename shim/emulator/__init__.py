"""A v3 SystemAPI backend in memory: the interface and the codec are shared, translations never are."""
