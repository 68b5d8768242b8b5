"""Reads may take as long as something comes; writes and silence may not, and nothing may without end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from shim.core.aside import aside
from shim.core.commands.backend import Answer, Call
from shim.core.commands.steps import Steps, ask
from shim.edge.backend.client import Backend
from shim.edge.exchange.deadline import Deadline
from shim.edge.exchange.performer import Performer, Performers, drive
from shim.edge.settings.backend import BackendSettings
from shim.edge.settings.logins import Integration

SILENCE, LONGEST = 10.0, 100.0
WHO = Integration.model_validate(
    {"name": "billing", "old": {"username": "a", "password": "b"}, "new": {"app_key": "c", "app_secret": "d"}}
)


class Clock:
    """The time of the event loop, which passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = asyncio.get_running_loop().time()
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self._now)

    async def passes(self, seconds: float) -> None:
        self._now += seconds
        for _ in range(3):
            await asyncio.sleep(0)


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def too_late(what: Callable[[Deadline], Awaitable[None]]) -> bool:
    """Whether the deadline ends it."""
    try:
        async with Deadline(SILENCE, LONGEST) as deadline:
            await what(deadline)
    except TimeoutError:
        return True
    return False


async def test_silence_ends_it(clock: Clock) -> None:
    assert await too_late(lambda deadline: clock.passes(SILENCE))
    assert not await too_late(lambda deadline: clock.passes(SILENCE - 1))


async def test_whatever_comes_begins_the_time_anew_but_not_beyond_the_longest(clock: Clock) -> None:
    passed = 0.0

    async def coming(deadline: Deadline) -> None:
        nonlocal passed
        while True:
            passed += SILENCE / 2
            await clock.passes(SILENCE / 2)
            deadline.progress()

    assert await too_late(coming)
    assert passed == LONGEST


async def test_own_work_is_no_silence_and_bounded_by_the_longest(clock: Clock) -> None:
    async def working(deadline: Deadline, seconds: float) -> None:
        with deadline.working():
            with deadline.working():
                await clock.passes(1)
            await clock.passes(seconds - 1)
        await clock.passes(SILENCE / 2)

    assert not await too_late(lambda deadline: working(deadline, LONGEST / 2))
    assert await too_late(lambda deadline: working(deadline, LONGEST))


async def test_after_a_write_nothing_is_granted_any_more(clock: Clock) -> None:
    async def writing(deadline: Deadline, seconds: float) -> None:
        with deadline.working():
            await clock.passes(LONGEST / 2)
        deadline.writes()
        await clock.passes(SILENCE / 2)
        deadline.progress()
        deadline.writes()
        with deadline.working():
            await clock.passes(seconds)

    assert not await too_late(lambda deadline: writing(deadline, SILENCE / 2 - 1))
    assert await too_late(lambda deadline: writing(deadline, SILENCE / 2))


async def test_a_bound_for_reads_that_is_below_the_usual_one_takes_nothing_from_writes(clock: Clock) -> None:
    async with Deadline(SILENCE, 1.0):
        await clock.passes(SILENCE / 2)


# ---- an exchange ----


class Slow:
    """A backend whose answer comes in parts."""

    def __init__(self, clock: Clock, parts: int) -> None:
        self._clock, self._parts = clock, parts

    async def forward(self, call: Call, integration: Integration, heard: Callable[[], object]) -> Answer:
        for _ in range(self._parts):
            await self._clock.passes(SILENCE * 0.75)
            heard()
        return Answer(200, "text/xml", b"<a/>")


class Known:
    """Integrations, of which each is as it was."""

    def current(self, integration: Integration) -> Integration:
        return integration


def exchange(writes: bool) -> Steps[str]:
    yield from ask(Call("Client", "GetClients", "/", "", lambda token: b"<a/>", writes))
    yield from aside(1 << 20, lambda: None)
    return "done"


@pytest.mark.parametrize("writes", [False, True])
async def test_a_read_that_comes_bit_by_bit_is_answered_and_a_write_has_to_be_quick(
    clock: Clock, writes: bool
) -> None:
    unused: Any = None
    parts: Any = (Known(), Slow(clock, 5), unused, unused)
    performer = Performer(Performers(*parts), "127.0.0.1", WHO)
    async with asyncio.timeout(None) as whole:
        try:
            async with Deadline(SILENCE, LONGEST) as deadline:
                performer.deadline = deadline
                told = await drive(exchange(writes), performer)
        except TimeoutError:
            told = "too late"
    assert not whole.expired()
    assert told == ("too late" if writes else "done")


# ---- over HTTP ----


class Tokens:
    def kept(self, integration: Integration) -> None:
        return None

    async def token(self, integration: Integration) -> str:
        return "token"


async def test_over_http_a_read_takes_as_long_as_parts_of_it_come(clock: Clock) -> None:
    heard: asyncio.Queue[bool] = asyncio.Queue()
    parts = [b"<Envelope>", *[b"<row/>" * 100] * 6, b"</Envelope>"]

    async def trickling(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/xml"})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
            await heard.get()
            await clock.passes(SILENCE * 0.75)
        return response

    app = web.Application()
    app.router.add_post("/", trickling)
    async with TestServer(app) as server, ClientSession() as http:
        settings = BackendSettings.model_validate(
            {"url": str(server.make_url("/")), "call_timeout": SILENCE, "retry": {"attempts": 1}}
        )
        tokens: Any = Tokens()
        backend = Backend(http, tokens, settings)
        call = Call("Client", "GetClients", "/", "", lambda token: b"<a/>", False)
        answer = await backend.forward(call, WHO, lambda: heard.put_nowait(True))
    assert answer.body == b"".join(parts)
