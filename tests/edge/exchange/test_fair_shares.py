"""No integration takes the v3 backend, or the shim, from the others: shown by turns and counts."""

from __future__ import annotations

import asyncio

import pytest

from shim.core.admit import admit
from shim.core.commands.caller import Caller
from shim.core.errors import CallerError
from shim.core.findings import Findings
from shim.edge.exchange.fair_shares import Places, Rates
from shim.interfaces.load import old
from tests.edge.backend.test_client import Clock


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Calls:
    """Calls of parties that hold a place until they are ended; `order` is who got one, in order."""

    def __init__(self, places: Places, most: int) -> None:
        self._places = places
        self._most = most
        self.order: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self._ends: list[asyncio.Event] = []

    def start(self, party: str, count: int = 1) -> None:
        self.tasks += [asyncio.create_task(self._call(party)) for _ in range(count)]

    async def _call(self, party: str) -> None:
        await self._places.take(party, self._most)
        self.order.append(party)
        end = asyncio.Event()
        self._ends.append(end)
        await end.wait()
        self._places.give(party)

    async def end(self, count: int = 1) -> None:
        """The oldest calls that hold a place end."""
        for _ in range(count):
            self._ends.pop(0).set()
            await settle()

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_quiet_party_waits_for_one_place_however_long_the_line_of_a_noisy_one_is() -> None:
    calls = Calls(Places(4), most=4)
    calls.start("noisy", 200)
    await settle()
    calls.start("quiet")
    await settle()
    assert calls.order == ["noisy"] * 4
    await calls.end()
    assert calls.order == ["noisy"] * 4 + ["noisy"], "the line that waited longer goes first, once"
    await calls.end()
    assert calls.order[-1] == "quiet"
    await calls.stop()


async def test_lines_take_turns() -> None:
    calls = Calls(Places(1), most=1)
    calls.start("first", 3)
    await settle()
    calls.start("second", 3)
    calls.start("third", 1)
    await settle()
    await calls.end(6)
    assert calls.order == ["first", "first", "second", "third", "first", "second", "second"]
    await calls.stop()


async def test_no_party_has_more_places_than_it_may_and_the_rest_is_for_the_others() -> None:
    calls = Calls(Places(4), most=3)
    calls.start("noisy", 50)
    await settle()
    assert calls.order == ["noisy"] * 3
    calls.start("quiet")
    await settle()
    assert calls.order == ["noisy"] * 3 + ["quiet"]
    await calls.stop()


async def test_who_gives_up_leaves_the_line_and_a_place_that_came_too_late_goes_on() -> None:
    places = Places(1)
    calls = Calls(places, most=1)
    calls.start("holds")
    await settle()
    calls.start("gives up", 2)
    calls.start("stays")
    await settle()
    calls.tasks[1].cancel()
    await settle()
    calls._ends.pop(0).set()
    for _ in range(20):
        await asyncio.sleep(0)
        if calls.tasks[0].done():
            calls.tasks[2].cancel()  # at the very moment at which it is given the place
            break
    await settle()
    assert calls.order == ["holds", "stays"]
    await calls.end()
    assert places.free_for("anybody", 1)
    await calls.stop()


async def test_every_place_comes_back() -> None:
    """Calls that end, are cancelled in line, and are cancelled with a place, in a fixed muddle."""
    places, count = Places(5), 300

    async def one(number: int) -> None:
        await places.take(f"party {number % 7}", 2)
        try:
            for _ in range(number % 5):
                await asyncio.sleep(0)
        finally:
            places.give(f"party {number % 7}")

    tasks = [asyncio.create_task(one(number)) for number in range(count)]
    for number in range(0, count, 3):
        tasks[number * 7 % count].cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not places._lines
    taken = [asyncio.create_task(places.take(f"other {number}", 1)) for number in range(5)]
    await settle()
    assert all(task.done() for task in taken)
    assert not places.free_for("one more", 1)


def test_a_rate_holds_over_time_and_lets_a_burst_through() -> None:
    clock = Clock()
    rates = Rates(clock)
    assert [rates.wait("crm", 2.0, 3) for _ in range(5)] == [None, None, None, 1, 1]
    clock.now += 0.5
    assert [rates.wait("crm", 2.0, 3) for _ in range(2)] == [None, 1]
    assert rates.wait("billing", 2.0, 3) is None, "each has its own"
    assert rates.wait("slow", 0.1, 1) is None
    assert rates.wait("slow", 0.1, 1) == 10
    assert [rates.wait("free", None, 1) for _ in range(100)] == [None] * 100


def test_a_call_above_the_rate_is_refused_with_the_seconds_to_wait() -> None:
    operation = old().operations["Client.GetClients"]
    with pytest.raises(CallerError, match="try again in 7 seconds") as caught:
        admit(Caller("crm", wait=7), operation, Findings())
    fault = caught.value
    assert (fault.reason, fault.retry_after, fault.side) == ("too-many-calls", 7, "Server")
