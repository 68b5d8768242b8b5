"""Writing the log: a bounded queue and a thread of its own, so that no call ever waits for a reader or a disk.

Laws: putting a line never waits and never raises; what cannot be written is dropped, counted, and told as soon
as lines can be written again; the end waits for the queue a bounded time.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol, runtime_checkable

_AGAIN = 1.0
"""Seconds until a sink that failed is tried again: what comes until then is dropped without a try."""
_COLLECTED = 0.02
"""Seconds that lines are collected for, once there is one: waking for each would cost more than writing it."""
_AT_ONCE = 1_000
"""Lines that are taken from the queue at once."""
_END = None

LineLevel = str
"""The name of a severity: debug, info, warning, error, critical."""


class Sink(Protocol):
    """Where lines go. Raises OSError when it cannot take one."""

    def write(self, level: LineLevel, line: str) -> None: ...

    def close(self) -> None: ...


class PartlyWritten(OSError):
    """Of several lines only the first `taken` were written."""

    def __init__(self, taken: int) -> None:
        super().__init__(f"only a part was taken: {taken} whole lines")
        self.taken = taken


@runtime_checkable
class SinkOfMany(Sink, Protocol):
    """One that takes several lines at once. Raises Partly, or another OSError when it took none."""

    def write_many(self, lines: Sequence[tuple[LineLevel, str]]) -> None: ...


class LogWriter:
    """Takes lines from any thread and writes them from its own.

    `dropped` is told for each line that is lost, with the reason: `full` (the queue, since the sink is slow or
    stands) or `failed` (the sink refused it). `lines_for_dropped` makes the line that says how many were, and
    since when.
    """

    def __init__(
        self,
        sink: Sink,
        lines_for_dropped: Callable[[dict[str, int], float], str],
        most: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.dropped: Callable[[str], None] = lambda _: None
        self._sink = sink
        self._lines_for_dropped = lines_for_dropped
        self._most = most
        self._monotonic = monotonic
        self._lines: queue.SimpleQueue[tuple[LineLevel, str] | None] = queue.SimpleQueue()
        self._lost: dict[str, int] = {}
        self._since = 0.0
        self._failed_at: float | None = None
        self._guard = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def put(self, level: LineLevel, line: str) -> None:
        """Have a line written, or dropped. After the end it goes to stderr: nobody else would write it."""
        if self._closed:
            print(line, file=sys.stderr)
        elif self._lines.qsize() >= self._most:
            self._lose("full")
        else:
            self._lines.put((level, line))

    def close(self, seconds: float = 2.0) -> None:
        """Write what waits, for so long; a sink that stands is left to itself."""
        self._lines.put(_END)
        self._thread.join(seconds)
        self._closed = True

    def _run(self) -> None:
        going = True
        while going and (first := self._lines.get()) is not _END:
            time.sleep(_COLLECTED)
            lines, going = self._waiting(first)
            self._write_all(lines)
        self._tell()
        self._sink.close()

    def _waiting(self, first: tuple[LineLevel, str]) -> tuple[list[tuple[LineLevel, str]], bool]:
        """A line and those that wait behind it, and whether more may come."""
        lines = [first]
        with suppress(queue.Empty):
            while len(lines) < _AT_ONCE:
                each = self._lines.get_nowait()
                if each is _END:
                    return lines, False
                lines.append(each)
        return lines, True

    def _write_all(self, lines: list[tuple[LineLevel, str]]) -> None:
        sink = self._sink
        if len(lines) == 1 or self._lost or self._failed_at is not None or not isinstance(sink, SinkOfMany):
            for each in lines:
                self._write(*each)
            return
        try:
            sink.write_many(lines)
        except (OSError, ValueError) as error:
            self._failed_at = self._monotonic()
            for _ in lines[error.taken if isinstance(error, PartlyWritten) else 0 :]:
                self._lose("failed")

    def _write(self, level: LineLevel, line: str) -> None:
        if self._failed_at is not None and self._monotonic() - self._failed_at < _AGAIN:
            self._lose("failed")
            return
        try:
            if self._lost:
                self._tell()
            self._sink.write(level, line)
            self._failed_at = None
        except (OSError, ValueError):  # ValueError: a file that was closed
            self._failed_at = self._monotonic()
            self._lose("failed")

    def _tell(self) -> None:
        """Say what was lost, if anything was; raises OSError when that cannot be said either."""
        with self._guard:
            lost, self._lost = self._lost, {}
            since = self._since
        if not lost:
            return
        try:
            self._sink.write("error", self._lines_for_dropped(lost, self._monotonic() - since))
        except (OSError, ValueError):
            with self._guard:
                self._since = since
                for reason, count in lost.items():
                    self._lost[reason] = self._lost.get(reason, 0) + count
            raise

    def _lose(self, reason: str) -> None:
        with self._guard:
            if not self._lost:
                self._since = self._monotonic()
            self._lost[reason] = self._lost.get(reason, 0) + 1
        self.dropped(reason)
