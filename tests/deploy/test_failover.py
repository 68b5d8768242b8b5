"""The primary PostgreSQL is killed under load, its standby takes over: nothing is lost, doubled or orphaned."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shim.emulator.app import Options
from tests.deploy.test_balancers import BEHIND, free_port, haproxy, ready, running
from tests.deploy.test_replicas import Outcome, add, orphans, people
from tests.end_to_end.running import PATIENCE, Backend, Shim, Tls, running_shim
from tests.end_to_end.sinks import until
from tests.end_to_end.wire import connected, http_get
from tests.support.failover import Pair, paired

CALLERS, EACH = 6, 12
PAUSE = 0.2
"""Seconds after which a caller makes a call again that ended by a fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    login: str
    began: float
    ended: float
    text: str


@dataclass
class Callers:
    """Those who add extensions, each one after the other, and make a call again until it is answered well."""

    port: int
    tls: Tls
    told: Outcome = field(default_factory=Outcome)
    faults: list[Fault] = field(default_factory=list)
    began: list[float] = field(default_factory=list)

    def work(self, caller: int) -> None:
        for number in range(EACH):
            self.until_added(f"caller{caller}-{number}")

    def until_added(self, login: str) -> None:
        deadline = time.monotonic() + 2 * PATIENCE
        while login not in self.told.added and time.monotonic() < deadline:
            answer, began = Outcome(), time.monotonic()
            self.began.append(began)
            add(self.port, self.tls, login, answer)
            self.told.added |= answer.added
            if answer.faults:
                self.faults.append(Fault(login, began, time.monotonic(), answer.faults[login]))
                time.sleep(PAUSE)


@pytest.fixture
def pair() -> Iterator[Pair]:
    with paired() as pair:
        yield pair


@pytest.fixture
def slow_backend() -> Iterator[Backend]:
    backend = Backend(Options(latency_ms=30))
    yield backend
    backend.close()


def test_the_primary_is_killed_under_load_and_its_standby_promoted(
    pair: Pair, slow_backend: Backend, tls: Tls, tmp_path: Path
) -> None:
    backend = slow_backend
    assert pair.synchronous(), "what is committed is on both"
    settings = {**BEHIND, "store.url": pair.url, "journal.sweep": 0.5}
    with ExitStack() as stack:
        shims = [stack.enter_context(running_shim(backend.url, tls, settings)) for _ in range(2)]
        port = free_port()
        stack.enter_context(running(haproxy(tmp_path, shims, tls, port), port, tls))
        callers = Callers(port, tls)
        threads = [threading.Thread(target=callers.work, args=(each,)) for each in range(CALLERS)]
        for thread in threads:
            thread.start()
        until(
            lambda: len(callers.told.added) > CALLERS * EACH // 4,
            "a quarter of the calls has ended",
            3 * PATIENCE,
        )
        killed = time.monotonic()
        pair.fail_over()
        until(
            lambda: all(map(is_ready, shims)) and ready(port, tls),
            "the shims use the other server",
            3 * PATIENCE,
        )
        again = time.monotonic()
        for thread in threads:
            thread.join(3 * PATIENCE)
        until(lambda: not orphans(backend), "what was left half done is ended", 3 * PATIENCE)
        until(lambda: open_entries(pair) == 0, "nothing is left under way")
    users, phones = people(backend)
    wanted = {f"caller{caller}-{number}" for caller in range(CALLERS) for number in range(EACH)}
    assert set(callers.told.added) == wanted, "no call is lost"
    assert users == dict.fromkeys(wanted, 1), "no user twice, none that nobody knows of"
    assert phones == dict.fromkeys(wanted, 1), "no extension twice, no user without one"
    assert len(set(callers.told.added.values())) == len(wanted), "no ID twice"
    told = [each.text for each in callers.faults]
    assert all("<faultstring>" in each for each in told), told
    outside = [each for each in callers.faults if each.began > again or each.ended < killed]
    assert not outside, "who calls before or after hears of nothing"
    assert pair.primary.ask("SELECT count(*) FROM journal_entries WHERE state = 'paused'", "shim") == "0"
    assert any(began > again for began in callers.began), "calls go on with the other server"


def is_ready(shim: Shim) -> bool:
    with connected(shim.admin) as wire:
        return wire.exchange(http_get("/readyz", "Host: localhost")).status == 200


def open_entries(pair: Pair) -> int:
    """Calls in the journal that have not ended, on the server that takes writes."""
    states = "('running', 'undoing')"
    return int(pair.primary.ask(f"SELECT count(*) FROM journal_entries WHERE state IN {states}", "shim"))
