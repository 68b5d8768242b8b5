"""Where a store is: one shim at a time on an SQLite file, and no store that took the place of another.

Laws: who holds the file is named to whoever comes second; IDs are never issued from a store that is not the one
which issued the last ones, unless the operator says so. Beside the store lies what tells: NAME.lock, NAME.mark.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog

from shim.core.errors import StoreError, StoreReplaced
from shim.edge.deprecation.log import spool_folder
from shim.edge.identities.issue import DESCENDING
from shim.edge.identities.tables import COUNTERS
from shim.edge.settings.model import Config
from shim.edge.store.database import Store

log = structlog.get_logger()

_LOOK = 0.1
_LOOK_AGAIN = 15.0


@asynccontextmanager
async def held(store: Store, now: datetime, patience: float = 3.0) -> AsyncIterator[None]:
    """Hold an SQLite file as its one shim for as long as the block runs; other stores may have several.

    A shim that is about to end is waited for `patience` seconds. Raises StoreError (`store-held`), naming the
    holder.
    """
    if store.path is None:
        yield
        return
    path = store.path.with_name(f"{store.path.name}.lock")
    with suppress(OSError):
        path.touch(0o600)
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise StoreError(
            "store-held",
            f"The shim cannot make {path}, which keeps a second shim off its store ({error.strerror}).",
        ) from None
    try:
        await _lock(descriptor, store.path, patience)
        facts = {
            "process": os.getpid(),
            "host": socket.gethostname(),
            "since": now.isoformat(timespec="seconds"),
        }
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(facts).encode(), 0)
        yield
    finally:
        os.close(descriptor)


async def _lock(descriptor: int, path: Path, patience: float) -> None:
    for _ in range(1 + round(patience / _LOOK)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_LOOK)
        else:
            return
    raise StoreError(
        "store-held",
        f"The store {path} is in use by another shim ({_holder(descriptor)}): stop that one first, or give "
        "this one a store of its own. Several shims share a store on PostgreSQL only.",
    )


def _holder(descriptor: int) -> str:
    try:
        facts = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {facts['process']} on {facts['host']}, since {facts['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "which one cannot be told"


# ---- the mark ----


@dataclass(frozen=True, slots=True)
class StoreMark:
    """Which store was served last, and how far it had issued IDs: the counters' next ones by their names."""

    store: str
    counters: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def read(path: Path) -> StoreMark | None:
        """The mark; None where there is none that can be read."""
        try:
            fields: Any = json.loads(path.read_text("utf-8"))
            return StoreMark(str(fields["store"]), {str(k): int(v) for k, v in fields["counters"].items()})
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def write(self, path: Path) -> bool:
        """Put it in place of the one before, whole or not at all. Whether that was possible."""
        fresh = path.with_name(f"{path.name}.new")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                json.dump(asdict(self), file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, path)
        except OSError:
            return False
        return True


def mark_path(config: Config, store: Store) -> Path:
    """Where the mark is: beside an SQLite file, else beside the spool."""
    if store.path is not None:
        return store.path.with_name(f"{store.path.name}.mark")
    return spool_folder(config).with_name("shim.mark")


class Marker:
    """Keeps the mark of a store up to date. `new_store` says that another store than before is meant."""

    def __init__(self, store: Store, path: Path, *, new_store: bool = False) -> None:
        self._store = store
        self._path = path
        self._new = new_store
        self._mark: StoreMark | None = None
        self._task: asyncio.Task[None] | None = None
        self.problem: StoreError | None = None
        """Why the store should not be used any more, as far as is known."""

    async def claim(self) -> None:
        """Raises StoreError (`store-replaced`) when another store was served here before.

        One that is behind, as a restored backup is, goes on issuing IDs where the one before had ended.
        """
        in_store, before = await self._in_store(), StoreMark.read(self._path)
        if before is not None and before.store != in_store.store and not self._new:
            raise StoreReplaced(
                "store-replaced",
                f"The store is not the one that was served here before, as {self._path} says: it was deleted "
                "or replaced, and would issue IDs again that old clients have. Put the old one, or its backup, "
                "back; or start once with --new-store if nobody has any use for the IDs issued so far.",
            )
        if before is not None and before.store == in_store.store:
            await self._catch_up(before, in_store)
        await self.keep()
        if self._mark is None:
            log.warning("store mark not written", path=str(self._path))

    async def keep(self) -> None:
        """Write the mark if it is another one by now. Raises StoreError (`store-replaced` and others)."""
        in_store = await self._in_store()
        if self._mark is not None and in_store.store != self._mark.store:
            raise StoreReplaced(
                "store-replaced", "The store was replaced while the shim ran: restart the shim."
            )
        if in_store != self._mark and in_store.write(self._path):
            self._mark = in_store

    async def start(self) -> None:
        """Claim the store, and go on looking whether it is still the same."""
        await self.claim()
        self._task = asyncio.create_task(self._looking())

    async def stop(self) -> None:
        """Write the mark a last time."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with suppress(StoreError):
            await self.keep()

    async def _looking(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AGAIN)
            try:
                await self.keep()
            except StoreReplaced as problem:
                if self.problem is None:
                    log.error("store replaced", problem=problem.text)
                    self.problem = problem
            except StoreError:
                continue  # readiness tells that it is away

    async def _in_store(self) -> StoreMark:
        identity = await self._store.identity()
        async with self._store.reading() as connection:
            rows = (await connection.execute(sa.select(COUNTERS))).all()
        return StoreMark(identity, {row.name: row.next for row in rows if row.next is not None})

    async def _catch_up(self, before: StoreMark, in_store: StoreMark) -> None:
        for name, at in before.counters.items():
            behind = in_store.counters.get(name)
            if behind is not None and (behind <= at if name in DESCENDING else behind >= at):
                continue
            async with self._store.writing() as connection:
                query = sa.update(COUNTERS).where(COUNTERS.c.name == name)
                await connection.execute(query.values(next=at))
            log.warning("store is behind", counter=name, issued_to=at, told=behind)
