"""A SystemAPI 2.5 endpoint in front of a v3 backend."""

from shim.compiled import choose

choose()
