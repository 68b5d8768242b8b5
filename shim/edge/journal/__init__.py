"""The journal in the store: entries with leases, and what operators do with them."""
