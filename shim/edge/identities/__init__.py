"""The identity map: which IDs old clients know for which extensions of v3."""
