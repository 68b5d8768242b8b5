"""Reviewing the deprecation log: what is read from it, how it is judged, and the page that shows it."""
