"""`shim serve` with a heartbeat on its event loop: how long the loop stood still, in CPU time of the process.

    python -m bench.heartbeat CONFIG FILE

CPU time, since a busy machine keeps a process waiting without anybody's fault; that of other threads counts as
well, so this is an upper bound. FILE gets, each second, the longest stops since the start, or since it was last
removed, in milliseconds of CPU time, and the peak memory in MiB.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

import uvloop

from shim.edge.serve import serve
from shim.edge.settings.load import load_config

EVERY = 0.001
KEPT = 12


def tell(file: Path, longest: list[float]) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    file.write_text(json.dumps({"stops": [round(each, 1) for each in longest], "memory": round(memory)}))


async def beat(file: Path) -> None:
    """Note the longest times between two beats."""
    longest: list[float] = []
    told, before = 0.0, time.process_time()
    while True:
        await asyncio.sleep(EVERY)
        now = time.process_time()
        longest = sorted([*longest, (now - before) * 1000], reverse=True)[:KEPT]
        if time.monotonic() - told > 1:
            told = time.monotonic()
            longest = longest if file.exists() else []
            tell(file, longest)
        before = time.process_time()


async def main(configuration: Path, file: Path) -> None:
    beating = asyncio.create_task(beat(file))
    await serve(load_config(configuration))
    beating.cancel()


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
