"""Every peer of the benchmark does the call that it is measured by, and its CPU is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from bench.calls import Measured, add_extension, add_reseller, read, set_limits
from bench.measuring import cpu_seconds, memory, tree
from bench.peers import ends, start
from bench.wire import Backend, Load

Starting = Callable[[int, Path], AbstractContextManager[start.Peer]]


@pytest.fixture
async def backend() -> AsyncIterator[tuple[Backend, int]]:
    one = Backend()
    yield one, await one.start()
    one.close()


def needs(*names: str) -> None:
    """Skip where one of these programs is not installed; it is in CI."""
    for name in names:
        try:
            start.program(name, name)
        except start.MissingProgram as missing:
            pytest.skip(str(missing))


async def entered(manager: AbstractContextManager[start.Peer]) -> start.Peer:
    """Start it in a thread: the backend that it may ask at its start runs on this loop."""
    return await asyncio.to_thread(manager.__enter__)


@pytest.mark.slow
@pytest.mark.parametrize("starting", [start.php, start.zeep, start.shim], ids=["php", "zeep", "shim"])
async def test_a_peer_answers_the_read_in_2_5_with_what_the_backend_said(
    starting: Starting, backend: tuple[Backend, int], tmp_path: Path
) -> None:
    if starting is start.php:
        needs("php-fpm", "nginx")
    one, port = backend
    call = read()
    one.answer(call.answer)
    id = call.answer.partition(b":ID>")[2].partition(b"<")[0]
    manager = starting(port, tmp_path)
    peer = await entered(manager)
    try:
        before = cpu_seconds(peer.processes)
        await Load(peer.port, call.path, call.message, b">" + id + b"</").run(8)
        await Load(peer.port, call.path, call.message, b"GetResellerDetailsResponse").run(8)
        assert cpu_seconds(peer.processes) > before
        assert memory(peer.processes) > 1 << 20
        assert set(peer.processes) <= set(tree(peer.processes))
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


@pytest.mark.slow
async def test_a_shim_of_many_integrations_takes_the_calls_of_the_last(
    backend: tuple[Backend, int], tmp_path: Path
) -> None:
    one, port = backend
    call = read()
    one.answer(call.answer)
    with ExitStack() as stack:
        peer = await start.entered(stack, start.shim(port, tmp_path, integrations=5))
        await Load(peer.port, call.path, call.message, b"GetResellerDetailsResponse").run(3)
        await asyncio.to_thread(stack.close)


@pytest.mark.slow
async def test_the_writes_that_are_measured_become_the_v3_calls_that_bare_carries(
    backend: tuple[Backend, int], tmp_path: Path
) -> None:
    one, port = backend
    manager = start.shim(port, tmp_path)
    peer = await entered(manager)
    bare = start.bare(port)
    forwarder = await entered(bare)
    expected: list[tuple[Measured, set[bytes]]] = [
        (add_reseller(), {b"GetServiceProviders", b"AddServiceProvider"}),
        (set_limits(), {b"SetOrganizationPL"}),
        (add_extension(), {b"GetUsers", b"AddUser", b"SetUserPL", b"AddExtension"}),
    ]
    try:
        for call, operations in expected:
            one.asked.clear()
            one.answers(call.answers)
            one.answer(call.answer)
            await Load(peer.port, call.path, call.message, b"Body>").run(20)
            assert {name for name, body in one.asked.items() if body} == operations
            await Load(forwarder.port, "/soap2/any", list(one.asked.values()), b"Body>").run(4)
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)
        await asyncio.to_thread(bare.__exit__, None, None, None)


def test_a_program_that_is_missing_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start.shutil, "which", lambda *_, **__: None)
    monkeypatch.setattr(start.Path, "glob", lambda *_: iter(()))
    with pytest.raises(start.MissingProgram, match="apt-get install php-fpm"):
        start.program("php-fpm", "php-fpm nginx-light")


@pytest.mark.slow
async def test_both_ends_in_c_carry_the_calls_of_the_shim(tmp_path: Path) -> None:
    needs("wrk", "nginx")
    call = read()
    id = call.answer.partition(b":ID>")[2].partition(b"<")[0]
    body = tmp_path / "body.xml"
    body.write_bytes(call.message(0))
    with ExitStack() as stack:
        port, _ = stack.enter_context(ends.backend(call.answer, tmp_path / "ends"))
        peer = await start.entered(stack, start.shim(port, tmp_path))
        await Load(peer.port, call.path, call.message, b">" + id + b"</").run(3)
        calls, seconds = await ends.load(peer.port, call.path, body, seconds=3, connections=4)
        assert calls >= 1
        assert seconds > 2
        with pytest.raises(RuntimeError, match="failed="):
            await ends.load(peer.port, "/nowhere", body, seconds=3, connections=1)
        await asyncio.to_thread(stack.close)


async def test_a_load_says_what_was_not_as_expected(backend: tuple[Backend, int]) -> None:
    one, port = backend
    one.answer(b"<a:Body>no</a:Body>")
    with pytest.raises(RuntimeError, match="unexpected answer"):
        await Load(port, "/soap2/x", b"<x/>", b"yes", connections=1).run(1)
