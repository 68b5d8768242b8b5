"""Identity map: which IDs old clients know for which extensions of v3, kept in the store.

Laws: whoever writes first locks the counters, so that two shims on one database work one after the other; an
ID that was given to an extension is never given to another one, also when the extension is gone: its row stays
as a tombstone. Not being seen ends no identity: it is unconfirmed, and answers. It ends when v3 denies the very
extension twice, with some time between, or the shim deleted it; one that comes back gets its IDs back.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, get_args

import sqlalchemy as sa

from shim.core.commands.extensions import Identity, Known
from shim.edge.identities.change import MapChange, all_ids, identity_of, news, rows_of
from shim.edge.identities.files import judge, read_csv
from shim.edge.identities.issue import unaccounted
from shim.edge.identities.tables import (
    ALIAS,
    COUNTERS,
    ENDED,
    EVENTS,
    IDENTITIES,
    LIVE,
    NAMES,
    SEEN_AGAIN,
    Gone,
    IdentityState,
    ImportReport,
    MapEvent,
    MapKey,
    MapRow,
)
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store, utc
from shim.edge.store.statements import StoredRow, execute

_MOST_CACHED = 50_000
_SHARED_FOR = 30.0
_LOCKED_COUNTERS = sa.select(COUNTERS).order_by(COUNTERS.c.name).with_for_update()
_Result = TypeVar("_Result")


class IdentityMap:
    """The map. Every method raises StoreUnavailable when the database fails."""

    def __init__(
        self, store: Store, settings: Identities, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._settings = settings
        self._cache = _Cache(_SHARED_FOR if store.shared else math.inf, monotonic)
        self._seen: OrderedDict[str, datetime] = OrderedDict()
        self._lock = asyncio.Lock()
        self._writes = 0

    async def start(self) -> ImportReport:
        """Take in `identity.import_file`, if there is one. Raises ImportRefused, StoreError."""
        path = self._settings.import_file
        return await self.import_rows(read_csv(path)) if path else ImportReport()

    # ---- reading ----

    async def find(self, by: MapKey, values: Iterable[str]) -> dict[str, tuple[Identity, ...]]:
        """The live extensions that have these values, for each value that is known.

        Under `user_id` and `identifier` there can be several, the one whose old ID is the user's first.
        """
        distinct = dict.fromkeys(values)
        identities = self._cache.get(by, distinct)
        missing = [value for value in distinct if value not in identities]
        if missing:
            writes = self._writes
            read = await self._read(by, missing)
            if writes == self._writes:  # nothing was written while we read
                self._cache.put(by, read)
            identities |= read
            identities |= await self._replaced(by, [value for value in missing if value not in read])
        return identities

    async def _replaced(self, by: MapKey, values: Collection[str]) -> dict[str, tuple[Identity, ...]]:
        """The extensions whose former IDs these are: an import gave them others."""
        if by not in ("old_id", "extension_id") or not values:
            return {}

        def read(connection: sa.Connection) -> tuple[list[StoredRow], list[StoredRow]]:
            former = rows_of(connection, by, values, ALIAS)
            return former, rows_of(connection, "extension_id", [row.stands_for for row in former], LIVE)

        former, now = await self._store.read(read)
        stand = {row.extension_id: identity_of(row) for row in now}
        return {getattr(row, by): (stand[row.stands_for],) for row in former if row.stands_for in stand}

    async def ended(self, by: MapKey, values: Iterable[str]) -> dict[str, tuple[Identity, ...]]:
        """The extensions that had these values and whose identities have ended, for each that there is."""
        rows = await self._store.read(lambda connection: rows_of(connection, by, values, ENDED))
        groups: dict[str, list[Identity]] = {}
        for row in rows:
            groups.setdefault(getattr(row, by), []).append(identity_of(row))
        return {value: tuple(group) for value, group in groups.items()}

    async def states(self) -> dict[IdentityState, int]:
        """How many identities are in which state."""
        gone, doubted = IDENTITIES.c.gone_at.is_not(None), IDENTITIES.c.unconfirmed_at.is_not(None)
        kind = sa.case((ALIAS, "replaced"), (gone, "gone"), (doubted, "unconfirmed"), else_="live")
        query = sa.select(kind.label("state"), sa.func.count().label("many")).group_by("state")
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        many = {row.state: row.many for row in rows}
        return {state: many.get(state, 0) for state in get_args(IdentityState)}

    async def _read(self, by: MapKey, values: Collection[str]) -> dict[str, tuple[Identity, ...]]:
        rows = await self._store.read(lambda connection: rows_of(connection, by, values, LIVE))
        self._note_seen({row.number: utc(row.seen_at) for row in rows})
        groups: dict[str, list[Identity]] = {}
        for row in rows:
            groups.setdefault(getattr(row, by), []).append(identity_of(row))
        return {
            value: tuple(sorted(group, key=lambda each: each.old_id != each.user_id))
            for value, group in groups.items()
        }

    async def all(self, after: int = 0, limit: int = 1000, *, gone: bool = False) -> list[MapRow]:
        """A page of the map, live rows only unless `gone`; the next starts after the last one's id."""
        query = sa.select(IDENTITIES).where(IDENTITIES.c.id > after).order_by(IDENTITIES.c.id).limit(limit)
        if not gone:
            query = query.where(LIVE)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [
            MapRow(
                row.id,
                identity_of(row),
                row.origin,
                utc(row.created_at),
                utc(row.seen_at),
                row.gone_at and utc(row.gone_at),
                row.unconfirmed_at and utc(row.unconfirmed_at),
                row.denied_at and utc(row.denied_at),
                row.stands_for,
            )
            for row in rows
        ]

    async def events(self, after: int = 0, limit: int = 1000) -> list[MapEvent]:
        """A page of what was repaired or noticed, oldest first."""
        query = sa.select(EVENTS).where(EVENTS.c.id > after).order_by(EVENTS.c.id).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [MapEvent(**{**row._mapping, "at": utc(row.at)}) for row in rows]

    async def export(self) -> AsyncIterator[Identity | Gone]:
        """Every identity, and those of gone extensions; `import_rows` takes them."""
        page = await self.all(gone=True)
        while page:
            for entry in page:
                sure = replace(entry.identity, doubt="")
                yield Gone(sure, entry.stands_for) if entry.gone_at else sure
            page = await self.all(page[-1].id, gone=True)

    async def unaccounted(self) -> tuple[int, int] | None:
        """From and to of IDs that may be issued again, since gone extensions may have had them; else None.

        So it is when the map was restored from a file without its gone extensions.
        """

        def read(connection: sa.Connection) -> tuple[int, int] | None:
            counters = {row.name: row.next for row in connection.execute(sa.select(COUNTERS))}
            return unaccounted(self._settings, counters, all_ids(connection))

        return await self._store.read(read)

    async def pass_over(self) -> None:
        """Never issue any of those."""
        await self.change(MapChange.pass_over)

    # ---- writing ----

    async def learn(self, known: Sequence[Known]) -> tuple[Identity, ...]:
        """Remember extensions that v3 has, all or none. What is known keeps its IDs. Same order as given.

        When a number is given twice, the later one is right. Raises ShimError (`identities-used-up`).
        """
        latest = {each.number: each for each in known}
        identities = await self._known_already(latest)
        if identities is None:
            identities = await self.change(lambda change: change.learn(latest))
            self._note_seen(dict.fromkeys(latest, self._store.now()))
        return tuple(identities[each.number] for each in known)

    async def _known_already(self, latest: Mapping[str, Known]) -> dict[str, Identity] | None:
        """The identities, when there is nothing to change and all were seen lately: then nothing is written."""
        old = self._store.now() - SEEN_AGAIN
        identities = await (self._read if self._store.shared else self.find)("number", latest)
        known = {number: each for number, (each,) in identities.items()}
        if len(known) < len(latest) or any(news(known[each.number], each) for each in latest.values()):
            return None
        if not all(self._seen.get(number, old) > old for number in latest):
            return None
        return known

    def _note_seen(self, times: Mapping[str, datetime]) -> None:
        for number, at in times.items():
            self._seen[number] = max(at, self._seen.get(number, at))
            self._seen.move_to_end(number)
        while len(self._seen) > _MOST_CACHED:
            self._seen.popitem(last=False)

    async def doubt(self, numbers: Collection[str]) -> None:
        """Lists that should have had these extensions had them not."""
        await self.change(lambda change: change.doubt(numbers))

    async def deny(self, numbers: Collection[str]) -> None:
        """v3 said of each of these numbers, asked for it by itself, that it does not exist."""
        await self.change(lambda change: change.deny(numbers))

    async def forget(self, numbers: Mapping[str, str]) -> None:
        """The extensions with these numbers are gone, and their IDs with them; see `MapChange.forget`."""
        await self.change(lambda change: change.forget(numbers))

    async def renumber(self, old_number: str, new_number: str) -> Identity | None:
        """An extension has another number and keeps its IDs. None when it is not known."""
        return (await self.renumber_all({old_number: new_number})).get(old_number)

    async def renumber_all(self, numbers: Mapping[str, str]) -> dict[str, Identity]:
        """The same for many at once, which may swap numbers. Nobody gets a number that somebody else has.

        Raises ValueError when two would have one number.
        """
        if len(set(numbers.values())) < len(numbers):
            raise ValueError("two extensions cannot have one number")
        return await self.change(lambda change: change.renumber(numbers))

    async def import_rows(self, rows: Iterable[Identity | Gone]) -> ImportReport:
        """Take in IDs that were decided elsewhere; an empty `extension_id` is issued. May be repeated.

        IDs of gone extensions are taken out of circulation.

        The map's own, newer knowledge of an old ID is kept. IDs that the map had given to an extension which is
        imported with others go on meaning it. Raises ImportRefused.
        """
        given = list(rows)
        judge(given)
        return await self.change(lambda change: change.take_in(given))

    async def change(self, work: Callable[[MapChange], _Result]) -> _Result:
        """A transaction; afterwards the cache knows what changed, or nothing if it failed.

        On PostgreSQL one at a time, so that the cache hears of changes in their order; an SQLite store has an
        order of its own, and tells of them in that. Whoever has more to write in the same transaction finds its
        `connection` on the change.
        """

        def write(connection: sa.Connection) -> tuple[MapChange, _Result]:
            counters = {row.name: row.next for row in execute(connection, _LOCKED_COUNTERS, {}).rows}
            change = MapChange(connection, self._settings, self._store.now(), counters)
            return change, work(change)

        async with self._lock if self._store.shared else nullcontext():
            try:
                change, result = await self._store.write(write)
            except BaseException:
                self._cache.clear()
                raise
            finally:
                self._writes += 1
            self._cache.renew(change.before, change.after)
            return result


