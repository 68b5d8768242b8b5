"""Rehearsal: captured conversations by shape, and comparing answers by what they mean."""
