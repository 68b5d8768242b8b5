"""File descriptors: how many the shim may have open, and how many connections that leaves room for."""

from __future__ import annotations

import resource
from contextlib import suppress

from shim.edge.settings.model import Config

ADMIN = 100
"""Connections of the admin listener, beside those of callers."""
_OWN = 100
"""What the shim has open by itself: its store, logs, spool, libraries, and handshakes under way."""


def reserved(config: Config) -> int:
    """Descriptors that are for others than callers."""
    addresses = 1 + len(config.backend.others)
    return _OWN + ADMIN + config.backend.in_flight * addresses + config.compare.in_flight


def wanted(config: Config) -> int:
    """Descriptors that the configuration can come to need."""
    return config.listen.max_connections + reserved(config)


def raise_limit(config: Config) -> int:
    """How many may be open, after the process's own limit was raised as far as is needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted(config)
    if soft != resource.RLIM_INFINITY and soft < needed:
        more = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with suppress(ValueError, OSError):  # a service manager may forbid the system call itself
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    return needed if soft == resource.RLIM_INFINITY else soft


def allowed() -> int | None:
    """How many this process may be allowed to open at most; None: any number."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if hard == resource.RLIM_INFINITY else hard


def room(config: Config, descriptors: int) -> int:
    """Connections of callers that there is room for with so many descriptors; at least one."""
    return max(1, min(config.listen.max_connections, descriptors - reserved(config)))
