"""The journal of writes: plans of several v3 writes, finished or undone after a crash."""
