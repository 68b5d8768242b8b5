"""Forwarding with translation against bare forwarding: requests a second and CPU a request, as ratios.

Three processes on loopback: this one makes the load and is the backend (it answers with bytes that the
emulator gave once), one is a bare aiohttp forwarder, one is the shim as `shim serve` runs it. Both forwarders
run on uvloop, share the machine and are measured in turns, so that what disturbs one disturbs the other.

    python -m bench.forwarding [--rounds 6] [--requests 2000] [--profile]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import uvloop

from bench.stages import print_stages
from bench.wire import Backend, Load, call_of, free_port

CALLS = ("Client.GetClients", "Reseller.AddReseller", "Client.SetClientPL")


@dataclass
class Round:
    """One round of one forwarder: requests a second, and CPU microseconds a request of its process."""

    rate: float
    cpu: float


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(load: Load, pid: int, requests: int) -> Round:
    before, began = cpu_seconds(pid), time.perf_counter()
    await load.run(requests)
    elapsed = time.perf_counter() - began
    return Round(requests / elapsed, (cpu_seconds(pid) - before) / requests * 1e6)


def start(role: str, port: int, backend: int, folder: Path) -> subprocess.Popen[bytes]:
    arguments = [sys.executable, "-m", "bench.roles", role, str(port), str(backend), str(folder)]
    return subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


async def ready(port: int) -> None:
    for _ in range(200):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"nothing listens on port {port}")


async def bench(rounds: int, requests: int) -> None:
    backend = Backend()
    backend_port = await backend.start()
    with tempfile.TemporaryDirectory() as folder:
        ports = {"bare": free_port(), "shim": free_port()}
        processes = {name: start(name, port, backend_port, Path(folder)) for name, port in ports.items()}
        try:
            for port in ports.values():
                await ready(port)
            print(f"{'call':24} {'bare':>9} {'shim':>9} {'ratio':>7}   {'bare':>8} {'shim':>8} {'ratio':>7}")
            print(f"{'':24} {'req/s':>9} {'req/s':>9} {'':>7}   {'CPU µs':>8} {'CPU µs':>8}")
            for name in CALLS:
                await one(name, backend, ports, processes, rounds, requests)
        finally:
            for process in processes.values():
                process.terminate()
                process.wait()


async def one(
    name: str,
    backend: Backend,
    ports: dict[str, int],
    processes: dict[str, subprocess.Popen[bytes]],
    rounds: int,
    requests: int,
) -> None:
    old_call, new_call = call_of(name)
    backend.answer(new_call.answer)
    # The bare forwarder carries the v3 call, the shim the old call that becomes it.
    loads = {
        "bare": Load(ports["bare"], new_call.path, new_call.request, b":Body>"),
        "shim": Load(ports["shim"], old_call.path, old_call.request, b":Body>"),
    }
    found: dict[str, list[Round]] = {"bare": [], "shim": []}
    for load in loads.values():
        await load.run(300)
    for _ in range(rounds):
        for key, load in loads.items():
            found[key].append(await measure(load, processes[key].pid, requests))
    rate = {key: median(each.rate for each in rows) for key, rows in found.items()}
    cpu = {key: median(each.cpu for each in rows) for key, rows in found.items()}
    print(
        f"{name:24} {rate['bare']:9.0f} {rate['shim']:9.0f} {rate['shim'] / rate['bare']:7.2f}   "
        f"{cpu['bare']:8.0f} {cpu['shim']:8.0f} {cpu['bare'] / cpu['shim']:7.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=1500, help="a round and forwarder")
    options = parser.parse_args()
    uvloop.run(bench(options.rounds, options.requests))
    print()
    print_stages(CALLS)


if __name__ == "__main__":
    main()
