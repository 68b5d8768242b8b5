"""Long messages hold nobody up: what is done with them is done aside, and answers go out in slices."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from shim.core.aside import aside
from shim.core.commands.steps import Aside, Steps, ask
from shim.core.errors import BackendError, CallerError, StoreUnavailable
from shim.core.findings import Findings
from shim.edge.exchange.performer import Performer, Performers, drive
from shim.edge.exchange.threads import Threads
from shim.edge.http import answers
from shim.edge.http.answers import LONG, SLICE, SlicedResponse, WholeResponse, response

LARGE = 1 << 20


def performer() -> Performer:
    unused: Any = None
    return Performer(Performers(unused, unused, unused, unused), "127.0.0.1")


def exchange(size: int, where: list[int], ends_with: Exception | None = None) -> Steps[str]:
    """An exchange with a message of a size, which notes the threads that its steps run in."""
    where.append(threading.get_ident())
    yield from aside(size, lambda: where.append(threading.get_ident()))
    where.append(threading.get_ident())
    yield from ask(Aside(lambda: None))
    where.append(threading.get_ident())
    if ends_with is not None:
        raise ends_with
    return "done"


async def test_what_follows_a_large_message_is_done_in_other_threads() -> None:
    where: list[int] = []
    assert await drive(exchange(LARGE, where), performer()) == "done"
    here = threading.get_ident()
    assert where[0] == here
    assert len(where) == 4
    assert here not in where[1:]


async def test_a_small_message_is_served_where_it_came_in() -> None:
    where: list[int] = []
    steps = exchange(10, where)
    assert isinstance(next(steps), Aside), "not the one for the message"
    assert where == [threading.get_ident()] * 3


@pytest.mark.parametrize("fault", [CallerError("bad-value", "No."), BackendError("backend-late", "Late.")])
async def test_a_fault_from_another_thread_is_the_same_fault(fault: Exception) -> None:
    with pytest.raises(type(fault)) as caught:
        await drive(exchange(LARGE, [], fault), performer())
    assert caught.value is fault


async def test_a_fault_of_a_command_reaches_an_exchange_in_another_thread() -> None:
    def failing() -> None:
        raise StoreUnavailable("store-unavailable", "Gone.")

    def recovering() -> Steps[str]:
        yield from aside(LARGE, lambda: None)
        try:
            yield from ask(Aside(failing))
        except StoreUnavailable as fault:
            return fault.reason
        return "nothing"

    assert await drive(recovering(), performer()) == "store-unavailable"


class Counting(SlicedResponse):
    """Counts what it writes at once."""

    sizes: list[int]

    async def write(self, data: Any) -> None:
        self.sizes.append(len(data))
        await super().write(data)


@pytest.mark.parametrize("length", [LONG, LONG + 1, 5 * SLICE - 1])
async def test_a_long_answer_goes_out_in_slices_and_whole(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    Counting.sizes = []
    monkeypatch.setattr(answers, "SlicedResponse", Counting)
    body = bytes(number % 251 for number in range(length))

    async def handler(request: web.Request) -> web.StreamResponse:
        return response(200, body, {"Content-Type": "text/xml; charset=utf-8"})

    app = web.Application()
    app.router.add_post("/", handler)
    async with TestServer(app) as server, ClientSession() as http:
        for _ in range(2):  # the connection is good for the next call
            async with http.post(server.make_url("/")) as answer:
                assert answer.headers["Content-Length"] == str(length)
                assert "Transfer-Encoding" not in answer.headers
                assert await answer.read() == body
    assert max(Counting.sizes) == SLICE
    assert sum(Counting.sizes) == 2 * length


def test_a_short_answer_is_written_at_once() -> None:
    assert isinstance(response(500, b"x" * (LONG - 1), {}), WholeResponse)


async def test_threads_leave_the_switching_of_the_interpreter_as_it_was() -> None:
    before = sys.getswitchinterval()
    threads = Threads()
    assert await threads.run(sys.getswitchinterval) < before
    assert sys.getswitchinterval() == before


async def test_older_garbage_is_left_alone_while_there_is_a_long_tree_and_no_longer() -> None:
    before = gc.get_threshold()
    threads, release = Threads(), threading.Event()
    meanwhile = asyncio.create_task(threads.run(lambda: (gc.get_threshold(), release.wait(60))[0]))
    await until(lambda: threads.running == 1)
    young, older, oldest = await threads.run(gc.get_threshold)
    assert (young, oldest) == (before[0], before[2]), "young garbage is looked for as before"
    assert older > before[1]
    release.set()
    assert await meanwhile == (young, older, oldest)
    await until(lambda: threads.running == 0)
    assert gc.get_threshold() == before


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  # what is waited for has no event
            await asyncio.sleep(0.01)


async def test_work_that_nobody_waits_for_keeps_its_place_until_it_ends() -> None:
    usual = sys.getswitchinterval()
    threads, end, begun = Threads(), threading.Event(), []

    def work() -> None:
        begun.append(threading.get_ident())
        end.wait(60)

    try:
        left = [asyncio.create_task(threads.run(work)) for _ in range(2)]
        await until(lambda: len(begun) == 2)
        for each in left:
            each.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        assert all(each.cancelled() for each in left), "who waits is let go at once"
        third = asyncio.create_task(threads.run(end.is_set))
        for _ in range(20):  # turns of the loop: a free place is taken in the first ones
            await asyncio.sleep(0)
        assert threads.running == 2, "the third waits for a place"
        assert sys.getswitchinterval() < usual
    finally:
        end.set()
    assert await third, "begun only when a place was free"
    await until(lambda: threads.running == 0)
    assert sys.getswitchinterval() == usual


async def test_a_place_is_free_again_when_no_thread_was_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: object, work: object) -> None:
        raise RuntimeError("can't start new thread")

    threads = Threads()
    with monkeypatch.context() as without:
        without.setattr("concurrent.futures.ThreadPoolExecutor.submit", none)
        for _ in range(3):
            with pytest.raises(RuntimeError, match="thread"):
                await threads.run(lambda: None)
    assert threads.running == 0
    assert await asyncio.wait_for(threads.run(lambda: "done"), 60) == "done"


def test_findings_can_be_told_while_a_step_that_nobody_waits_for_adds_some() -> None:
    findings = Findings()
    findings.add("unknown-header", "a")
    told = findings.own
    first = next(told)
    findings.add("unknown-header", "b")
    assert [first.path, *(each.path for each in told)] == ["a"]
    assert [each.path for each in findings] == ["a", "b"]
