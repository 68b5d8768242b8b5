"""Hostile input: a corpus of messages made to cost, and what each may cost."""
