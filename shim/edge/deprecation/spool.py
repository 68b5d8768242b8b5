"""The spool: batches of the deprecation log on disk, while the store does not take them.

A folder with a file for each process that ever needed one, a batch a line. A process holds the lock of its
file; what a process that is gone left behind is taken over by whoever looks first. A file goes when all its
batches are in the store; that a batch may be offered twice is for the store to notice.

Laws: files are for their owner's eyes only; a line is on disk when `append` returns True; a line that cannot
be read is put aside and told, never dropped. All methods block: call them in a thread.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger()

_ENDING = ".jsonl"
_BAD = "unreadable"


@dataclass(slots=True)
class Segment:
    """One file, held by its lock. `position` is how far it was taken in, bytes; `ids` are those batches'."""

    path: Path
    descriptor: int
    position: int = 0
    ids: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[bytes]:
        """The lines from `position` on; whoever took one in moves it on by its length."""
        with self.path.open("rb") as file:
            file.seek(self.position)
            yield from file

    def close(self) -> None:
        os.close(self.descriptor)


class Spool:
    """The spool in a folder, of at most `most` bytes, whichever process wrote them."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder = folder
        self._most = most
        self._own: Segment | None = None
        self._taken: list[Segment] = []
        self._full = False
        self._unreadable: set[Path] = set()

    @property
    def size(self) -> int:
        """The size of the folder in bytes, with files that were put aside."""
        try:
            return sum(each.stat().st_size for each in self.folder.iterdir())
        except OSError:  # no folder yet, or another process took a file in just now; `_files` tells of more
            return 0

    def append(self, line: bytes) -> bool:
        """Keep a line; False when there is no room, or the disk refuses, which is told once."""
        try:
            if self.size + len(line) > self._most:
                self._tell_full("spool-full", 0)
                return False
            self._write(self._file(), line)
        except OSError as error:
            self._tell_full(type(error).__name__, error.errno or 0)
            return False
        self._full = False
        return True

    def segments(self) -> list[Segment]:
        """The segments to take in: those that others left behind, oldest first, then our own."""
        held = {each.path for each in self._held()}
        for path in self._files():
            if path not in held and (segment := self._locked(path)) is not None:
                self._taken.append(segment)
        return self._held()

    def _held(self) -> list[Segment]:
        return [*self._taken, *([self._own] if self._own else [])]

    def remove(self, segment: Segment) -> None:
        """All of a segment is in the store. Raises OSError when its file stays."""
        segment.path.unlink(missing_ok=True)
        _sync(self.folder)
        segment.close()
        if segment is self._own:
            self._own = None
        else:
            self._taken.remove(segment)

    def put_aside(self, line: bytes, why: str) -> None:
        """A line that the store will never take: keep it for a person to look at."""
        log.error("deprecation batch put aside", reason=why, bytes=len(line), file=_BAD)
        try:
            descriptor = _created(self.folder / _BAD)
            try:
                os.write(descriptor, line if line.endswith(b"\n") else line + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            log.error("deprecation batch lost", reason=type(error).__name__, bytes=len(line))

    def close(self) -> None:
        """Let go of all files; what is in them stays."""
        for segment in self._held():
            segment.close()
        self._taken, self._own = [], None

    def _file(self) -> Segment:
        if self._own is None:
            path = self.folder / f"{secrets.token_hex(6)}{_ENDING}"
            descriptor = _created(path)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _sync(self.folder)
            self._own = Segment(path, descriptor)
        return self._own

    def _write(self, segment: Segment, line: bytes) -> None:
        """A whole line, or none: a part of one would spoil the next."""
        before = os.fstat(segment.descriptor).st_size
        try:
            if os.write(segment.descriptor, line) != len(line):
                raise OSError("the disk took a part of it")
            os.fsync(segment.descriptor)
        except OSError:
            os.ftruncate(segment.descriptor, before)
            raise

    def _files(self) -> list[Path]:
        try:
            files = [each for each in self.folder.iterdir() if each.suffix == _ENDING]
            return sorted(files, key=lambda each: (each.stat().st_mtime, each.name))
        except FileNotFoundError:  # no folder yet, or another process took a file in just now
            return []
        except OSError as error:
            self._tell_unreadable(self.folder, error)
            return []

    def _locked(self, path: Path) -> Segment | None:
        """The file, if no process holds it and it is still there."""
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        except FileNotFoundError:  # its owner took it in just now
            return None
        except OSError as error:
            self._tell_unreadable(path, error)
            return None
        return _held_by_us(path, descriptor)

    def _tell_unreadable(self, path: Path, error: OSError) -> None:
        """Files that cannot be read are not lost, and not taken in either: somebody has to give us the right
        to."""
        if path not in self._unreadable:
            log.error("deprecation spool unreadable", reason=type(error).__name__, file=path.name)
        self._unreadable.add(path)

    def _tell_full(self, why: str, number: int) -> None:
        if not self._full:
            log.error("deprecation spool refused", reason=why, errno=number, bytes=self.size, most=self._most)
        self._full = True


def _created(path: Path) -> int:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _held_by_us(path: Path, descriptor: int) -> Segment | None:
    """The file, held from now on; None, and closed, if another process holds it or took it in."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return Segment(path, descriptor)
    except OSError:
        pass  # it is held, or its owner took it in just now
    os.close(descriptor)
    return None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
