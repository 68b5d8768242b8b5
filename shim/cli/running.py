"""Running until a signal: one event loop, SIGTERM ends with 0, SIGINT (Ctrl-C) with 130."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from shim.cli.console import Code


def run(main: Coroutine[Any, Any, Code]) -> Code:
    """Run on uvloop. A cancelled main is one that Ctrl-C ended."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            return runner.run(main)
        except (asyncio.CancelledError, KeyboardInterrupt):
            return Code.INTERRUPTED


async def until_stopped() -> Code:
    """Wait for SIGINT or SIGTERM; the exit code that it stands for."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Code] = loop.create_future()

    def end(code: Code) -> None:
        if not ended.done():
            ended.set_result(code)

    loop.add_signal_handler(signal.SIGINT, end, Code.INTERRUPTED)
    loop.add_signal_handler(signal.SIGTERM, end, Code.FINE)
    try:
        return await ended
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
