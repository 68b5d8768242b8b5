"""Where a log can go: stderr (and so systemd's journal), a file that is rotated, a syslog server."""

from __future__ import annotations

import logging
import os
import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from logging.handlers import SysLogHandler
from pathlib import Path

from shim.edge.telemetry.writer import PartlyWritten

_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_WAIT = 1.0


class Stream:
    """A file descriptor, stderr as a rule. Written to directly: Python's own file keeps what it cannot write.

    With `priorities` a line begins with `<n>`, which is how systemd's journal takes severities from stderr.
    """

    def __init__(self, descriptor: int = 2, *, priorities: bool = False) -> None:
        self._descriptor = descriptor
        self._priorities = priorities
        self._torn = False

    def write(self, level: str, line: str) -> None:
        self.write_many([(level, line)])

    def write_many(self, lines: Sequence[tuple[str, str]]) -> None:
        """All of them with one system call. Raises Partly when it took some."""
        parts = [self._part(*each) for each in lines]
        if self._torn:
            parts[0] = b"\n" + parts[0]
        whole = b"".join(parts)
        left = _write_all(self._descriptor, whole)
        if left:
            written, taken = len(whole) - len(left), 0
            while written >= len(parts[taken]):
                written -= len(parts[taken])
                taken += 1
            self._torn = written > 0
            raise PartlyWritten(taken)
        self._torn = False

    def _part(self, level: str, line: str) -> bytes:
        head = f"<{_PRIORITIES.get(level, 6)}>" if self._priorities else ""
        return f"{head}{line}\n".encode("utf-8", "backslashreplace")

    def close(self) -> None: ...


def _write_all(descriptor: int, data: bytes) -> bytes:
    """Write as much as is taken; what was not. Raises OSError when it is none of it."""
    left = data
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:
            if not select.select([], [descriptor], [], _WAIT)[1]:
                return _or_raise(left, data, "nobody reads")
        except OSError as error:
            return _or_raise(left, data, error.strerror or "it refuses")
    return b""


def _or_raise(left: bytes, data: bytes, why: str) -> bytes:
    if left is data or left == data:
        raise OSError(why)
    return left


def of_journal(environ: dict[str, str] | os._Environ[str]) -> bool:
    """True if stderr is systemd's journal: it says so by the device and inode in JOURNAL_STREAM."""
    try:
        at = os.fstat(2)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{at.st_dev}:{at.st_ino}"


class RotatedFile:
    """A file of at most `most` bytes, with `kept` older ones beside it: name.1 is the youngest.

    Moved away by logrotate, it is begun anew. Raises OSError when it cannot be opened.
    """

    def __init__(self, path: Path, most: int, kept: int) -> None:
        self._path = path
        self._most = most
        self._kept = kept
        self._size = 0
        self._open()

    def write(self, level: str, line: str) -> None:
        data = (line + "\n").encode("utf-8", "backslashreplace")
        self._follow()
        if self._size and self._size + len(data) > self._most:
            self._rotate()
        before = self._size
        left = _write_all(self._stream, data)
        self._size += len(data) - len(left)
        if left:  # half a line would spoil the next: it is taken back
            os.ftruncate(self._stream, before)
            self._size = before
            raise OSError("only a part of the line was taken")

    def close(self) -> None:
        os.close(self._stream)

    def _open(self) -> None:
        self._stream = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._size = os.fstat(self._stream).st_size

    def _follow(self) -> None:
        """Open the file anew when its name is another file's by now, or nobody's."""
        ours = os.fstat(self._stream)
        try:
            named = os.stat(self._path)
        except FileNotFoundError:
            self._reopen()
            return
        if (named.st_dev, named.st_ino) != (ours.st_dev, ours.st_ino):
            self._reopen()
        self._size = min(self._size, ours.st_size)

    def _reopen(self) -> None:
        before = self._stream
        self._open()
        os.close(before)

    def _rotate(self) -> None:
        for number in range(self._kept, 0, -1):
            older = self._path.with_name(f"{self._path.name}.{number - 1}") if number > 1 else self._path
            with suppress(FileNotFoundError):
                os.replace(older, self._path.with_name(f"{self._path.name}.{number}"))
        if not self._kept:
            os.truncate(self._path, 0)
        self._reopen()


class Syslog(SysLogHandler):
    """A syslog server: a socket's path, or host:port over UDP. It may come later, and go."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        where = address if address.startswith("/") else (host.strip("[]"), int(port))
        super().__init__(where, SysLogHandler.LOG_DAEMON)
        self.ident = f"shim[{os.getpid()}]: "
        self.append_nul = False

    def write(self, level: str, line: str) -> None:
        number = getattr(logging, level.upper(), logging.INFO)
        self.emit(logging.LogRecord("shim", number, "", 0, "%s", (line,), None))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging calls it so
        """Let it be known, instead of a traceback on stderr."""
        raise OSError("the syslog server did not take a line")

    def createSocket(self) -> None:  # noqa: N802  # logging calls it so
        super().createSocket()
        connected: socket.socket | None = getattr(self, "socket", None)
        if connected is not None and connected.fileno() >= 0:
            connected.settimeout(_WAIT)
            self.append_nul = connected.type == socket.SOCK_STREAM
