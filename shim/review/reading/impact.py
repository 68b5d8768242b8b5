"""The impact of a change on what was called in the last days: operations, paths, shapes of values.

Laws: what is told is what was seen, by the log's own counts; where only the use of an operation is known and
not that of a path, it says so (`seen` is false) instead of guessing. Nothing is changed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa
from lxml import etree
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.admit import ALL, covers, rung_of
from shim.core.catalogue.choices import chosen, places
from shim.core.catalogue.fates import fates_of
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.caller import Rung
from shim.core.policies import Policies
from shim.edge.deprecation.counting import UNKNOWN
from shim.edge.deprecation.tables import FINDING_DAYS, FINDINGS
from shim.edge.porting.exceptions import LockException, read_exceptions
from shim.edge.porting.ladder import RungRule, rules
from shim.edge.porting.reach import Program, reach
from shim.edge.settings.model import Integration
from shim.edge.store.database import Store
from shim.review.reading.changes import State, StateChange, state_of
from shim.review.reading.logins import LoginUse, login_uses

REFUSED = "refused"
_BY_RUNG: Mapping[Rung, str] = {
    "translate": "served",
    "compare": "served, and compared with the old server",
    "v3": "served, with the finding came-back",
    "locked": REFUSED,
}
_BY_CHOICE = {"emulate": "emulated", "drop": "dropped, with a finding", "refuse": REFUSED}
_BY_LOGIN = {"translate": "served", "warn": "served, with the finding old-login", "refuse": REFUSED}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
_MOST_SHAPES = 5


@dataclass(frozen=True, slots=True)
class Touch:
    """A call, or a path of one, that would be served otherwise than before.

    `path` is '' for the whole call. `seen` says whether just this was seen in the days; else `calls` are all
    those of the operation. `shapes` are values as samples show them: `{company}`, `true`, `` for an empty one.
    """

    integration: str
    operation: str
    path: str
    before: str
    after: str
    calls: int
    seen: bool
    last_seen: datetime | None
    shapes: tuple[str, ...] = ()

    @property
    def refuses(self) -> bool:
        """True if something that is served today would be refused."""
        return self.after == REFUSED


@dataclass(frozen=True, slots=True)
class Impact:
    """The touches on the days from `since` to `until`, and the programs of the integrations concerned."""

    since: date
    until: date
    touches: tuple[Touch, ...]
    programs: tuple[Program, ...]

    @property
    def refuses(self) -> bool:
        return any(each.refuses for each in self.touches)


@dataclass(frozen=True, slots=True)
class UseOfCall:
    """An operation that an integration called."""

    integration: str
    operation: str
    calls: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class MetCalls:
    """How often a finding was made in the days, and with which shape of the message."""

    count: int
    last_seen: datetime
    sample: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """The log's knowledge of the last days."""

    since: date
    until: date
    uses: tuple[UseOfCall, ...]
    programs: tuple[Program, ...]
    met: Mapping[tuple[str, str, str], MetCalls] = field(default_factory=dict)
    """By integration, operation and path: what was found there, whatever the code."""
    samples: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """Samples as the log keeps them, by integration and operation."""
    logins: Mapping[str, Sequence[LoginUse]] = field(default_factory=dict)

    _messages: dict[tuple[str, str], list[etree._Element]] = field(default_factory=dict, repr=False)

    def messages(self, use: UseOfCall) -> Sequence[etree._Element]:
        """Shapes of these calls' requests, as samples show them; read when they are first asked for."""
        key = use.integration, use.operation
        if key not in self._messages:
            shapes = [_shape(each) for each in self.samples.get(key, ())]
            self._messages[key] = [each for each in shapes if each is not None]
        return self._messages[key]

    def shapes(self, use: UseOfCall, path: str) -> tuple[str, ...]:
        """The values that samples of these calls have at a path of the request."""
        values: list[str] = []
        for root in self.messages(use):
            values += _values(root, path)
        return tuple(dict.fromkeys(values))[:_MOST_SHAPES]

    def impact(self, touches: Iterable[Touch]) -> Impact:
        """The refused first, then the most called."""
        touched = sorted(
            touches, key=lambda it: (not it.refuses, -it.calls, it.integration, it.operation, it.path)
        )
        concerned = {each.integration for each in touched}
        programs = tuple(each for each in self.programs if each.integration in concerned)
        return Impact(self.since, self.until, tuple(touched), programs)


