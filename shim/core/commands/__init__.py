"""Commands: what an exchange asks of whoever drives it."""
