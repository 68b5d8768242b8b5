"""Handlers of the emulated v3 backend: what each operation does."""