async def seen(store: Store, days: int) -> Seen:
    """Calls and findings of the last days, today included. Raises BackendError."""
    reached = await reach(store, ALL, ALL, days)
    uses = [UseOfCall(each.integration, each.operation, each.calls, each.last_seen) for each in reached.hits]
    async with store.reading() as connection:
        met, samples = await _met(connection, reached.since)
    logins = await login_uses(store, store.now(), days)
    known = tuple(each for each in uses if each.integration != UNKNOWN)
    return Seen(reached.since, reached.until, known, reached.programs, met, samples, logins)


async def _met(
    connection: AsyncConnection, since: date
) -> tuple[dict[tuple[str, str, str], MetCalls], dict[tuple[str, str], list[str]]]:
    row, count = FINDINGS.c, sa.func.sum(FINDING_DAYS.c["count"]).label("times")
    columns = (row.integration, row.operation, row.path, row.last_seen, row.sample)
    query = (
        sa.select(*columns, count)
        .join(FINDING_DAYS, FINDING_DAYS.c.finding == row.id)
        .where(FINDING_DAYS.c.day >= since.isoformat())
        .group_by(row.id, *columns)
    )
    met: dict[tuple[str, str, str], MetCalls] = {}
    samples: dict[tuple[str, str], list[str]] = {}
    for each in await connection.execute(query):
        key = (each.integration, each.operation, each.path)
        before = met.get(key)
        last = each.last_seen if each.last_seen.tzinfo else each.last_seen.replace(tzinfo=UTC)
        most = max(int(each.times), before.count if before is not None else 0)
        met[key] = MetCalls(most, max(last, before.last_seen) if before is not None else last, each.sample)
        if each.sample is not None:
            samples.setdefault(key[:2], []).append(each.sample)
    return met, samples


def _shape(sample: str) -> etree._Element | None:
    """The old message of a sample, or None for what cannot be read."""
    try:
        return etree.fromstring(str(json.loads(sample)["old"]).encode(), _PARSER)
    except (ValueError, KeyError, TypeError, etree.XMLSyntaxError):
        return None


def _values(root: etree._Element, path: str) -> list[str]:
    """The texts at a path below the body element: `a/@b` an attribute, `...` an element with children."""
    steps = path.split("/")
    at = [root]
    for step in steps:
        if step.startswith("@"):
            return [str(each.get(step[1:])) for each in at if each.get(step[1:]) is not None]
        at = [child for each in at for child in each if isinstance(child.tag, str) and child.tag == step]
    return ["..." if any(isinstance(child.tag, str) for child in each) else each.text or "" for each in at]


# ---- changes ----


def states(
    what: Seen,
    integrations: Iterable[Integration],
    stored: Iterable[RungRule],
    exceptions: Iterable[LockException],
    now: datetime,
) -> Mapping[str, State]:
    """Of all that called, and all that may, by name."""
    there = {each.name: each for each in integrations}
    rungs, lifting = list(stored), list(exceptions)
    names = {*there, *(each.integration for each in what.uses)}
    return {name: state_of(there.get(name), rungs, lifting, now) for name in names}


async def compared(
    store: Store, catalogue: Catalogue, integrations: Iterable[Integration], days: int, change: StateChange
) -> Impact:
    """The impact on the calls of the last days when the state of each integration is changed so, worked out
    in a thread: samples are read for it. Raises StoreError."""
    what = await seen(store, days)
    before = states(what, integrations, await rules(store), await read_exceptions(store), store.now())
    after = {name: change(name, each) for name, each in before.items()}
    return await asyncio.to_thread(changed, what, catalogue, before, after)


def changed(
    what: Seen, catalogue: Catalogue, before: Mapping[str, State], after: Mapping[str, State]
) -> Impact:
    """The impact of other states of integrations. An integration that is in none of them is left out."""
    return what.impact(_changed(what, catalogue, before, after))


