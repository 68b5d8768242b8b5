"""The JSON interface below /api/v1: what the review page shows, for programs with a token."""
