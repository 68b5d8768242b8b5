"""Something uses up the file descriptors: idle connections give theirs up, and the listener goes on."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import signal
from contextlib import ExitStack, suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.end_to_end import serving
from tests.end_to_end.messages import GET_CLIENTS
from tests.end_to_end.running import PATIENCE, Backend, Shim, Tls, running_shim
from tests.end_to_end.sinks import until
from tests.end_to_end.wire import answered, connected, http_get, http_post, post

MOST = 400
KEPT = 40
"""Connections that callers keep open: more than the descriptors that the shim wants free."""


def _eat(number: int, frame: object) -> None:
    """All descriptors that are left."""
    with suppress(OSError):
        while True:
            os.open(os.devnull, os.O_RDONLY)


def _hungry(folder: str) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST, MOST))
    signal.signal(signal.SIGUSR1, _eat)
    serving._serve(folder)


def hungry(folder: Path) -> ForkServerProcess:
    """`shim serve` with few descriptors, which opens all that are left on SIGUSR1 and closes none of them."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*serving._PRELOADED, __name__])
    (folder / "log").touch()
    process = context.Process(target=_hungry, args=(str(folder),), daemon=True)
    process.start()
    return process


def taken(shim: Shim) -> bool:
    """Whether a connection is taken just now, and answered."""
    try:
        answered(post(shim, GET_CLIENTS))
    except OSError:
        return False
    return True


def metric(shim: Shim, name: str, reason: str) -> float:
    """Its value at the admin listener; 0 where it was not counted yet, or nobody answers just now."""
    try:
        with connected(shim.admin) as wire:
            text = wire.exchange(http_get("/metrics", "Host: localhost")).text
    except OSError:
        return 0.0
    found = re.search(rf'^{name}{{reason="{reason}"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_oldest_idle_connections_go_and_new_ones_are_taken(backend: Backend, tls: Tls) -> None:
    settings = {"listen.max_connections_per_address": 100}
    with running_shim(backend.url, tls, settings, hungry) as shim, ExitStack() as opened:
        assert shim.said("fewer connections than configured")["descriptors"] == MOST
        kept = [opened.enter_context(connected(shim.http, None, PATIENCE)) for _ in range(KEPT)]
        for wire in kept:
            answered(wire.exchange(http_post(GET_CLIENTS)))
        shim.signal(signal.SIGUSR1)
        shim.said("connection closed", reason="no-descriptors")
        assert kept[0].is_closed(), "the oldest is the first to go"
        answered(kept[-1].exchange(http_post(GET_CLIENTS)))
        until(lambda: taken(shim), "the listener goes on, and calls get as far as v3")
        until(lambda: metric(shim, "shim_connections_closed_total", "no-descriptors") > 0, "it is counted")
        assert [each for each in shim.events if each["level"] == "critical"] == []
