"""Metrics of all workers in one answer: the first one asks the others, and each series says whose it is.

Sums would fall when a worker is started anew, which Prometheus takes for a reset of everything; with a label
`worker` each series is reset by itself, as those of replicas are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from aiohttp import web

from shim.edge.workers.place import Worker

_PATIENCE = 3.0
"""Seconds that another worker has to tell."""


@asynccontextmanager
async def telling(worker: Worker, text: Callable[[], Awaitable[bytes]]) -> AsyncIterator[None]:
    """Tell this worker's metrics at its socket, as long as the block runs."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=await text())

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, str(worker.socket)).start()
    try:
        yield
    finally:
        await runner.cleanup()
        with suppress(OSError):
            worker.socket.unlink()


async def of_all(worker: Worker, own: bytes) -> bytes:
    """The metrics of all workers; one that does not answer soon is left out."""
    others = [path for path in sorted(worker.folder.iterdir()) if path != worker.socket and path.is_socket()]
    pages = await asyncio.gather(*map(_ask, others))
    parts = [(str(worker.number), own)]
    parts += [(path.name.partition("-")[0], text) for path, text in zip(others, pages, strict=True) if text]
    return merged(parts)


async def _ask(path: Path) -> bytes:
    timeout = aiohttp.ClientTimeout(total=_PATIENCE)
    try:
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)), timeout=timeout) as session,
            session.get("http://worker/metrics") as answer,
        ):
            return await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError):
        return b""


def merged(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """Texts in Prometheus' format as one, each sample with a label `worker`; each family stands once."""
    heads: dict[bytes, dict[bytes, None]] = {}
    samples: dict[bytes, list[bytes]] = {}
    for number, text in parts:
        family, label = b"", b'worker="%s"' % number.encode()
        for line in text.splitlines():
            if line.startswith(b"# "):
                family = line.split(b" ", 3)[2]
                heads.setdefault(family, {})[line] = None
            elif line:
                samples.setdefault(family, []).append(_labelled(line, label))
    lines = [line for family, head in heads.items() for line in (*head, *samples.get(family, ()))]
    return b"\n".join([*lines, b""])


def _labelled(sample: bytes, label: bytes) -> bytes:
    name, brace, rest = sample.partition(b"{")
    if brace:
        return name + b"{" + label + b"," + rest
    name, _, value = sample.partition(b" ")
    return name + b"{" + label + b"} " + value
