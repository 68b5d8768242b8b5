"""Rows of the identity map: what a transaction changes in them. See `map`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

import sqlalchemy as sa

from shim.core.commands.extensions import Identity, Known
from shim.edge.identities.issue import next_id, range_of, unaccounted, used_up
from shim.edge.identities.tables import (
    COUNTERS,
    ENDED,
    EVENTS,
    IDENTITIES,
    LEFT,
    LIVE,
    NAMES,
    SEEN_AGAIN,
    UNCONFIRMED,
    EventKind,
    Gone,
    ImportReport,
    MapKey,
)
from shim.edge.settings.model import Identities
from shim.edge.store.database import utc
from shim.edge.store.statements import StoredRow, execute

_BATCH = 500
_CONFIRMED = {"unconfirmed_at": None, "denied_at": None}


def _made_again(was: Identity, seen: Known | None) -> bool:
    """True if a number belongs to a new extension: the one that had it is gone unnoticed."""
    return seen is not None and seen.origin == "created" and seen.user_id != was.user_id


class MapChange:
    """One transaction's changes. `before` and `after` are the identities that were and that are now.

    `connection` is the transaction's own.
    """

    def __init__(
        self, connection: sa.Connection, settings: Identities, now: datetime, counters: dict[str, int | None]
    ) -> None:
        self.before: list[Identity] = []
        self.after: list[Identity] = []
        self.connection = connection
        self._settings = settings
        self._now = now
        self._counters = counters

    def learn(self, latest: Mapping[str, Known]) -> dict[str, Identity]:
        """Bring the map up to what v3 was seen to have, by number. The identities of these numbers."""
        siblings = self._live("user_id", {each.user_id for each in latest.values()})
        stand = siblings | self._live("number", latest)
        again = [was for was in stand.values() if _made_again(was, latest.get(was.number))]
        self._retire(again, "gave-way")
        stand = {number: was for number, was in stand.items() if was not in again}
        identifiers = {
            each.user_id: each.identifier
            for number, each in siblings.items()
            if each.identifier and number in stand
        }
        identifiers |= {each.user_id: each.identifier for each in latest.values() if each.identifier}
        seen = [each for each in latest.values() if each.origin != "created"]
        stand |= self._revive([each for each in seen if each.number not in stand])
        self._update([(was, _updated(was, latest, identifiers)) for was in stand.values()])
        new = [each for number, each in latest.items() if number not in stand]
        own = self._own_ids({each.user_id for each in new})
        self._insert([(_draft(each, own, identifiers), each.origin) for each in new])
        if before := [number for number in latest if number in stand]:
            self._set("number", before, _CONFIRMED, UNCONFIRMED)
            old = IDENTITIES.c.seen_at < self._now - SEEN_AGAIN
            self._set("number", before, {"seen_at": self._now}, LIVE, old)
        return stand | {each.number: each for each in self.after}

    def _revive(self, new: Sequence[Known]) -> dict[str, Identity]:
        """Those that had ended and are there again, by number, with the IDs that they had."""
        rows = rows_of(self.connection, "number", [each.number for each in new], ENDED)
        back: dict[str, Identity] = {}
        for each in new:
            had = [was for row in rows if _is_back(was := identity_of(row), each)]
            if had:
                back[each.number] = replace(had[-1], doubt="")  # the one that had the number last
        keys = [each.extension_id for each in back.values()]
        self._set("extension_id", keys, {"gone_at": None, "seen_at": self._now, **_CONFIRMED})
        self._record([("returned", each, each) for each in back.values()])
        self.after += back.values()
        return back

    def doubt(self, numbers: Collection[str]) -> None:
        """These were missed in lists."""
        sure = IDENTITIES.c.unconfirmed_at.is_(None)
        before = list((self._live("number", numbers)).values())
        self._set("number", numbers, {"unconfirmed_at": self._now}, LIVE, sure)
        self.before += before

    def deny(self, numbers: Collection[str]) -> None:
        """v3 said of each of these that it does not exist; those of which it said so long enough ago end."""
        rows = rows_of(self.connection, "number", numbers, LIVE)
        long_ago = self._now - timedelta(seconds=self._settings.confirm_after)
        over = [identity_of(row) for row in rows if row.denied_at and utc(row.denied_at) <= long_ago]
        self._retire(over, "ended")
        first = [row for row in rows if row.denied_at is None]
        for row in first:
            since = {"denied_at": self._now, "unconfirmed_at": row.unconfirmed_at or self._now}
            self._set("extension_id", [row.extension_id], since)
        self.before += [identity_of(row) for row in first]

    def forget(self, numbers: Mapping[str, str]) -> None:
        """End the extensions with these numbers of these users, '' for any: an extension of another user, who
        has the number by now, stays."""
        ended = self._live("number", numbers)
        self._retire([each for number, each in ended.items() if numbers[number] in ("", each.user_id)])

    def renumber(self, numbers: Mapping[str, str]) -> dict[str, Identity]:
        """Give numbers to what has others. Those that were known, by their former numbers.

        A number that somebody else has, who is not given another one, is not given.
        """
        stand = self._live("number", {*numbers, *numbers.values()})
        standing = {old: new for old, new in numbers.items() if old in stand}
        while blocked := [old for old, new in standing.items() if new in stand and new not in standing]:
            for old in blocked:
                del standing[old]
        now = {
            old: stand[old] if old == new else replace(stand[old], number=new, doubt="")
            for old, new in standing.items()
        }
        changed = [(stand[old], each) for old, each in now.items() if each.number != old]
        keys = [was.extension_id for was, _ in changed]
        nowhere = sa.literal("~") + IDENTITIES.c.extension_id  # two may swap numbers
        self._set("extension_id", keys, {"number": nowhere, **_CONFIRMED})
        self._update(changed)
        return now | {old: stand[old] for old in numbers if old in stand and old not in now}

    def take_in(self, given: Sequence[Identity | Gone]) -> ImportReport:
        """Add what an import has and the map has not: first what is there, then what is gone."""
        named = [each.identity if isinstance(each, Gone) else each for each in given]
        by_old = {row.old_id: row for row in self._rows("old_id", [each.old_id for each in named])}
        had = {row.extension_id: row for row in self._rows("extension_id", [x.extension_id for x in named])}
        live = self._live("number", [each.number for each in named])
        fates = [
            _fate_of_gone(each.identity, by_old.get(each.identity.old_id), had)
            if isinstance(each, Gone)
            else _fate(each, by_old.get(each.old_id), had)
            for each in given
        ]
        new = [each for each, fate in zip(named, fates, strict=True) if fate == "new"]
        replaced = [live[each.number] for each in new if each.number in live]
        self._retire(replaced, "import-decided")
        self._insert([(each, "imported") for each in new])
        self._stand_in(replaced)
        self._bury([each for each, fate in zip(given, fates, strict=True) if fate == "bury"])
        left = {why: tuple(position for position, fate in enumerate(fates, 1) if fate == why) for why in LEFT}
        return ImportReport(
            len(new) - len(replaced),
            fates.count("same"),
            len(replaced),
            {why: rows for why, rows in left.items() if rows},
            fates.count("bury"),
        )

    def _stand_in(self, replaced: Sequence[Identity]) -> None:
        """The IDs of what was replaced were given out: from now on they mean what came in its place."""
        keys = {each.number: each.extension_id for each in self.after}
        for each in replaced:
            key = {"stands_for": keys[each.number]}
            self._set("extension_id", [each.extension_id], key)
            former = sa.update(IDENTITIES).where(IDENTITIES.c.stands_for == each.extension_id)
            self.connection.execute(former.values(**key))

    def _bury(self, gone: Sequence[Identity | Gone]) -> None:
        """Add tombstones."""
        times = {"created_at": self._now, "seen_at": self._now, "gone_at": self._now}
        rows = [
            {**_values(each.identity), "stands_for": each.stands_for, "origin": "imported", **times}
            for each in gone
            if isinstance(each, Gone)
        ]
        if rows:
            self.connection.execute(sa.insert(IDENTITIES), rows)

    def pass_over(self) -> None:
        """Issue nothing up to the highest ID that the map has."""
        span = unaccounted(self._settings, self._counters, all_ids(self.connection))
        if span is not None:
            name, _, _, step = range_of(self._settings)
            self._count(name, span[1] + step)

    def _own_ids(self, users: Collection[str]) -> set[str]:
        """The users whose own ID no extension has or ever had."""
        if self._settings.policy == "imported":
            return set()
        return set(users) - {row.old_id for row in self._rows("old_id", users)}

    def _issue(self, count: int, avoid: Collection[str]) -> list[str]:
        """IDs that nobody has or had, neither in the map nor among those to avoid."""
        name, _, last, step = range_of(self._settings)
        end = last + step
        at = next_id(self._settings, self._counters)
        free: list[str] = []
        while len(free) < count:
            block = [str(number) for number in range(at, end, step)[: min(_BATCH, count - len(free))]]
            if not block:
                raise used_up(self._settings.four_digit_ids)
            had = self._had(block)
            free += [each for each in block if each not in had and each not in avoid]
            at += step * len(block)
        self._count(name, at)
        return free

    def _count(self, name: str, at: int) -> None:
        self._counters[name] = at
        execute(self.connection, _COUNT, {"counter": name, "next": at})

    def _insert(self, drafts: Sequence[tuple[Identity, str]]) -> None:
        """Add extensions; each ID that is empty is issued."""
        blank = sum((not each.old_id) + (not each.extension_id) for each, _ in drafts)
        avoid = {value for each, _ in drafts for value in (each.old_id, each.extension_id, each.user_id)}
        ids = iter(self._issue(blank, avoid) if blank else ())
        rows = []
        for draft, origin in drafts:
            each = replace(
                draft, old_id=draft.old_id or next(ids), extension_id=draft.extension_id or next(ids)
            )
            self.after.append(each)
            rows.append(_values(each) | {"origin": origin, "created_at": self._now, "seen_at": self._now})
        if rows:
            execute(self.connection, _NEW, rows)

    def _update(self, pairs: Iterable[tuple[Identity, Identity]]) -> None:
        """Change what differs, and record what is more than an identifier."""
        changed = [(was, now) for was, now in pairs if was != now]
        if not changed:
            return
        update = sa.update(IDENTITIES).where(IDENTITIES.c.extension_id == sa.bindparam("key"))
        fields: dict[str, Any] = {name: sa.bindparam(name) for name in ("user_id", "number", "identifier")}
        self.connection.execute(
            update.values(**fields),
            [{"key": now.extension_id, **{name: getattr(now, name) for name in fields}} for _, now in changed],
        )
        self.before += [was for was, _ in changed]
        self.after += [now for _, now in changed]
        self._record([(kind, was, now) for was, now in changed if (kind := _kind_of(was, now))])

    def _retire(self, gone: Sequence[Identity], kind: EventKind | None = None) -> None:
        self._set("extension_id", [each.extension_id for each in gone], {"gone_at": self._now})
        self.before += gone
        self._record([(kind, each, each) for each in gone] if kind else [])

    def _record(self, events: Sequence[tuple[EventKind, Identity, Identity]]) -> None:
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
            self.connection.execute(sa.insert(EVENTS), rows)

    def _set(
        self, by: MapKey, values: Iterable[str], new: Mapping[str, Any], *where: sa.ColumnElement[bool]
    ) -> None:
        for batch in _batches(values):
            query = sa.update(IDENTITIES).where(IDENTITIES.c[by].in_(batch), *where)
            self.connection.execute(query.values(**new))

    def _live(self, by: MapKey, values: Iterable[str]) -> dict[str, Identity]:
        rows = rows_of(self.connection, by, values, LIVE)
        return {row.number: identity_of(row) for row in rows}

    def _rows(self, by: MapKey, values: Iterable[str]) -> list[StoredRow]:
        return rows_of(self.connection, by, values)

    def _had(self, ids: Sequence[str]) -> set[str]:
        """Those of at most a batch of IDs that stand anywhere in the map."""
        return {value for row in execute(self.connection, _HAD, {"ids": ids}).rows for value in row}


# ---- rows and rules ----


def rows_of(
    connection: sa.Connection, by: MapKey, values: Iterable[str], *where: sa.ColumnElement[bool]
) -> list[StoredRow]:
    """All rows with these values, in the order in which they were made."""
    rows: list[StoredRow] = []
    for batch in _batches(values):
        rows += execute(connection, _rows_query(by, *where), {"values": batch}).rows
    return rows


@cache
def _rows_query(by: MapKey, *where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    has = IDENTITIES.c[by].in_(sa.bindparam("values", expanding=True))
    return sa.select(IDENTITIES).where(has, *where).order_by(IDENTITIES.c.id)


_IDS = [IDENTITIES.c[name] for name in ("old_id", "extension_id", "user_id")]
_HAD = sa.select(*_IDS).where(sa.or_(*(each.in_(sa.bindparam("ids", expanding=True)) for each in _IDS)))
_COUNT = sa.update(COUNTERS).where(COUNTERS.c.name == sa.bindparam("counter"))
_NEW = sa.insert(IDENTITIES)


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(values))
    return (unique[start : start + _BATCH] for start in range(0, len(unique), _BATCH))


def identity_of(row: StoredRow) -> Identity:
    doubt: Literal["", "unseen", "denied"] = "unseen" if row.unconfirmed_at else ""
    return Identity(
        row.old_id,
        row.extension_id,
        row.user_id,
        row.number,
        row.identifier,
        "denied" if row.denied_at else doubt,
    )


def _values(each: Identity) -> dict[str, str | None]:
    return {name: getattr(each, name) for name in NAMES}


def _updated(was: Identity, latest: Mapping[str, Known], identifiers: Mapping[str, str]) -> Identity:
    user = latest[was.number].user_id if was.number in latest else was.user_id
    own = was.identifier if user == was.user_id else None
    doubt = "" if was.number in latest else was.doubt
    return replace(was, user_id=user, identifier=identifiers.get(user, own), doubt=doubt)


def _draft(known: Known, own: set[str], identifiers: Mapping[str, str]) -> Identity:
    """A new extension's identity, its IDs empty where they are to be issued; uses up its user's own ID."""
    old_id = known.user_id if known.user_id in own else ""
    own.discard(old_id)
    return Identity(old_id, "", known.user_id, known.number, identifiers.get(known.user_id))


def news(identity: Identity, known: Known) -> bool:
    """True if something was seen that the map does not say yet."""
    return (
        bool(identity.doubt)
        or identity.user_id != known.user_id
        or known.identifier not in (None, identity.identifier)
    )


def _kind_of(was: Identity, now: Identity) -> EventKind | None:
    if was.number != now.number:
        return "renumbered"
    if was.user_id == now.user_id:
        return None
    return "user-recreated" if was.identifier and was.identifier == now.identifier else "moved"


def _is_back(was: Identity, seen: Known) -> bool:
    """True if what is seen with the number of an extension that had ended is that very extension."""
    if seen.origin == "created":
        return False
    same_person = was.identifier is not None and was.identifier == seen.identifier
    return was.number == seen.number and (was.user_id == seen.user_id or same_person)


def _fate_of_gone(each: Identity, known: StoredRow | None, had: Mapping[str, StoredRow]) -> str:
    """The fate of a row about a gone extension in an import: to `bury` it, or nothing."""
    there = had.get(each.extension_id)
    if there is not None:
        return "same" if there.gone_at is not None else "differs"
    return "bury" if known is None else "taken"


def all_ids(connection: sa.Connection) -> set[str]:
    """All old and extension IDs that the map has, those of gone extensions too."""
    query = sa.select(IDENTITIES.c.old_id, IDENTITIES.c.extension_id)
    return {value for row in connection.execute(query) for value in row if value is not None}


def _fate(each: Identity, known: StoredRow | None, taken: Collection[str]) -> str:
    """The fate of a row in an import: it is `new`, the `same`, or left for a reason."""
    if known is None:
        return "taken" if each.extension_id in taken else "new"
    if known.gone_at is not None:
        return "gone"
    same = (known.user_id, known.number) == (each.user_id, each.number)
    return "same" if same and each.extension_id in ("", known.extension_id) else "differs"
