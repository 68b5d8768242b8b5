"""Hostile input: a corpus of messages made to cost, what each may cost, and a fuzzer that looks for more."""
