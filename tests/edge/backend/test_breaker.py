"""Addresses of the backend that do not answer: left alone, tried again, and others asked in their place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from shim.core.commands.backend import Call
from shim.core.errors import BackendError
from shim.edge.backend.breaker import Addresses, Breaker, retry_after
from shim.edge.backend.client import Backend, open_session
from shim.edge.backend.tokens import Tokens, open_http
from shim.edge.settings.backend import BackendSettings as Settings
from shim.edge.settings.backend import BreakerSettings
from shim.edge.settings.model import Integration

WHO = Integration.model_validate(
    {"name": "a", "old": {"username": "u", "password": "p"}, "new": {"app_key": "k", "app_secret": "s"}}
)
OK = "<Envelope/>"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("http://v3", BreakerSettings(failures=3, rest=5, longest=15), clock)


def fail(breaker: Breaker, times: int = 1) -> None:
    for _ in range(times):
        with breaker.asking():
            breaker.failed()


def test_failures_in_a_row_open_it_and_an_answer_between_does_not(breaker: Breaker) -> None:
    fail(breaker, 2)
    with breaker.asking():
        breaker.answered()
    fail(breaker, 2)
    assert not breaker.resting
    fail(breaker)
    assert breaker.resting


def test_one_call_tries_again_and_the_rest_doubles_until_an_answer(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    for seconds in (5, 10, 15, 15):
        clock.now += seconds - 0.1
        assert breaker.resting
        clock.now += 0.1
        assert not breaker.resting
        with breaker.asking():
            assert breaker.resting, "one at a time"
            breaker.failed()
        assert breaker.resting
    clock.now += 15
    with breaker.asking():
        breaker.answered()
    assert not breaker.resting
    fail(breaker, 2)
    assert not breaker.resting


def test_calls_that_began_before_do_not_make_it_rest_longer(breaker: Breaker, clock: Clock) -> None:
    under_way = [breaker.asking() for _ in range(20)]
    for each in under_way:
        each.__enter__()
    for each in under_way:
        breaker.failed()
        each.__exit__(None, None, None)
    clock.now = 5
    assert not breaker.resting


def test_a_trial_that_is_broken_off_lets_the_next_one_try(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now = 5
    with pytest.raises(asyncio.CancelledError), breaker.asking():
        raise asyncio.CancelledError
    assert not breaker.resting


def test_one_that_answers_no_health_check_rests_until_it_does(breaker: Breaker, clock: Clock) -> None:
    breaker.checked(False)
    breaker.checked(True)
    breaker.checked(False)
    assert not breaker.resting
    breaker.checked(False)
    clock.now = 100
    assert breaker.resting
    breaker.checked(True)
    assert not breaker.resting


def test_retry_after_is_seconds_or_a_date_of_a_busy_server() -> None:
    assert retry_after(503, "7") == 7
    assert retry_after(429, " 120 ") == 120
    assert retry_after(503, "Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert (retry_after(503, "Fri, 31 Dec 9999 23:59:59 GMT") or 0) > 1e9
    for status, header in ((200, "7"), (503, None), (503, "soon"), (503, "-1")):
        assert retry_after(status, header) is None


# ---- the backend as a whole ----


class Node:
    """An address of v3; `mode`: up, hung (it accepts and never answers), busy (Retry-After)."""

    def __init__(self) -> None:
        self.mode = "up"
        self.calls: list[str] = []
        self.called = asyncio.Semaphore(0)

    async def reached(self, calls: int) -> None:
        """Wait for so many SOAP calls in all."""
        while self.calls.count("/soap") < calls:
            await self.called.acquire()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request.path)
        self.called.release()
        if self.mode == "hung":
            await asyncio.sleep(3600)
        if self.mode == "busy":
            return web.Response(status=503, headers={"Retry-After": "9"})
        if request.path == "/oauth/token.php":
            return web.json_response({"access_token": "t", "expires_in": 3600})
        return web.Response(text=OK, content_type="text/xml")


class BackendFixture:
    """Two addresses and the way to them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.nodes = (Node(), Node())
        self.servers: list[TestServer] = []
        self.backend: Backend
        self.addresses: Addresses
        self.session: aiohttp.ClientSession

    async def call(self, *, writes: bool = False) -> int:
        call = Call("S", "Op", "/soap", "Op", lambda token: b"<Envelope/>", writes)
        return (await self.backend.forward(call, WHO)).status

    def soap(self) -> list[int]:
        return [node.calls.count("/soap") for node in self.nodes]

    async def check(self, times: int = 2) -> None:
        for _ in range(times):
            for each in self.addresses.all:
                await self.addresses.check(self.session, each)


