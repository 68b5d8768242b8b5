"""A shim, or a command of it, whose system clock is off, moved before anything of it is imported.

`python -m tests.support.shifted SECONDS ARGUMENTS...` is `shim ARGUMENTS...` with a clock that is so far ahead.
"""

from __future__ import annotations

import datetime
import importlib
import multiprocessing
import sys
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any


class Ahead:
    """How far the clock of processes is ahead, seconds: shared with them, and changed while they run."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._value = multiprocessing.get_context("spawn").Value("d", seconds)

    @property
    def seconds(self) -> float:
        return float(self._value.value)

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        self._value.value = seconds


def start(folder: Path, ahead: Ahead) -> SpawnProcess:
    """`shim serve` as `tests.end_to_end.serving` starts it, with a clock of its own."""
    (folder / "log").touch()
    return begin(folder, ahead, _serve)


def begin(folder: Path, ahead: Ahead, serve: Callable[[str], None]) -> SpawnProcess:
    """A new interpreter, which calls `serve` with a folder."""
    process = multiprocessing.get_context("spawn").Process(
        target=_begun, args=(str(folder), ahead, f"{serve.__module__}:{serve.__qualname__}"), daemon=True
    )
    process.start()
    return process


def _begun(folder: str, ahead: Ahead, serve: str) -> None:
    shift(lambda: ahead.seconds)
    module, _, name = serve.partition(":")
    getattr(importlib.import_module(module), name)(folder)


def _serve(folder: str) -> None:
    from tests.end_to_end import serving

    serving._serve(folder)


def shift(ahead: Callable[[], float]) -> None:
    """Move what this process takes for the system's clock; the monotonic one stays."""
    true_time, true_datetime = time.time, datetime.datetime

    class Kind(type):
        """What others made is a datetime as well."""

        def __instancecheck__(cls, instance: Any) -> bool:
            return isinstance(instance, true_datetime)

    class Shifted(true_datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return true_datetime.now(tz) + datetime.timedelta(seconds=ahead())

    assert "shim" not in sys.modules, "it has seen the true clock already"
    time.time = lambda: true_time() + ahead()
    time.time_ns = lambda: round(time.time() * 1e9)
    datetime.datetime = Shifted  # type: ignore[misc]


if __name__ == "__main__":
    by = float(sys.argv.pop(1))
    shift(lambda: by)
    from shim.cli.main import run

    run()
