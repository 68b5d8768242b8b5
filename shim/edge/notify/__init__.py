"""Telling somebody: what is worth it, the queue in the store, webhooks and mail."""
