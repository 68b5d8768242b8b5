"""The peers that the shim is measured against: each does the same call in another way."""
