"""Porting: rungs, brownouts, and whom they reach."""
