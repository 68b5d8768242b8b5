"""Rehearsal over HTTP: recording, replaying, and comparing with an old server."""
