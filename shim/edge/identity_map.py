"""Identity map: which IDs old clients know for which extensions of v3, kept in the store.

Laws: whoever writes first locks the counters, so that two shims on one database work one after the other; an
ID that was given to an extension is never given to another one, also when the extension is gone: its row stays
as a tombstone; what is read is only ever live. The one exception is a user's own ID, which goes on to the
next extension of the same user when the one that had it is gone.
"""

from __future__ import annotations

import asyncio
import csv
import math
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.commands import Identity, Known
from shim.core.errors import BackendError
from shim.edge.settings import Identities
from shim.edge.store import Store

By = Literal["old_id", "extension_id", "user_id", "identifier", "number"]
EventKind = Literal[
    "moved",  # the number is another user's by now
    "user-recreated",  # so it is, but that user has the identifier of the first: it was deleted and made again
    "renumbered",  # the extension has another number
    "gave-way",  # gone, since another extension was renumbered to its number
    "old-id-passed-on",  # gone, and the user's next extension has the user's ID
    "import-decided",  # gone, since an imported file has other IDs for its number
]

Left = Literal["gone", "differs", "taken"]

_NAMES: tuple[By, ...] = get_args(By)
_LEFT: tuple[Left, ...] = get_args(Left)
_METADATA = sa.MetaData()
_WHEN = sa.DateTime(timezone=True)
IDENTITIES = sa.Table(
    "identities",
    _METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(
        sa.Column(name, sa.Text)
        for name in ("old_id", "extension_id", "user_id", "number", "identifier", "origin")
    ),
    *(sa.Column(name, _WHEN) for name in ("created_at", "seen_at", "gone_at")),
)
EVENTS = sa.Table(
    "identity_events",
    _METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(
        sa.Column(name, sa.Text)
        for name in ("kind", "old_id", "user_before", "user_after", "number_before", "number_after")
    ),
    sa.Column("at", _WHEN),
)
COUNTERS = sa.Table(
    "identity_counters",
    _METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("next", sa.BigInteger),
)
_LIVE = IDENTITIES.c.gone_at.is_(None)

