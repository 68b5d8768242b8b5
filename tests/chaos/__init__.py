"""Everything goes wrong while real clients call, and at the end nothing may be missing. See docs/chaos.md."""
