"""Rules: the vocabulary that translations are declared in."""