_MOST_CACHED = 50_000
_SHARED_FOR = 30.0
_SEEN_AGAIN = timedelta(days=1)
_BATCH = 500
_ID = re.compile(r"[1-9][0-9]{0,18}\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row for the operator; `gone_at` is a tombstone's. The next page starts after its `id`."""

    id: int
    identity: Identity
    origin: str
    created_at: datetime
    seen_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was repaired or noticed, and how the extension stood before and after it."""

    id: int
    kind: EventKind
    old_id: str
    user_before: str
    user_after: str
    number_before: str
    number_after: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many rows were added, were there already, replaced what was discovered; and which were left, by why.

    `gone`: the old ID's extension was deleted since; `differs`: the map has the old ID with other values, which
    are newer; `taken`: another extension has the extension ID. Rows are counted from 1.
    """

    added: int = 0
    same: int = 0
    replaced: int = 0
    left: Mapping[Left, tuple[int, ...]] = field(default_factory=dict)


class ImportRefused(ValueError):
    """Nothing was imported, and why. `rows` are the ones to look at, counted from 1."""

    def __init__(self, why: str, rows: Sequence[int] = ()) -> None:
        few = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
        super().__init__(f"nothing was imported: {why}{': ' if rows else ''}{few}")
        self.rows = tuple(rows)


class IdentityMap:
    """The map. Every method raises BackendError (`store-unavailable`) when the database fails."""

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
        """Take in `identity.import_file`, if there is one. Raises ImportRefused, BackendError."""
        path = self._settings.import_file
        return await self.import_rows(read_csv(path)) if path else ImportReport()

    # ---- reading ----

    async def find(self, by: By, values: Iterable[str]) -> dict[str, tuple[Identity, ...]]:
        """The live extensions that have these values, for each value that is known.

        Under `user_id` and `identifier` there can be several, the one whose old ID is the user's first.
        """
        asked = dict.fromkeys(values)
        found = self._cache.get(by, asked)
        missing = [value for value in asked if value not in found]
        if missing:
            writes = self._writes
            read = await self._read(by, missing)
            if writes == self._writes:  # nothing was written while we read
                self._cache.put(by, read)
            found |= read
        return found

    async def _read(self, by: By, values: Collection[str]) -> dict[str, tuple[Identity, ...]]:
        async with self._store.reading() as connection:
            rows = await _rows(connection, by, values, _LIVE)
        self._note_seen({row.number: _utc(row.seen_at) for row in rows})
        groups: dict[str, list[Identity]] = {}
        for row in rows:
            groups.setdefault(getattr(row, by), []).append(_identity(row))
        return {
            value: tuple(sorted(group, key=lambda each: each.old_id != each.user_id))
            for value, group in groups.items()
        }

    async def all(self, after: int = 0, limit: int = 1000, *, gone: bool = False) -> list[Entry]:
        """A page of the map, live rows only unless `gone`; the next starts after the last one's id."""
        query = sa.select(IDENTITIES).where(IDENTITIES.c.id > after).order_by(IDENTITIES.c.id).limit(limit)
        async with self._store.reading() as connection:
            rows = (await connection.execute(query if gone else query.where(_LIVE))).all()
        return [
            Entry(
                row.id,
                _identity(row),
                row.origin,
                _utc(row.created_at),
                _utc(row.seen_at),
                row.gone_at and _utc(row.gone_at),
            )
            for row in rows
        ]

    async def events(self, after: int = 0, limit: int = 1000) -> list[Event]:
        """A page of what was repaired or noticed, oldest first."""
        query = sa.select(EVENTS).where(EVENTS.c.id > after).order_by(EVENTS.c.id).limit(limit)
        async with self._store.reading() as connection:
            return [Event(**{**row._mapping, "at": _utc(row.at)}) for row in await connection.execute(query)]

    async def export(self) -> AsyncIterator[Identity]:
        """Every live identity; `import_rows` takes them."""
        page = await self.all()
        while page:
            for entry in page:
                yield entry.identity
            page = await self.all(page[-1].id)

    # ---- writing ----

    async def learn(self, known: Sequence[Known]) -> tuple[Identity, ...]:
        """Remember extensions that v3 has, all or none. What is known keeps its IDs. Same order as given.

        When a number is given twice, the later one is right. Raises BackendError (`identities-used-up`).
        """
        latest = {each.number: each for each in known}
        identities = await self._known_already(latest)
        if identities is None:
            async with self._changing() as change:
                identities = await change.learn(latest)
            self._note_seen(dict.fromkeys(latest, self._store.now()))
        return tuple(identities[each.number] for each in known)

    async def _known_already(self, latest: Mapping[str, Known]) -> dict[str, Identity] | None:
        """The identities, when there is nothing to change and all were seen lately: then nothing is written."""
        old = self._store.now() - _SEEN_AGAIN
        found = await (self._read if self._store.shared else self.find)("number", latest)
        known = {number: each for number, (each,) in found.items()}
        if len(known) < len(latest) or any(_news(known[each.number], each) for each in latest.values()):
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

    async def forget(self, numbers: Collection[str]) -> None:
        """The extensions with these numbers are gone, and their IDs with them."""
        async with self._changing() as change:
            await change.forget(numbers)

    async def renumber(self, old_number: str, new_number: str) -> Identity | None:
        """An extension has another number and keeps its IDs. None when it is not known."""
        return (await self.renumber_all({old_number: new_number})).get(old_number)

    async def renumber_all(self, numbers: Mapping[str, str]) -> dict[str, Identity]:
        """The same for many at once, which may swap numbers. Whatever else has a new number is gone.

        Raises ValueError when two would have one number.
        """
        if len(set(numbers.values())) < len(numbers):
            raise ValueError("two extensions cannot have one number")
        async with self._changing() as change:
            return await change.renumber(numbers)

    async def import_rows(self, rows: Iterable[Identity]) -> ImportReport:
        """Take in IDs that were decided elsewhere; an empty `extension_id` is issued. May be repeated.

        The map's own, newer knowledge of an old ID is kept. Raises ImportRefused.
        """
        given = list(rows)
        _judge(given)
        async with self._changing() as change:
            return await change.take_in(given)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[_Change]:
        """A transaction under the lock; afterwards the cache knows what changed, or nothing if it failed."""
        async with self._lock:
            try:
                async with self._store.writing() as connection:
                    query = sa.select(COUNTERS).order_by(COUNTERS.c.name).with_for_update()
                    counters = {row.name: row.next for row in await connection.execute(query)}
                    change = _Change(connection, self._settings, self._store.now(), counters)
                    yield change
            except BaseException:
                self._cache.clear()
                raise
            finally:
                self._writes += 1
            self._cache.renew(change.before, change.after)


class _Cache:
    """Identities by each of their names, the least lately used leaving first."""

    def __init__(self, seconds: float, monotonic: Callable[[], float]) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._by: dict[By, OrderedDict[str, tuple[float, tuple[Identity, ...]]]] = {
            name: OrderedDict() for name in _NAMES
        }

    def get(self, by: By, values: Iterable[str]) -> dict[str, tuple[Identity, ...]]:
        entries, now, found = self._by[by], self._monotonic(), {}
        for value in values:
            entry = entries.get(value)
            if entry is not None and now < entry[0]:
                found[value] = entry[1]
                entries.move_to_end(value)
        return found

    def put(self, by: By, read: Mapping[str, tuple[Identity, ...]]) -> None:
        entries, until = self._by[by], self._monotonic() + self._seconds
        for value, group in read.items():
            entries[value] = (until, group)
            entries.move_to_end(value)
        while len(entries) > _MOST_CACHED:
            entries.popitem(last=False)

    def renew(self, before: Iterable[Identity], after: Collection[Identity]) -> None:
        for name in _NAMES:
            for each in (*before, *after):
                self._by[name].pop(getattr(each, name), None)
        for unique in ("number", "old_id", "extension_id"):
            self.put(unique, {getattr(each, unique): (each,) for each in after})

    def clear(self) -> None:
        for entries in self._by.values():
            entries.clear()


def _made_again(was: Identity, seen: Known | None) -> bool:
    """Whether a number belongs to a new extension: the one that had it is gone unnoticed."""
    return seen is not None and seen.origin == "created" and seen.user_id != was.user_id


class _Change:
    """One transaction's changes. `before` and `after` are the identities that were and that are now."""

    def __init__(
        self, connection: AsyncConnection, settings: Identities, now: datetime, counters: dict[str, int | None]
    ) -> None:
        self.before: list[Identity] = []
        self.after: list[Identity] = []
        self._connection = connection
        self._settings = settings
        self._now = now
        self._counters = counters

    async def learn(self, latest: Mapping[str, Known]) -> dict[str, Identity]:
        """Bring the map up to what v3 was seen to have, by number. The identities of these numbers."""
        siblings = await self._live("user_id", {each.user_id for each in latest.values()})
        stand = siblings | await self._live("number", latest)
        again = [was for was in stand.values() if _made_again(was, latest.get(was.number))]
        await self._retire(again, "gave-way")
        stand = {number: was for number, was in stand.items() if was not in again}
        identifiers = {each.user_id: each.identifier for each in siblings.values() if each.identifier}
        identifiers |= {each.user_id: each.identifier for each in latest.values() if each.identifier}
        await self._update([(was, _updated(was, latest, identifiers)) for was in stand.values()])
        new = [each for number, each in latest.items() if number not in stand]
        own = await self._own_ids({each.user_id for each in new})
        await self._insert([(_draft(each, own, identifiers), each.origin) for each in new])
        old = IDENTITIES.c.seen_at < self._now - _SEEN_AGAIN
        await self._set("number", latest, {"seen_at": self._now}, _LIVE, old)
        return stand | {each.number: each for each in self.after}

    async def forget(self, numbers: Collection[str]) -> None:
        await self._retire(list((await self._live("number", numbers)).values()))

    async def renumber(self, numbers: Mapping[str, str]) -> dict[str, Identity]:
        """Give numbers to what has others. Those that were known, by their former numbers."""
        stand = await self._live("number", {*numbers, *numbers.values()})
        now = {old: replace(stand[old], number=new) for old, new in numbers.items() if old in stand}
        in_the_way = [stand[each.number] for each in now.values() if each.number in stand.keys() - now.keys()]
        await self._retire(in_the_way, "gave-way")
        changed = [(stand[old], each) for old, each in now.items() if each.number != old]
        keys = [was.extension_id for was, _ in changed]
        nowhere = sa.literal("~") + IDENTITIES.c.extension_id  # two may swap numbers
        await self._set("extension_id", keys, {"number": nowhere})
        await self._update(changed)
        return now

    async def take_in(self, given: Sequence[Identity]) -> ImportReport:
        """Add what an import has and the map has not."""
        by_old = {row.old_id: row for row in await self._rows("old_id", [each.old_id for each in given])}
        taken = {
            row.extension_id for row in await self._rows("extension_id", [each.extension_id for each in given])
        }
        live = await self._live("number", [each.number for each in given])
        fates = [_fate(each, by_old.get(each.old_id), taken) for each in given]
        new = [each for each, fate in zip(given, fates, strict=True) if fate == "new"]
        replaced = [live[each.number] for each in new if each.number in live]
        await self._retire(replaced, "import-decided")
        await self._insert([(each, "imported") for each in new])
        left = {why: tuple(position for position, fate in enumerate(fates, 1) if fate == why) for why in _LEFT}
        return ImportReport(
            len(new) - len(replaced),
            fates.count("same"),
            len(replaced),
            {why: rows for why, rows in left.items() if rows},
        )

    async def _own_ids(self, users: Collection[str]) -> set[str]:
        """The users whose own ID is free for an extension of theirs, taken from one that is gone if need be."""
        if self._settings.policy == "imported":
            return set()
        owners = {row.old_id: row for row in await self._rows("old_id", users)}
        passing = [row for row in owners.values() if row.gone_at is not None and row.user_id == row.old_id]
        await self._set("extension_id", [row.extension_id for row in passing], {"old_id": None})
        await self._record([("old-id-passed-on", _identity(row), _identity(row)) for row in passing])
        return (set(users) - owners.keys()) | {row.old_id for row in passing}

    async def _issue(self, count: int, avoid: Collection[str]) -> list[str]:
        """IDs that nobody has or had, neither in the map nor among those to avoid."""
        four = self._settings.four_digit_ids
        name, first, last, step = (
            ("four-digit", 9999, self._settings.issued_from_four, -1)
            if four
            else ("issued", self._settings.issued_from, self._settings.issued_to, 1)
        )
        end = last + step
        at = self._counters[name]
        if at is None or at not in range(first, end + step, step):  # the range was set anew
            at = first
        free: list[str] = []
        while len(free) < count:
            block = [str(number) for number in range(at, end, step)[: min(_BATCH, count - len(free))]]
            if not block:
                raise _used_up(four)
            had = await self._had(block)
            free += [each for each in block if each not in had and each not in avoid]
            at += step * len(block)
        self._counters[name] = at
        await self._connection.execute(sa.update(COUNTERS).where(COUNTERS.c.name == name).values(next=at))
        return free

    async def _insert(self, drafts: Sequence[tuple[Identity, str]]) -> None:
        """Add extensions; each ID that is empty is issued."""
        blank = sum((not each.old_id) + (not each.extension_id) for each, _ in drafts)
        avoid = {value for each, _ in drafts for value in (each.old_id, each.extension_id, each.user_id)}
        ids = iter(await self._issue(blank, avoid) if blank else ())
        rows = []
        for draft, origin in drafts:
            each = replace(
                draft, old_id=draft.old_id or next(ids), extension_id=draft.extension_id or next(ids)
            )
            self.after.append(each)
            rows.append(_values(each) | {"origin": origin, "created_at": self._now, "seen_at": self._now})
        if rows:
            await self._connection.execute(sa.insert(IDENTITIES), rows)

    async def _update(self, pairs: Iterable[tuple[Identity, Identity]]) -> None:
        """Change what differs, and record what is more than an identifier."""
        changed = [(was, now) for was, now in pairs if was != now]
        if not changed:
            return
        update = sa.update(IDENTITIES).where(IDENTITIES.c.extension_id == sa.bindparam("key"))
        fields: dict[str, Any] = {name: sa.bindparam(name) for name in ("user_id", "number", "identifier")}
        await self._connection.execute(
            update.values(**fields),
            [{"key": now.extension_id, **{name: getattr(now, name) for name in fields}} for _, now in changed],
        )
        self.before += [was for was, _ in changed]
        self.after += [now for _, now in changed]
        await self._record([(kind, was, now) for was, now in changed if (kind := _kind_of(was, now))])

    async def _retire(self, gone: Sequence[Identity], kind: EventKind | None = None) -> None:
        await self._set("extension_id", [each.extension_id for each in gone], {"gone_at": self._now})
        self.before += gone
        await self._record([(kind, each, each) for each in gone] if kind else [])

    async def _record(self, events: Sequence[tuple[EventKind, Identity, Identity]]) -> None:
        rows = [
            {
                "kind": kind,
                "old_id": was.old_id,
                "user_before": was.user_id,
                "user_after": now.user_id,
                "number_before": was.number,
                "number_after": now.number,
                "at": self._now,
            }
            for kind, was, now in events
        ]
        if rows:
            await self._connection.execute(sa.insert(EVENTS), rows)

    async def _set(
        self, by: By, values: Iterable[str], new: Mapping[str, Any], *where: sa.ColumnElement[bool]
    ) -> None:
        for batch in _batches(values):
            query = sa.update(IDENTITIES).where(IDENTITIES.c[by].in_(batch), *where)
            await self._connection.execute(query.values(**new))

    async def _live(self, by: By, values: Iterable[str]) -> dict[str, Identity]:
        rows = await _rows(self._connection, by, values, _LIVE)
        return {row.number: _identity(row) for row in rows}

    async def _rows(self, by: By, values: Iterable[str]) -> list[sa.Row[Any]]:
        return await _rows(self._connection, by, values)

    async def _had(self, ids: Sequence[str]) -> set[str]:
        """Those of at most a batch of IDs that stand anywhere in the map."""
        columns = [IDENTITIES.c[name] for name in ("old_id", "extension_id", "user_id")]
        query = sa.select(*columns).where(sa.or_(*(column.in_(ids) for column in columns)))
        return {value for row in await self._connection.execute(query) for value in row}


# ---- rows and rules ----


async def _rows(
    connection: AsyncConnection, by: By, values: Iterable[str], *where: sa.ColumnElement[bool]
) -> list[sa.Row[Any]]:
    """All rows with these values, in the order in which they were made."""
    rows: list[sa.Row[Any]] = []
    for batch in _batches(values):
        query = sa.select(IDENTITIES).where(IDENTITIES.c[by].in_(batch), *where).order_by(IDENTITIES.c.id)
        rows += await connection.execute(query)
    return rows


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    return (unique[start : start + _BATCH] for start in range(0, len(unique), _BATCH))


def _identity(row: sa.Row[Any]) -> Identity:
    old_id = row.old_id or row.user_id  # a tombstone whose old ID was passed on had the user's
    return Identity(old_id, row.extension_id, row.user_id, row.number, row.identifier)


def _values(each: Identity) -> dict[str, str | None]:
    return {name: getattr(each, name) for name in _NAMES}


def _updated(was: Identity, latest: Mapping[str, Known], identifiers: Mapping[str, str]) -> Identity:
    user = latest[was.number].user_id if was.number in latest else was.user_id
    own = was.identifier if user == was.user_id else None
    return replace(was, user_id=user, identifier=identifiers.get(user, own))


def _draft(known: Known, own: set[str], identifiers: Mapping[str, str]) -> Identity:
    """A new extension's identity, its IDs empty where they are to be issued; uses up its user's own ID."""
    old_id = known.user_id if known.user_id in own else ""
    own.discard(old_id)
    return Identity(old_id, "", known.user_id, known.number, identifiers.get(known.user_id))


def _news(identity: Identity, known: Known) -> bool:
    """Whether something was seen that the map does not say yet."""
    return identity.user_id != known.user_id or known.identifier not in (None, identity.identifier)


def _kind_of(was: Identity, now: Identity) -> EventKind | None:
    if was.number != now.number:
        return "renumbered"
    if was.user_id == now.user_id:
        return None
    return "user-recreated" if was.identifier and was.identifier == now.identifier else "moved"


def _fate(each: Identity, known: sa.Row[Any] | None, taken: Collection[str]) -> str:
    """What an import does with a row: it is `new`, the `same`, or left for a reason."""
    if known is None:
        return "taken" if each.extension_id in taken else "new"
    if known.gone_at is not None:
        return "gone"
    same = (known.user_id, known.number) == (each.user_id, each.number)
    return "same" if same and each.extension_id in ("", known.extension_id) else "differs"


def _utc(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)  # SQLite knows no zones


def _used_up(four: bool) -> BackendError:
    setting = "identity.issued_from_four has to go down" if four else "identity.issued_to has to go up"
    return BackendError("identities-used-up", f"The shim has no extension ID left to give: {setting}.")


# ---- files ----


def read_csv(path: Path) -> list[Identity]:
    """The rows of a file with the columns old_id, extension_id (may be empty), user_id, number."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        if not {"old_id", "user_id", "number"} <= set(reader.fieldnames or ()):
            raise ImportRefused("its first line does not name old_id, extension_id, user_id and number")
        return [
            Identity(
                *((row.get(name) or "").strip() for name in ("old_id", "extension_id", "user_id", "number"))
            )
            for row in reader
        ]


def _judge(rows: Sequence[Identity]) -> None:
    seen: set[tuple[By, str]] = set()
    bad = []
    for position, each in enumerate(rows, 1):
        ids = [each.old_id, each.user_id, *([each.extension_id] if each.extension_id else [])]
        unique: set[tuple[By, str]] = {("old_id", each.old_id), ("number", each.number)}
        unique |= {("extension_id", each.extension_id)} if each.extension_id else set()
        if not (all(map(_ID.match, ids)) and each.number) or seen & unique:
            bad.append(position)
        seen |= unique
    if bad:
        raise ImportRefused("these rows are malformed or say something twice", bad)
