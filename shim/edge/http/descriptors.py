"""File descriptors: how many the shim may have open, and how many connections that leaves room for."""

from __future__ import annotations

import os
import resource
from contextlib import suppress

from shim.edge.settings.model import Config

ADMIN = 100
"""Connections of the admin listener, beside those of callers."""
_OWN = 100
"""The descriptors that the shim has open by itself: its store, logs, spool, libraries, and handshakes under
way."""
_SPARE = 32
"""Descriptors that are kept free for what has to go on: calls to v3, the store, `/livez`."""


def spare(limit: int) -> int:
    """How many of so many are kept free."""
    return min(_SPARE, limit // 8)


def limit() -> int | None:
    """How many this process may have open now; None: any number."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def missing() -> int:
    """How many would have to be closed for `spare` to be free, whatever it is that uses them."""
    most = limit()
    if most is None:
        return 0
    try:
        used = len(os.listdir("/dev/fd")) - 1  # one is the list's own
    except OSError:  # none is left to look with
        return spare(most)
    return max(0, used + spare(most) - most)


def is_among_the_last(descriptor: int, part: int = 1) -> bool:
    """True if one that was just opened is of those that are kept free, or of the last half, third of them.

    The lowest free one is always taken: all below it are in use.
    """
    most = limit()
    return most is not None and descriptor >= most - spare(most) // part


def reserved(config: Config) -> int:
    """Descriptors that are for others than callers."""
    addresses = 1 + len(config.backend.others)
    return _OWN + ADMIN + config.backend.in_flight * addresses + config.compare.in_flight


def descriptors_needed(config: Config) -> int:
    """Descriptors that the configuration can come to need."""
    return config.listen.max_connections + reserved(config)


def raise_limit(config: Config) -> int:
    """How many may be open, after the process's own limit was raised as far as is needed and allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = descriptors_needed(config)
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
