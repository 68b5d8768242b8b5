"""`shim serve` that stops at once, and prints its port: python -m tests.journal.serving CONFIG"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shim.edge import serve
from shim.edge.config import load_config
from shim.edge.log import configure


async def _started(server: serve.Server) -> None:
    print(server.addresses["http"][1], flush=True)


if __name__ == "__main__":
    config = load_config(Path(sys.argv[1]), {"listen.drain": 0}, environ={})
    configure(config.log.level, config.log.format)
    asyncio.run(serve.serve(config, started=_started))
