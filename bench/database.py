"""What calls cost PostgreSQL, and how many a second one and two shims make: the figures of docs/scaling.md.

Statements and commits are counted in PostgreSQL's own log, one call at a time, with nothing else under way. The
rates are of real processes on loopback: PostgreSQL with fsync, the emulator, the shims, and this one, which
makes the load; all of them share the cores. CPU time tells more where others use them too.

    python -m bench.database [--calls 200] [--at-once 16] [--rounds 3]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import psutil

from bench.wire import free_port
from tests.end_to_end.messages import ACME, NORTHWIND, envelope, namespace
from tests.end_to_end.running import HOST, Shim, make_tls, running_shim
from tests.support.failover import Server, alone

QUIET = {"journal.sweep": 3600, "journal.renew": 3600, "journal.lease": 7200, "deprecation.flush": 3600}
"""Nothing is done beside the calls."""
LOGGED = "log_statement = all\nlog_line_prefix = '%p '\nlog_min_messages = warning\n"
_WRITES = re.compile(r"\s*(INSERT|UPDATE|DELETE)", re.IGNORECASE)
_STATEMENT = re.compile(r"^(\d+) LOG:  (?:statement|execute [^:]*): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kind:
    """A call; `{login}` and `{id}` in its fields are those of a line of its own."""

    name: str
    login: tuple[str, str]
    fields: str


PROFILE = "<name>{login}</name><company>Bench</company><login>{login}</login><password>Pass-2025</password>"
KINDS = [
    Kind("Extension.AddExtension", NORTHWIND, PROFILE + "<country>us</country><parentID>20</parentID>"),
    Kind("Extension.EditExtension", NORTHWIND, "<name>{login} edited</name><ID>{id}</ID>"),
    Kind("Extension.GetExtensionDetails", NORTHWIND, "<ID>{id}</ID>"),
    Kind("Extension.GetExtensions", NORTHWIND, "<filter>{login}</filter><parentID>20</parentID>"),
    Kind("Extension.DelExtension", NORTHWIND, "<ID>{id}</ID>"),
    Kind("Client.AddClient", ACME, PROFILE + "<country>us</country>"),
    Kind("Client.EditClient", ACME, "<company>Bench Ltd</company><ID>{id}</ID>"),
    Kind("Client.GetClientDetails", ACME, "<ID>{id}</ID>"),
    Kind("Client.DelClient", ACME, "<ID>{id}</ID>"),
]
"""In this order: what is edited, read and deleted was added before."""
RATED = [each for each in KINDS if each.name not in ("Extension.GetExtensions", "Client.EditClient")]


def message(kind: Kind, login: str, number: str) -> tuple[str, bytes]:
    """The path of a call, and the message."""
    service, name = kind.name.split(".")
    fields = kind.fields.format(login=login, id=number)
    body = f'<m:{name}Request xmlns:m="{namespace(f"{service}Messages")}">{fields}</m:{name}Request>'
    return f"/soap2/{service.lower()}_agent.php", envelope(body, login=kind.login)


class Lines:
    """The lines that calls are about, each with the ID that it got, and where calls are sent: in turn."""

    def __init__(self, http: aiohttp.ClientSession, shims: list[Shim], tag: str) -> None:
        self._http = http
        self._urls = [f"http://{HOST}:{each.http}" for each in shims]
        self._tag = tag
        self._ids: dict[tuple[str, int], str] = {}

    async def call(self, kind: Kind, number: int) -> None:
        service = kind.name.partition(".")[0]
        login = f"{self._tag}-{service.lower()}-{number}"
        path, data = message(kind, login, self._ids.get((service, number), ""))
        url = self._urls[number % len(self._urls)] + path
        async with self._http.post(url, data=data, headers={"Content-Type": "text/xml"}) as response:
            text = await response.text()
        if response.status != 200:
            raise RuntimeError(f"{kind.name}: {text}")
        found = re.search(r"<(?:\w+:)?ID>(\d+)<", text)
        if ".Add" in kind.name and found:
            self._ids[service, number] = found[1]


@contextmanager
def emulator() -> Iterator[str]:
    """The emulated backend, in a process of its own."""
    port = free_port()
    script = "from shim.cli.main import run; run()"
    command = [sys.executable, "-c", script, "emulate", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not _listens(port):
                if time.monotonic() > deadline:
                    raise RuntimeError("the emulator does not listen")
                time.sleep(0.05)
            yield f"http://{HOST}:{port}"
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as wire:
        return wire.connect_ex((HOST, port)) == 0


@contextmanager
def shims(server: Server, count: int, **changes: object) -> Iterator[list[Shim]]:
    """So many shims on a server, in front of an emulator of their own."""
    settings = {
        "store.url": f"postgresql+asyncpg://postgres@{HOST}:{server.port}/shim",
        "listen.max_connections_per_address": 500,
        "log.level": "warning",
        **changes,
    }
    with ExitStack() as stack:
        backend = stack.enter_context(emulator())
        tls = make_tls(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        settings["log.level"] = "info"  # the ports are in the log
        yield [stack.enter_context(running_shim(backend, tls, settings)) for _ in range(count)]


# ---- what a call costs ----


async def costs(calls: int) -> None:
    print(f"{'call':32} {'statements':>10} {'transactions':>13} {'that write':>11}")
    with alone(extra=LOGGED) as server, shims(server, 1, **QUIET) as those:
        async with aiohttp.ClientSession() as http:
            lines = Lines(http, those, "cost")
            for kind in KINDS:
                await lines.call(kind, 0)  # the first one fills caches
                await asyncio.sleep(1)  # what is noted after an answer
                before = server.log.stat().st_size
                for number in range(1, calls + 1):
                    await lines.call(kind, number)
                await asyncio.sleep(1)
                seen = counted(server.log.read_bytes()[before:].decode("utf-8", "replace"))
                told = [f"{each / calls:.1f}" for each in seen]
                print(f"{kind.name:32} {told[0]:>10} {told[1]:>13} {told[2]:>11}")


def counted(log: str) -> tuple[int, int, int]:
    """Statements, transactions, and those among them that write, of a part of PostgreSQL's log."""
    statements = transactions = writing = 0
    wrote: dict[str, bool] = defaultdict(bool)
    for line in log.split("\n"):
        found = _STATEMENT.match(line)
        if found is None:
            continue
        session, text = found[1], found[2].strip().rstrip(";")
        word = text.split(" ", 1)[0].upper()
        if word in ("COMMIT", "ROLLBACK"):
            transactions += 1
            writing += wrote.pop(session, False)
        elif word not in ("BEGIN", ""):
            statements += 1
            wrote[session] |= bool(_WRITES.match(text))
    return statements, transactions, writing


