"""Both versions of SystemAPI as data."""