def _changed(
    what: Seen, catalogue: Catalogue, before: Mapping[str, State], after: Mapping[str, State]
) -> Iterator[Touch]:
    for use in what.uses:
        was, becomes = before.get(use.integration), after.get(use.integration)
        if was is None or becomes is None or not was.enabled:
            continue
        if not becomes.enabled:
            yield _whole(use, "served", REFUSED)
            continue
        first, then = (_BY_RUNG[rung_of(each.deciding, use.operation)] for each in (was, becomes))
        if first != then:
            yield _whole(use, first, then)
        yield from _choices(what, catalogue, use, was.policies, becomes.policies)
    for name, uses in what.logins.items():
        was, becomes = before.get(name), after.get(name)
        if was is None or becomes is None:
            continue
        for login in uses:
            first, then = (_BY_LOGIN[each.logins.get(login.form, "translate")] for each in (was, becomes))
            if first != then:
                yield Touch(
                    name, "*", f"login by {login.form}", first, then, login.calls, True, login.last_seen
                )


def _whole(use: UseOfCall, before: str, after: str) -> Touch:
    return Touch(use.integration, use.operation, "", before, after, use.calls, True, use.last_seen)


def _choices(
    what: Seen, catalogue: Catalogue, use: UseOfCall, before: Policies, after: Policies
) -> Iterator[Touch]:
    translation = catalogue.translations.get(use.operation)
    if translation is None or before.entries == after.entries:
        return
    was, becomes = chosen(before, translation), chosen(after, translation)
    for place in places(translation):
        first, then = (each.of(place.side, place.finding, place.path) for each in (was, becomes))
        if first == then:
            continue
        if place.path == ALL:
            yield _whole(use, _BY_CHOICE[first], _BY_CHOICE[then])
            continue
        met = what.met.get((use.integration, use.operation, place.path))
        shapes = what.shapes(use, place.path) if place.side == "request" else ()
        if met is not None or shapes:
            calls, last = (met.count, met.last_seen) if met is not None else (use.calls, use.last_seen)
            path = place.path
            yield Touch(
                use.integration, use.operation, path, _BY_CHOICE[first], _BY_CHOICE[then], calls,
                met is not None, last, shapes,
            )  # fmt: skip


def brownout(what: Seen, integration: str, operation: str) -> Impact:
    """The impact of a planned refusal."""
    hit = [
        each
        for each in what.uses
        if integration in (ALL, each.integration) and covers(operation, each.operation)
    ]
    return what.impact(_whole(each, "served", REFUSED) for each in hit)


# ---- another release ----

Coverage = Mapping[tuple[str, str, str], tuple[str, str | None, str | None]]
"""(fate, place in v3, finding) by operation, direction and path."""


def coverage_of(rows: Iterable[Mapping[str, Any]]) -> Coverage:
    """From the paths of `shim coverage --format json`. Raises KeyError for what is none."""
    return {
        (f"{row['service']}.{row['operation']}", row["direction"], row["path"]): (
            row["fate"],
            row["place"],
            row["finding"],
        )
        for row in rows
    }


def coverage(catalogue: Catalogue) -> Coverage:
    """That of a catalogue."""
    return {
        (operation.full_name, fate.direction, fate.path): (fate.fate, fate.v3_path, fate.finding)
        for operation in catalogue.old.operations.values()
        for fate in fates_of(catalogue, operation)
    }


def release(what: Seen, before: Coverage, after: Coverage) -> Impact:
    """The impact of a catalogue with these fates, where another one was in use."""
    different = [key for key in {**before, **after} if before.get(key) != after.get(key)]
    by: dict[str, list[tuple[str, str, str]]] = {}
    for key in sorted(different):
        by.setdefault(key[0], []).append(key)
    return what.impact(_released(what, by, before, after))


def _released(
    what: Seen, by: Mapping[str, Sequence[tuple[str, str, str]]], before: Coverage, after: Coverage
) -> Iterator[Touch]:
    for use in what.uses:
        for key in by.get(use.operation, ()):
            _, direction, path = key
            met = what.met.get((use.integration, use.operation, path))
            shapes = what.shapes(use, path) if direction == "request" else ()
            sampled = bool(what.messages(use))
            if met is None and not shapes and sampled and direction == "request":
                continue  # its messages are known, and this is in none of them
            first, then = _fate(before.get(key)), _fate(after.get(key))
            calls, last = (met.count, met.last_seen) if met is not None else (use.calls, use.last_seen)
            described = path if direction == "request" else f"{path} (answer)"
            known = met is not None or bool(shapes)
            yield Touch(use.integration, use.operation, described, first, then, calls, known, last, shapes)


def _fate(judged: tuple[str, str | None, str | None] | None) -> str:
    if judged is None:
        return "not there"
    fate, place, finding = judged
    return f"{fate}{f' to {place}' if place else ''}{f' ({finding})' if finding else ''}"
