"""Both ends in C: nginx as the backend and wrk as the load, which leave the cores to what is measured."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers.start import filled, program, running, wait_for
from bench.wire import free_port

_ENDS = Path(__file__).parent
_PACKAGES = "wrk nginx-light"
_RESULT = re.compile(rb"calls=(\d+) microseconds=(\d+) failed=(\d+)")


@contextmanager
def backend(answer: bytes, folder: Path) -> Iterator[tuple[int, int]]:
    """A backend that has one answer, and a token: port and process ID. Raises MissingProgram."""
    folder.mkdir(parents=True)
    port = free_port()
    quoted = answer.decode().replace("\\", "\\\\").replace("'", "\\'")
    user = "user root;" if os.geteuid() == 0 else ""
    words = {"FOLDER": str(folder), "PORT": str(port), "ANSWER": quoted, "USER": user}
    configuration = filled(_ENDS / "nginx.conf", folder, words)
    with running(program("nginx", _PACKAGES), "-c", str(configuration)) as pid:
        wait_for(port)
        yield port, pid


async def load(port: int, path: str, body: Path, seconds: int, connections: int = 32) -> tuple[int, float]:
    """Send the same body over and over: how many calls were answered, in how many seconds.

    Raises MissingProgram, and RuntimeError if one of them was no success.
    """
    options = ("--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s")
    url = f"http://127.0.0.1:{port}{path}"
    process = await asyncio.create_subprocess_exec(
        program("wrk", _PACKAGES),
        *(*options, "--script", str(_ENDS / "post.lua"), url),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "BENCH_FILE": str(body)},
    )
    output, _ = await process.communicate()
    result = _RESULT.search(output)
    if process.returncode or result is None or int(result[3]):
        raise RuntimeError(f"wrk: {output.decode()}")
    return int(result[1]), int(result[2]) / 1e6
