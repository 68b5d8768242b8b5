"""`shim serve` that stops at once, and prints its ports: python -m tests.journal.serving CONFIG"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shim.edge import serve
from shim.edge.settings.load import Config, load_config
from shim.edge.telemetry.log import logging_to
from shim.edge.telemetry.writer import LogWriter


async def _serve(config: Config, writer: LogWriter) -> None:
    async def started(server: serve.Server) -> None:
        writer.dropped = server.application.metrics.log_line_dropped
        print(server.addresses["http"][1], server.addresses["admin"][1], flush=True)

    await serve.serve(config, started=started)


if __name__ == "__main__":
    config = load_config(Path(sys.argv[1]), {"listen.drain": 0}, environ={})
    with logging_to(config.log) as writer:
        asyncio.run(_serve(config, writer))
