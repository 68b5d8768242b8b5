"""A worker's place among the others, and its share of what holds for all of them."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shim.edge.reload import Reload
from shim.edge.settings.load import Config, ConfigError, SettingProblem

FIRST = 1
"""The number of the worker that has the admin listener."""


@dataclass(frozen=True)
class Worker:
    """One process of several. `folder` has the socket of each, where the first one asks for metrics; `parent`
    is the process that looks after them; `ready` tells it that this one serves, `alive` ends when it ended.
    """

    number: int
    count: int
    folder: Path
    parent: int
    reload: Reload
    ready: int
    alive: int

    @property
    def has_admin(self) -> bool:
        return self.number == FIRST

    @property
    def socket(self) -> Path:
        """Where this worker tells its metrics. The process is part of the name: two may have one number for a
        moment, while one takes the place of the other."""
        return self.folder / f"{self.number}-{os.getpid()}"

    def tell_ready(self) -> None:
        os.write(self.ready, b"1")

    def end_with_parent(self) -> None:
        """Called once `alive` can be read: the parent has gone without a word, so this ends in order."""
        os.kill(os.getpid(), signal.SIGTERM)


def count_of(config: Config) -> int:
    """How many workers there are to be: as configured, else one a core on PostgreSQL and one on SQLite.

    Raises ConfigError for several on SQLite.
    """
    workers = config.listen.workers
    sqlite = config.store.url.get_secret_value().startswith("sqlite")
    if workers is None:
        return 1 if sqlite else cores()
    if workers > 1 and sqlite:
        what = f"SQLite has one writer, and what a worker keeps of it in memory {workers} would not agree on"
        raise ConfigError(
            [SettingProblem("listen.workers", what, None, "Set it to 1, or let store.url be PostgreSQL")]
        )
    return workers


def cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Cores to use: those that this process may run on, within what its container has; at least one."""
    mine = len(os.sched_getaffinity(0))
    try:
        limit, period = quota.read_text().split()
        return max(1, min(mine, int(limit) // int(period)))
    except (OSError, ValueError):  # no such file, or "max"
        return mine


def share(config: Config, count: int) -> Config:
    """The configuration of one of so many: of what holds for all together, it has its part, rounded up."""
    if count == 1:
        return config
    listen = config.listen.model_copy(update={"max_connections": -(-config.listen.max_connections // count)})
    backend = config.backend.model_copy(update={"in_flight": -(-config.backend.in_flight // count)})
    return config.model_copy(update={"listen": listen, "backend": backend})


WorkerSockets = Mapping[str, Sequence[socket.socket]]
ListenAddress = tuple[str, int]


def addresses(config: Config) -> dict[str, ListenAddress]:
    """The sockets by the name of their listener."""
    listen = config.listen
    bound = {"http": (listen.host, listen.port), "admin": (config.admin.host, config.admin.port)}
    return bound | ({"https": (listen.host, listen.tls_port)} if listen.tls else {})


def opened(
    config: Config, handed: WorkerSockets, listen: Callable[[ListenAddress], list[socket.socket]] | None = None
) -> WorkerSockets:
    """A listening socket for each listener: that of the service manager, else one of our own. Raises OSError.

    They are opened once, by the parent, and all workers accept from them: a connection that waits is nobody's
    yet, so that none is lost when a worker ends. (With a socket for each, as SO_REUSEPORT has it, those that
    wait at one are lost with it.)
    """
    own = listen or listening
    return {name: handed.get(name) or own(where) for name, where in addresses(config).items()}


def listening(where: ListenAddress) -> list[socket.socket]:
    """Sockets that listen at all addresses of a host. Raises OSError."""
    host, port = where
    sockets: list[socket.socket] = []
    kind, flags = socket.SOCK_STREAM, socket.AI_PASSIVE
    for family, _, protocol, _, at in dict.fromkeys(
        socket.getaddrinfo(host or None, port, type=kind, flags=flags)
    ):
        one = socket.socket(family, kind, protocol)
        sockets.append(one)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setblocking(False)
        one.bind(at)
        one.listen(BACKLOG)
    return sockets


BACKLOG = 512
"""Connections that wait to be accepted."""
