"""What leaves the review as text: letters, tables, snippets."""