@pytest.fixture
async def fixture(clock: Clock) -> AsyncIterator[BackendFixture]:
    fixture = BackendFixture(clock)
    for node in fixture.nodes:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", node.handle)
        server = TestServer(app)
        await server.start_server()
        fixture.servers.append(server)
    urls = [str(each.make_url("")).rstrip("/") for each in fixture.servers]
    settings: dict[str, Any] = {"url": urls[0], "others": urls[1:], "call_timeout": 1.0}
    config = Settings.model_validate({**settings, "breaker": {"failures": 2}, "health": {"timeout": 1.0}})
    fixture.addresses = Addresses(config, clock=clock)

    async def pause(attempt: int) -> None: ...

    async with open_session(config) as session, open_http(config) as http:
        fixture.session = session
        tokens = Tokens(http, config.token_path, addresses=fixture.addresses)
        fixture.backend = Backend(session, tokens, config, clock, pause, addresses=fixture.addresses)
        yield fixture
        await tokens.close()
    for server in fixture.servers:
        await server.close()


async def test_reads_and_writes_that_never_ran_go_to_the_next_address(fixture: BackendFixture) -> None:
    await fixture.servers[0].close()
    for writes in (False, True):
        assert await fixture.call(writes=writes) == 200
    assert fixture.soap() == [0, 2]


async def test_a_read_that_hangs_is_made_at_the_next_address(fixture: BackendFixture) -> None:
    assert await fixture.call() == 200
    fixture.nodes[0].mode = "hung"
    assert await fixture.call() == 200
    assert fixture.soap() == [2, 1]


async def test_a_write_whose_end_was_not_seen_is_made_nowhere_else(fixture: BackendFixture) -> None:
    assert await fixture.call() == 200
    fixture.nodes[0].mode = "hung"
    with pytest.raises(BackendError) as caught:
        await fixture.call(writes=True)
    assert (caught.value.reason, caught.value.unknown) == ("backend-late", True)
    assert fixture.soap() == [2, 0]


async def test_when_all_hang_callers_are_told_at_once_and_one_call_tries(
    fixture: BackendFixture, clock: Clock
) -> None:
    assert await fixture.call() == 200
    for node in fixture.nodes:
        node.mode = "hung"
    await fixture.check()
    before = fixture.soap()
    for writes in (False, True):
        with pytest.raises(BackendError) as caught:
            await fixture.call(writes=writes)
        assert (caught.value.reason, caught.value.unknown) == ("backend-unreachable", False)
        assert "nothing was changed; try again in 5 seconds" in caught.value.text
    assert fixture.soap() == before
    assert fixture.addresses.problem is not None
    for node in fixture.nodes:
        node.mode = "up"
    await fixture.check(1)
    clock.now += 5
    assert await fixture.call() == 200
    assert fixture.addresses.problem is None


async def test_failures_alone_open_it_where_health_checks_see_nothing(fixture: BackendFixture) -> None:
    assert await fixture.call() == 200
    fixture.nodes[0].mode = "hung"
    for _ in range(3):
        assert await fixture.call() == 200
    assert fixture.soap()[0] == 1 + 2, "two that hung, then it rested"


