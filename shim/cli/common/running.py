"""Running until a signal: one event loop, SIGTERM ends with 0, SIGINT (Ctrl-C) with 130."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from shim.cli.common.console import ExitCode, say

LEFT_BEHIND = 3.0
"""Seconds that tasks which nobody waited for have at the end, once they are cancelled."""


def run(main: Coroutine[Any, Any, ExitCode]) -> ExitCode:
    """Run on uvloop. A cancelled main is one that Ctrl-C ended."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            code = runner.run(main)
        except (asyncio.CancelledError, KeyboardInterrupt):
            code = ExitCode.INTERRUPTED
        _end(runner.get_loop(), code)
        return code


def _end(loop: asyncio.AbstractEventLoop, code: ExitCode) -> None:
    """Cancel what is still running; end the process when that does not help.

    A connection whose transaction was cut off can wait without end for its own close (SQLAlchemy 2.1 with
    aiosqlite 0.22), and a loop that is closed in the usual way waits for it.
    """
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left and loop.run_until_complete(asyncio.wait(left, timeout=LEFT_BEHIND))[1]:
        say("The end did not wait for tasks that do not end.")
        sys.stdout.flush()
        os._exit(code)


async def until_stopped() -> ExitCode:
    """Wait for SIGINT or SIGTERM; the exit code that it stands for."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[ExitCode] = loop.create_future()

    def end(code: ExitCode) -> None:
        if not ended.done():
            ended.set_result(code)

    loop.add_signal_handler(signal.SIGINT, end, ExitCode.INTERRUPTED)
    loop.add_signal_handler(signal.SIGTERM, end, ExitCode.FINE)
    try:
        return await ended
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
