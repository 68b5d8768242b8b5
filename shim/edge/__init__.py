"""The edge: HTTP, the store, and all else that the core does not do itself."""
