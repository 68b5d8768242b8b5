"""What parsing a message costs: the highest memory in use, and under valgrind the instructions.

    python -m tests.hostile.cost memory     each message's own process says how far its memory grew
    python -m tests.hostile.cost work       each message's own process parses; who watches counts

Both print a line of JSON for each message, in the order of the corpus. Each process is a fork of one that has
everything loaded.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from shim.core.errors import CallerError
from shim.core.parse import parse
from tests.hostile.shapes import enveloped, hostile, ordinary


def result(message: bytes) -> str:
    """`taken`, or the reason that it was refused for."""
    try:
        parse(message)
    except CallerError as fault:
        return fault.reason
    return "taken"


def _highest() -> int:
    """Bytes of memory at the highest since it was last reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])


def _memory(name: str, message: bytes) -> dict[str, object]:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _highest()
    said = result(message)
    return {"name": name, "size": len(message), "result": said, "grown": _highest() - before}


def _work(name: str, message: bytes) -> dict[str, object]:
    return {"name": name, "pid": os.getpid(), "size": len(message), "result": result(message)}


def _apart(measure: Callable[[str, bytes], dict[str, object]], messages: Mapping[str, bytes]) -> None:
    for name, message in messages.items():
        child = os.fork()
        if not child:
            os.write(1, json.dumps(measure(name, message)).encode() + b"\n")
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    warm = enveloped("<a>b</a>")
    parse(warm)
    gc.freeze()
    _apart(_memory if sys.argv[1] == "memory" else _work, {"": warm, **ordinary(), **hostile()})
