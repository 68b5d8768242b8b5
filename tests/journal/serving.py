"""`shim serve` with the plans of Extension alone: python -m tests.journal.serving CONFIG"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shim.edge import app, serve
from shim.edge.config import load_config
from shim.edge.log import configure
from tests.journal.house import catalogue


async def _started(server: serve.Server) -> None:
    print(server.addresses["http"][1], flush=True)


if __name__ == "__main__":
    app.catalogue = catalogue
    config = load_config(Path(sys.argv[1]), environ={})
    configure(config.log.level, config.log.format)
    asyncio.run(serve.serve(config, started=_started, drain=0.1))
