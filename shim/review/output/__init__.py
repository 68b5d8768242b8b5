"""Texts that leave the review: letters, tables, snippets."""
