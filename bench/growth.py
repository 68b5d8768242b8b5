"""How the CPU of a call grows: with its message, with the identities in the map, with the integrations.

Each point is a shim of its own, on SQLite; points of a line take turns within a round.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from bench.calls import read
from bench.extensions import CALLS as OF_A_LIST
from bench.extensions import emulated, forked, phones, request
from bench.measuring import cpu_seconds
from bench.peers import start
from bench.process import Raw
from bench.wire import Answering, Backend, Load, call_of
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store

ROWS = (1, 10, 100, 1000)
IDENTITIES = (10, 1_000, 10_000, 100_000)
INTEGRATIONS = (1, 10, 100, 1000)
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
        await IdentityMap(store, Identities()).learn(phones(count))
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