class _Cache:
    """Identities by each of their names, the least lately used leaving first."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._by: dict[MapKey, OrderedDict[str, tuple[float, tuple[Identity, ...]]]] = {
            name: OrderedDict() for name in NAMES
        }

    def get(self, by: MapKey, values: Iterable[str]) -> dict[str, tuple[Identity, ...]]:
        entries, now, identities = self._by[by], self._monotonic(), {}
        filling = len(entries) > _MOST_CACHED // 2  # before, it takes long until any has to leave
        for value in values:
            entry = entries.get(value)
            if entry is not None and now < entry[0]:
                identities[value] = entry[1]
                if filling:
                    entries.move_to_end(value)
        return identities

    def put(self, by: MapKey, read: Mapping[str, tuple[Identity, ...]]) -> None:
        entries, until = self._by[by], self._monotonic() + self._seconds
        for value, group in read.items():
            entries[value] = (until, group)
            entries.move_to_end(value)
        while len(entries) > _MOST_CACHED:
            entries.popitem(last=False)

    def renew(self, before: Iterable[Identity], after: Collection[Identity]) -> None:
        for name in NAMES:
            for each in (*before, *after):
                self._by[name].pop(getattr(each, name), None)
        for unique in ("number", "old_id", "extension_id"):
            self.put(unique, {getattr(each, unique): (each,) for each in after})

    def clear(self) -> None:
        for entries in self._by.values():
            entries.clear()
