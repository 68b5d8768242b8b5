"""What is measured of processes and of the machine: CPU and memory of a tree."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil


def tree(pids: Iterable[int]) -> list[int]:
    """These processes and all below them."""
    found = []
    for pid in pids:
        process = psutil.Process(pid)
        found += [process.pid, *(each.pid for each in process.children(recursive=True))]
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that the trees of these processes have used, to the nanosecond; those that ended do not count.

    The clock of a process (see clock_getcpuclockid(3)) goes only while it runs, so that a busy machine makes it
    longer by what its caches lose, not by waiting.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in tree(pids))


def memory(pids: Iterable[int]) -> int:
    """Bytes that the trees hold, what they share divided among those who share it (Pss)."""
    return sum(_rollup(pid, "Pss") for pid in tree(pids))


def resident(pid: int) -> int:
    """Bytes that one process holds, shared or not (Rss)."""
    return _rollup(pid, "Rss")


def _rollup(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith(what + ":"))


def machine() -> dict[str, Any]:
    """What one has to know of the machine to read the numbers."""
    model = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit("HEAD"),
        "cores": os.cpu_count(),
        "cpu": model[0].partition(":")[2].strip() if model else platform.machine(),
        "memory_bytes": psutil.virtual_memory().total,
        "load_at_start": os.getloadavg()[0],
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in ("aiohttp", "lxml", "uvloop", "sqlalchemy", "zeep")},
    }


def commit(name: str) -> str:
    """The commit that a name stands for, with a + when the work tree has changes on top of it."""
    found = subprocess.run(["git", "rev-parse", "--short", name], capture_output=True, text=True, check=False)
    changed = subprocess.run(
        ["git", "status", "--porcelain", "-uno"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() + ("+" if name == "HEAD" and changed.stdout.strip() else "")
