"""What a process of the shim costs: until its first answer, in memory, for connections that wait."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from bench.calls import read
from bench.measuring import memory, tree
from bench.peers import start
from bench.wire import Load, free_port

Raw = tuple[str, str, dict[str, list[float]], dict[str, float]]
"""What, unit, values by name, aims."""

MIB = 1 << 20
IDLE = 1000


async def figures(port: int, folder: Path, options: argparse.Namespace) -> list[Raw]:
    began = [await _first_answer(port, folder / "start") for _ in range(options.rounds + 1)][1:]
    wall, cpu, held = (list(each) for each in zip(*began, strict=True))
    return [
        ("start to first answer, on a store that is there", "s", {"shim": wall}, {"shim": 0.8}),
        ("CPU from start to first answer", "s", {"shim": cpu}, {}),
        ("memory at the start", "MiB", {"shim": held}, {"shim": 100}),
        *await _memory(port, folder, options.memory_calls),
    ]


async def _first_answer(backend: int, folder: Path) -> tuple[float, float, float]:
    """Seconds of wall clock and of CPU, and MiB held, until the first call is answered.

    The store is made by the first start in a folder, which is none of those that count.
    """
    folder.mkdir(exist_ok=True)
    port, call = free_port(), read()
    file = start.configuration(port, backend, folder)
    began = time.perf_counter()
    with open(folder / "log", "wb") as log:
        command, environment = start.serve_command(file), start.environment()
        process = subprocess.Popen(command, cwd=start.ROOT, stdout=log, stderr=log, env=environment)
    try:
        while True:
            try:
                await Load(port, call.path, call.message, b"Envelope").run(1)
                break
            except OSError:
                await asyncio.sleep(0.005)
        wall = time.perf_counter() - began
        cpu = time.clock_gettime((~process.pid << 3) | 2)
        return wall, cpu, memory([process.pid]) / MIB
    finally:
        process.terminate()
        process.wait()


async def _memory(backend: int, folder: Path, calls: int) -> list[Raw]:
    call = read()
    with ExitStack() as stack:
        peer = await start.entered(stack, start.shim(backend, folder, "memory"))
        load = Load(peer.port, call.path, call.message, b"Envelope")
        await load.run(1000)
        held = []
        for _ in range(4):
            await load.run(calls // 4)
            held.append(memory(peer.processes) / MIB)
        before = memory(peer.processes)
        waiting = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", peer.port) for _ in range(IDLE)))
        for _, writer in waiting:
            writer.write(b"GET /soap2/reseller_agent.php HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for reader, _ in waiting:
            await reader.readuntil(b"</html>")
        idle = (memory(peer.processes) - before) / MIB
        for _, writer in waiting:
            writer.close()
        assert len(tree(peer.processes)) >= 1
    quarter = f"the last three quarters of {calls:,} calls added"
    return [
        (f"memory after {calls:,} calls", "MiB", {"shim": [held[-1]]}, {"shim": 120}),
        (quarter, "MiB", {"shim": [held[-1] - held[0]]}, {}),
        (f"{IDLE:,} idle connections", "MiB", {"shim": [idle]}, {"shim": 30}),
    ]
