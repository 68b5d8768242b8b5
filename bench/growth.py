"""How the CPU of a call grows: with its message, identities in the map, integrations, and findings kept.

Each point is a shim of its own, on SQLite; points of a line take turns within a round.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bench.calls import read, set_limits
from bench.extensions import CALLS as OF_A_LIST
from bench.extensions import emulated, forked, phones, request
from bench.measuring import cpu_seconds
from bench.peers import start
from bench.process import Raw
from bench.wire import Answering, Backend, Load, call_of
from shim.edge.deprecation.tables import FINDINGS
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store
from shim.interfaces.load import old

ROWS = (1, 10, 100, 1000, 10_000)
IDENTITIES = (10, 1_000, 100_000, 1_000_000)
INTEGRATIONS = (1, 10, 100, 1000, 10_000)
FINDINGS_KEPT = (10, 1_000, 100_000, 1_000_000)
_BATCH = 50_000
LISTED = 10


async def figures(port: int, backend: Backend, folder: Path, options: argparse.Namespace) -> list[Raw]:
    return [
        ("CPU of GetClients by rows of its answer", "µs", await _rows(port, backend, folder, options), {}),
        (
            f"CPU of GetExtensions, {LISTED} rows, by identities in the map",
            "µs",
            await _identities(port, backend, folder, options),
            {},
        ),
        (
            "CPU of GetResellerDetails by integrations that are configured",
            "µs",
            await _integrations(port, backend, folder, options),
            {},
        ),
        (
            "CPU of SetClientPL, which has findings, by findings that are kept",
            "µs",
            await _findings(port, backend, folder, options),
            {},
        ),
    ]


async def _rows(
    port: int, backend: Backend, folder: Path, options: argparse.Namespace
) -> dict[str, list[float]]:
    """All from one shim: the backend's answer changes."""
    old_call, new_call = call_of("Client.GetClients")
    before, row, after = _cut(new_call.answer)
    found: dict[str, list[float]] = {str(rows): [] for rows in ROWS}
    backend.answers({})
    with ExitStack() as stack:
        peer = await start.entered(stack, start.shim(port, folder, "rows"))
        load = Load(peer.port, old_call.path, old_call.request, b"Body>")
        for round_ in range(options.rounds + 1):
            for rows in ROWS:
                backend.answer(before + row * rows + after)
                used = await _used(load, peer, max(20, options.requests // rows))
                if round_:  # the first one is to warm up
                    found[str(rows)].append(used)
    return found


def _cut(answer: bytes) -> tuple[bytes, bytes, bytes]:
    """A list's answer: what is before its rows, the first row, what is after all."""
    start_ = answer.rindex(b"<", 0, answer.index(b":organization"))
    name = answer[start_ + 1 : answer.index(b">", start_)]
    end = b"</" + name + b">"
    return (
        answer[:start_],
        answer[start_ : answer.index(end) + len(end)],
        answer[answer.rindex(end) + len(end) :],
    )


async def _identities(
    port: int, backend: Backend, folder: Path, options: argparse.Namespace
) -> dict[str, list[float]]:
    answers = {name: await asyncio.to_thread(forked, partial(emulated, LISTED, name)) for name in OF_A_LIST}
    by_operation: dict[str, Answering] = {
        name.partition(".")[2]: partial(lambda body, _: body, body) for name, body in answers.items()
    }
    asked = request()

    for count in IDENTITIES:
        (folder / f"identities-{count}").mkdir()
        await _learned(f"sqlite:///{folder}/identities-{count}/bench.db", count)
    with ExitStack() as stack:
        peers = {n: await start.entered(stack, start.shim(port, folder, f"identities-{n}")) for n in IDENTITIES}
        loads = {n: Load(peer.port, asked.path, asked.body, b"Body>") for n, peer in peers.items()}
        backend.answers(by_operation)
        return await _taking_turns(loads, peers, options)


async def _learned(url: str, count: int) -> None:
    store = await Store.open(url)
    try:
        identities, known = IdentityMap(store, Identities()), phones(count)
        for at in range(0, count, _BATCH):
            await identities.learn(known[at : at + _BATCH])
    finally:
        await store.close()


async def _findings(
    port: int, backend: Backend, folder: Path, options: argparse.Namespace
) -> dict[str, list[float]]:
    call = set_limits()
    for count in FINDINGS_KEPT:
        (folder / f"findings-{count}").mkdir()
        await _kept(f"sqlite:///{folder}/findings-{count}/bench.db", count)
    backend.answers(call.answers)
    backend.answer(call.answer)
    with ExitStack() as stack:
        peers = {
            n: await start.entered(stack, start.shim(port, folder, f"findings-{n}")) for n in FINDINGS_KEPT
        }
        loads = {n: Load(peer.port, call.path, call.message, b"Body>") for n, peer in peers.items()}
        return await _taking_turns(loads, peers, options)


async def _kept(url: str, count: int) -> None:
    """So many findings of the integration that calls, spread over all operations."""
    now = datetime.now(UTC)
    operations = list(old().operations)
    common = {"integration": "bench", "severity": "notice", "because": "", "count": 1, "state": "new"}
    common |= {"first_seen": now, "last_seen": now, "state_at": now}
    store = await Store.open(url)
    try:
        for at in range(0, count, _BATCH):
            rows = [
                common
                | {"operation": operations[number % len(operations)], "code": "field-dropped"}
                | {"path": f"element/{number}"}
                for number in range(at, min(at + _BATCH, count))
            ]
            async with store.writing() as connection:
                await connection.execute(sa.insert(FINDINGS), rows)
    finally:
        await store.close()


async def _integrations(
    port: int, backend: Backend, folder: Path, options: argparse.Namespace
) -> dict[str, list[float]]:
    call = read()
    backend.answers({})
    backend.answer(call.answer)
    with ExitStack() as stack:
        peers = {
            n: await start.entered(stack, start.shim(port, folder, f"integrations-{n}", integrations=n))
            for n in INTEGRATIONS
        }
        loads = {n: Load(peer.port, call.path, call.message, b"Body>") for n, peer in peers.items()}
        return await _taking_turns(loads, peers, options)


async def _taking_turns(
    loads: dict[int, Load], peers: dict[int, start.Peer], options: argparse.Namespace
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {str(n): [] for n in loads}
    for load in loads.values():
        await load.run(100)
    for _ in range(options.rounds):
        for n, load in loads.items():
            found[str(n)].append(await _used(load, peers[n], options.requests))
    return found


async def _used(load: Load, peer: start.Peer, requests: int) -> float:
    """CPU microseconds a call."""
    before = cpu_seconds(peer.processes)
    await load.run(requests)
    return (cpu_seconds(peer.processes) - before) / requests * 1e6