# ---- how many a second ----


async def rates(calls: int, at_once: int, rounds: int) -> None:
    found: dict[tuple[str, int], list[tuple[float, float, float]]] = defaultdict(list)
    for round_ in range(rounds):
        for count in (1, 2):
            with alone() as server, shims(server, count) as those:
                connector = aiohttp.TCPConnector(limit=at_once)
                async with aiohttp.ClientSession(connector=connector) as http:
                    lines = Lines(http, those, f"rate{round_}")
                    for kind in RATED:
                        before = _cpu(those, server)
                        rate = await _rate(partial(lines.call, kind), calls, at_once)
                        spent = [
                            1000 * (x - y) / calls for x, y in zip(_cpu(those, server), before, strict=True)
                        ]
                        found[kind.name, count].append((rate, spent[0], spent[1]))
    print(f"{'':32} {'calls a second':>20}{'CPU of shims, ms':>20}{'of PostgreSQL, ms':>20}")
    print(f"{'call':32} " + f"{'1 shim':>10}{'2 shims':>10}" * 3)
    for kind in RATED:
        one, two = ([median(each) for each in zip(*found[kind.name, count], strict=True)] for count in (1, 2))
        told = "".join(
            f"{each:>10.{digits}f}" for digits, *pair in zip((0, 1, 1), one, two, strict=True) for each in pair
        )
        print(f"{kind.name:32} {told}")


def _cpu(those: list[Shim], server: Server) -> tuple[float, float]:
    """CPU seconds so far of the shims, and of PostgreSQL's processes."""
    shims = [psutil.Process(each.process.pid).cpu_times() for each in those]
    first, *rest = (each.cpu_times() for each in server.processes())
    ended = first.children_user + first.children_system
    return sum(_spent(each) for each in shims), ended + sum(_spent(each) for each in (first, *rest))


def _spent(times: Any) -> float:
    return float(times.user + times.system)


async def _rate(call: Callable[[int], Awaitable[None]], calls: int, at_once: int) -> float:
    numbers = iter(range(calls))

    async def worker() -> None:
        for number in numbers:
            await call(number)

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(at_once)))
    return calls / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=200, help="of each kind in a round (200)")
    parser.add_argument("--at-once", type=int, default=16, help="calls under way at the same time (16)")
    parser.add_argument("--rounds", type=int, default=3, help="of one shim and of two, in turns (3)")
    options = parser.parse_args()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(
        f"{os.cpu_count()} cores, {platform.machine()}, Python {sys.version.split()[0]}, load before {load}\n"
    )
    asyncio.run(costs(20))
    print()
    asyncio.run(rates(options.calls, options.at_once, options.rounds))


if __name__ == "__main__":
    main()
