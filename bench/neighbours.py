"""What a noisy integration costs a quiet one: p50 and p95 of the quiet one's calls, alone and beside it.

The backend is `shim emulate`, slowed down; the shim is `shim serve`, with its defaults. The noisy integration
has that many calls under way, each on a connection of its own; the quiet one makes one call after the other.

    python -m bench.neighbours [--noisy 200] [--latency-ms 60] [--calls 60] [--shim .venv/bin/shim]
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles

import aiohttp

from bench.wire import free_port

BODY = (
    '<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Header><userCredentials>'
    "<username>{0}</username><password>{0}-secret</password></userCredentials></E:Header>"
    "<E:Body><GetClientsRequest/></E:Body></E:Envelope>"
)
NOISY, QUIET = "acme", "northwind"


def configuration(port: int, backend: int, folder: Path, connections: int) -> str:
    logins = "".join(
        f"""
  - name: {name}
    old: {{username: {name}, password: {name}-secret}}
    new: {{app_key: {name}-key, app_secret: {name}-app-secret}}"""
        for name in (NOISY, QUIET)
    )
    return f"""
listen: {{host: 127.0.0.1, port: {port}, max_connections_per_address: {connections}}}
admin: {{port: 0}}
backend: {{url: "http://127.0.0.1:{backend}"}}
store: {{url: "sqlite+aiosqlite:///{folder}/bench.db"}}
integrations: {logins}
"""


@contextmanager
def process(*command: str) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            yield
        finally:
            running.terminate()


async def call(http: aiohttp.ClientSession, url: str, who: str) -> float:
    """Milliseconds of one call. Raises RuntimeError when it is not answered well."""
    began = time.perf_counter()
    async with http.post(url, data=BODY.format(who)) as answer:
        text = await answer.text()
        if answer.status != 200:
            raise RuntimeError(text)
    return (time.perf_counter() - began) * 1000


async def calls(http: aiohttp.ClientSession, url: str, count: int) -> list[float]:
    return [await call(http, url, QUIET) for _ in range(count)]


async def noise(http: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            await call(http, url, NOISY)
        except RuntimeError:  # a noisy one may be refused: that is not what is measured
            await asyncio.sleep(0.1)


async def measure(url: str, noisy: int, count: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as http:
        for _ in range(300):
            try:
                await call(http, url, QUIET)
                break
            except (aiohttp.ClientError, RuntimeError):
                await asyncio.sleep(0.1)
        report("alone", await calls(http, url, count))
        making = [asyncio.create_task(noise(http, url)) for _ in range(noisy)]
        await asyncio.sleep(3)
        report(f"beside {noisy} calls at once", await calls(http, url, count))
        for each in making:
            each.cancel()


def report(what: str, milliseconds: list[float]) -> None:
    percent = quantiles(milliseconds, n=100)
    print(
        f"{what}: p50 {percent[49]:.0f} ms, p95 {percent[94]:.0f} ms of {len(milliseconds)} calls", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--noisy", type=int, default=200)
    parser.add_argument("--latency-ms", type=int, default=60)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--shim", default=str(Path(sys.executable).with_name("shim")))
    options = parser.parse_args()
    port, backend = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "shim.yaml"
        file.write_text(configuration(port, backend, Path(folder), options.noisy + 20))
        emulator = ("emulate", "--port", str(backend), "--latency-ms", str(options.latency_ms))
        with process(options.shim, *emulator), process(options.shim, "serve", "-c", str(file)):
            url = f"http://127.0.0.1:{port}/soap2/client_agent.php"
            asyncio.run(measure(url, options.noisy, options.calls))


if __name__ == "__main__":
    main()