async def test_retry_after_is_granted(fixture: BackendFixture, clock: Clock) -> None:
    assert await fixture.call() == 200
    fixture.nodes[0].mode = "busy"
    assert await fixture.call() == 200
    fixture.nodes[0].mode = "up"
    clock.now = 8
    assert await fixture.call() == 200
    assert fixture.soap() == [2, 2]
    clock.now = 9
    assert await fixture.call() == 200
    assert fixture.soap() == [3, 2]


async def test_tokens_are_fetched_where_there_is_an_answer(fixture: BackendFixture) -> None:
    fixture.nodes[0].mode = "hung"
    assert await fixture.call() == 200
    assert fixture.nodes[1].calls.count("/oauth/token.php") == 1


# ---- v3 hangs: nobody waits longer than a health check takes ----


async def test_one_check_that_is_not_answered_is_enough_where_a_call_waits_as_long(
    breaker: Breaker, clock: Clock
) -> None:
    began = asyncio.Event()

    async def call() -> None:
        with breaker.asking(), breaker.waiting():
            began.set()
            await asyncio.sleep(3600)

    waiting = asyncio.create_task(call())
    await began.wait()
    clock.now = 1
    breaker.checked(False, began=0.5)
    assert breaker.resting
    with pytest.raises(TimeoutError):
        await waiting
    breaker.checked(True)
    assert not breaker.resting, "the next call may try"


async def test_a_call_that_is_younger_than_the_check_is_no_second_sign(breaker: Breaker, clock: Clock) -> None:
    clock.now = 1
    with breaker.waiting():
        breaker.checked(False, began=0.5)
        assert not breaker.resting


async def test_who_has_just_been_answered_keeps_the_answer(breaker: Breaker, clock: Clock) -> None:
    """A write that v3 did must not be told as one whose end nobody saw."""
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def call() -> str:
        with breaker.asking(), breaker.waiting():
            return await answered

    waiting = asyncio.create_task(call())
    await asyncio.sleep(0)
    clock.now = 1
    answered.set_result("done")
    breaker.checked(False, began=0.5)
    assert breaker.resting
    assert await waiting == "done"


async def test_an_answer_to_anybody_since_the_check_began_is_a_sign_of_life(
    breaker: Breaker, clock: Clock
) -> None:
    with breaker.waiting():
        clock.now = 1
        breaker.answered()
        for _ in range(3):
            breaker.checked(False, began=0.5)
        assert not breaker.resting


@pytest.mark.parametrize("writes", [False, True])
async def test_callers_that_wait_are_told_as_soon_as_a_check_is_not_answered(
    fixture: BackendFixture, writes: bool
) -> None:
    assert await fixture.call() == 200
    for node in fixture.nodes:
        node.mode = "hung"
    waiting = [asyncio.create_task(fixture.call(writes=writes)) for _ in range(3)]
    await fixture.nodes[0].reached(1 + len(waiting))
    for breaker in fixture.addresses.all:
        for _ in range(2):
            breaker.checked(False)
    for each in waiting:
        with pytest.raises(BackendError) as caught:
            await each
        if writes:
            assert (caught.value.reason, caught.value.unknown) == ("backend-late", True)
        else:
            assert caught.value.reason in ("backend-unreachable", "backend-late")
            assert not caught.value.unknown
    with pytest.raises(BackendError) as caught:
        await fixture.call(writes=writes)
    assert (caught.value.reason, caught.value.retry_after) == ("backend-unreachable", 5)


async def test_native_calls_count_as_failures_and_as_signs_of_life(fixture: BackendFixture) -> None:
    async def passing() -> int:
        async with fixture.backend.passing("POST", "/soap", {}, b"x") as answer:
            await answer.read()
            return answer.status

    assert await passing() == 200
    await fixture.servers[0].close()
    for _ in range(2):
        with pytest.raises(BackendError):
            await passing()
    assert fixture.addresses.all[0].resting
    assert await passing() == 200, "at the next address"
    assert fixture.soap() == [1, 1]


def test_the_defaults_see_a_hang_within_a_second() -> None:
    health = Settings.model_validate({"url": "https://v3"}).health
    assert 1.2 * health.after + health.timeout < 1
