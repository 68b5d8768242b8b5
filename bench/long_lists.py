"""What a long list costs everybody else: p95 and the longest of others' calls, alone and while one is answered.

The backend, a process of its own, gives one integration a GetOrganizations of so many megabytes, and the other
one of ten rows. curl fetches the long list as GetClients, time and again; calls of the other integration are
timed meanwhile. The shim has a heartbeat on its event loop (`bench.heartbeat`), which tells how long it stood
still in CPU time of its process, and its memory: those hold on a busy machine, too.

    python -m bench.long_lists [--megabytes 20] [--lists 2]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import aiohttp
from aiohttp import web

from bench.neighbours import BODY, NOISY, QUIET, configuration, process
from bench.wire import call_of, free_port

ROWS = b"<organization>", b"</organization>"


def lists(megabytes: float) -> tuple[bytes, bytes]:
    """An answer of ten rows, and one of so many megabytes of the same rows."""
    short = call_of("Client.GetClients")[1].answer
    start = short.index(b":organization") - 4
    start = short.rindex(b"<", 0, short.index(b":organization"))
    name = short[start + 1 : short.index(b">", start)]
    end = short.rindex(b"</" + name + b">") + len(name) + 3
    rows = short[start:end]
    return short, short[:start] + rows * max(1, int(megabytes * 1e6 / len(rows))) + short[end:]


async def backend(port: int, megabytes: float) -> None:
    """Gives tokens named after the app, and to each token its list."""
    short, long = lists(megabytes)

    async def token(request: web.Request) -> web.Response:
        app = (await request.post()).get("client_id", "")
        return web.json_response({"access_token": f"token-{app}", "expires_in": 3600, "token_type": "bearer"})

    async def call(request: web.Request) -> web.Response:
        noisy = f"token-{NOISY}".encode() in await request.read()
        return web.Response(body=long if noisy else short, content_type="text/xml", charset="utf-8")

    app = web.Application(client_max_size=1 << 20)
    app.router.add_post("/oauth/token.php", token)
    app.router.add_post("/{path:.*}", call)
    app.router.add_get("/", lambda _: asyncio.sleep(0, web.Response()))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def fetch(url: str, count: int, message: Path) -> None:
    """The long list, so many times, by processes of their own."""
    for _ in range(count):
        began = time.perf_counter()
        options = (
            "-s",
            "--data-binary",
            f"@{message}",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code} %{size_download}",
        )
        curl = await asyncio.create_subprocess_exec("curl", *options, url, stdout=subprocess.PIPE)
        told, _ = await curl.communicate()
        status, size = told.decode().split()
        print(
            f"  a list: HTTP {status}, {int(size) / 1e6:.1f} MB in {time.perf_counter() - began:.1f} s",
            flush=True,
        )


async def timed(http: aiohttp.ClientSession, url: str, until: asyncio.Task[None]) -> list[float]:
    """Milliseconds of calls, one each 5 ms at most, until the task ends."""
    took = []
    while not until.done():
        began = time.perf_counter()
        async with http.post(url, data=BODY.format(QUIET)) as answer:
            await answer.read()
            assert answer.status == 200, await answer.text()
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.005)
    return took


def report(what: str, took: list[float]) -> None:
    percent = quantiles(took, n=100)
    print(
        f"{what}: p50 {percent[49]:.1f}, p95 {percent[94]:.1f}, longest {max(took):.0f} ms of {len(took)} calls"
    )


async def beaten(beats: Path) -> dict[str, Any]:
    """What the heartbeat has told by the end of this second."""
    await asyncio.sleep(2)
    told: dict[str, Any] = json.loads(beats.read_text())
    return told


async def measure(url: str, count: int, folder: Path) -> None:
    message = folder / "message.xml"
    message.write_text(BODY.format(NOISY))
    async with aiohttp.ClientSession() as http:
        for _ in range(300):
            try:
                async with http.post(url, data=BODY.format(QUIET)) as answer:
                    if answer.status == 200:
                        break
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
        report("alone", await timed(http, url, asyncio.create_task(asyncio.sleep(3))))
        beats = folder / "beats.json"
        alone = await beaten(beats)
        beats.unlink()
        report("beside long lists", await timed(http, url, asyncio.create_task(fetch(url, count, message))))
        beside = await beaten(beats)
        print(f"longest stops of the loop, ms of CPU time: alone {alone['stops'][0]}, beside {beside['stops']}")
        print(f"peak memory: before {alone['memory']}, afterwards {beside['memory']} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=20)
    parser.add_argument("--lists", type=int, default=2)
    parser.add_argument("--backend", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.backend:
        asyncio.run(backend(options.backend, options.megabytes))
        return
    port, behind = free_port(), free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "shim.yaml"
        file.write_text(configuration(port, behind, folder, 50))
        itself = (sys.executable, "-m", "bench.long_lists", "--backend", str(behind))
        with (
            process(*itself, "--megabytes", str(options.megabytes)),
            process(sys.executable, "-m", "bench.heartbeat", str(file), str(folder / "beats.json")),
        ):
            asyncio.run(measure(f"http://127.0.0.1:{port}/soap2/client_agent.php", options.lists, folder))


if __name__ == "__main__":
    main()
