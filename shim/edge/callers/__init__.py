"""Callers: integrations, their credentials, and what slows those who guess."""
