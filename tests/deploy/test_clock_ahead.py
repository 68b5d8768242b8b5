"""Replicas whose clocks do not agree, one of them killed: leases, tokens and the journal go by one clock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from shim.emulator.app import Options
from tests.deploy.test_balancers import BEHIND, free_port, haproxy, running
from tests.deploy.test_replicas import Outcome, add, orphans, people
from tests.end_to_end.running import PATIENCE, Backend, Shim, Tls, running_shim
from tests.end_to_end.sinks import until
from tests.support.shifted import Ahead, start

pytest_plugins = ["tests.support.postgres"]

CALLERS, EACH = 4, 12
LEASE = 20
"""Seconds: long enough for a busy machine, and far less than the clocks are apart."""


@pytest.mark.parametrize(
    ("ahead", "victim"),
    [(120, "shifted"), (-120, "true")],
    ids=["ahead-and-killed", "behind-and-left-alone"],
)
def test_clocks_two_minutes_apart_lose_double_and_orphan_nothing(
    postgres: Callable[[], str], tls: Tls, tmp_path: Path, ahead: int, victim: str
) -> None:
    """What a shim with another clock holds would seem to be free at once, or held for two minutes."""
    backend = Backend(Options(latency_ms=60, token_seconds=4))
    store = postgres().replace("postgresql://", "postgresql+asyncpg://", 1)
    settings = {**BEHIND, "store.url": store, "journal.lease": LEASE, "journal.renew": 2, "journal.sweep": 0.2}
    outcome = Outcome()
    with ExitStack() as stack:
        stack.callback(backend.close)
        true = stack.enter_context(running_shim(backend.url, tls, settings))
        begin = partial(start, ahead=Ahead(ahead))
        shifted = stack.enter_context(running_shim(backend.url, tls, settings, begin))
        assert abs(_clock_of(shifted) - ahead) < PATIENCE, "its log has the other clock"
        port = free_port()
        stack.enter_context(running(haproxy(tmp_path, [true, shifted], tls, port), port, tls))

        def calls(caller: int) -> None:
            for number in range(EACH):
                add(port, tls, f"caller{caller}-{number}", outcome)

        threads = [threading.Thread(target=calls, args=(caller,)) for caller in range(CALLERS)]
        for thread in threads:
            thread.start()
        until(lambda: outcome.count >= CALLERS * EACH // 2, "half of the calls has ended", 3 * PATIENCE)
        assert not outcome.faults, "while both are there nobody takes what the other one works on"
        killed = {"shifted": shifted, "true": true}[victim]
        left = true if killed is shifted else shifted
        killed.process.kill()
        killed.wait()
        for thread in threads:
            thread.join(3 * PATIENCE)
        until(
            lambda: not orphans(backend),
            "what the killed one left half done is ended by the other",
            2 * PATIENCE,
        )
        assert not [each for each in left.events if each.get("reason") == "journal-lost"]
    users, phones = people(backend)
    assert outcome.count == CALLERS * EACH
    assert {login: users[login] for login in outcome.added} == dict.fromkeys(outcome.added, 1)
    assert {login: phones[login] for login in outcome.added} == dict.fromkeys(outcome.added, 1)
    assert set(users.values()) == {1}, "no login twice"
    assert len(set(outcome.added.values())) == len(outcome.added), "no ID twice"
    assert len(outcome.faults) <= CALLERS, outcome.faults
    for login in outcome.faults:
        assert (users[login], phones[login]) in ((0, 0), (1, 1)), "all or nothing"


def _clock_of(shim: Shim) -> float:
    """How far the clock of a shim's log is ahead of ours, seconds."""
    told = datetime.fromisoformat(str(shim.said("listening")["timestamp"]))
    return (told - datetime.now(UTC)).total_seconds()
