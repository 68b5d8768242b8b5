"""Brownouts: planned windows in which old calls are refused.

Laws: a window lies in the future when it is planned; whoever is refused is told why, until when and where to
read on; stopping takes effect wherever the shim runs within seconds. Times are UTC.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.admit import ALL, pattern_problem
from shim.core.commands.caller import Brownout
from shim.edge.deprecation.tables import BROWNOUTS, PORTING_EVENTS
from shim.edge.store.database import Store, utc
from shim.interfaces.load import old

BrownoutState = Literal["planned", "running", "ended", "stopped"]

_LATE = timedelta(minutes=1)
"""How far back a start may lie: nobody types within the same second."""
_LONGEST_TEXT = 500
_DURATION = re.compile(r"(?:(?P<days>[0-9]{1,3})d)?(?:(?P<hours>[0-9]{1,4})h)?(?:(?P<minutes>[0-9]{1,5})m)?")


class PortingRefused(Exception):
    """A change that makes no sense; says what to do instead."""


@dataclass(frozen=True, slots=True)
class PlannedBrownout:
    """A brownout as it was planned; integration or operation `*` is all of them."""

    id: str
    integration: str
    operation: str
    starts_at: datetime
    ends_at: datetime
    text: str
    link: str
    who: str
    created_at: datetime
    stopped_at: datetime | None = None

    def state(self, now: datetime) -> BrownoutState:
        if self.stopped_at is not None:
            return "stopped"
        if now >= self.ends_at:
            return "ended"
        return "running" if now >= self.starts_at else "planned"

    def holds(self, integration: str, now: datetime) -> bool:
        """True if calls of an integration are refused now."""
        return self.integration in (ALL, integration) and self.state(now) == "running"

    @property
    def brownout(self) -> Brownout:
        """The brownout as the core needs it."""
        until = f"{self.ends_at:%Y-%m-%d %H:%M} UTC"
        return Brownout(self.id, self.operation, until, self.text, self.link)


# ---- times as people write them ----


def moment(text: str, now: datetime) -> datetime:
    """A time in ISO 8601 with its zone (2026-02-01T09:00Z), or `now`. Raises PortingRefused."""
    if text == "now":
        return now
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise PortingRefused(f"{text} is no time: write 2026-02-01T09:00Z, or now") from None
    if at.tzinfo is None:
        raise PortingRefused(f"{text} has no zone: add Z for UTC, or +01:00")
    return at.astimezone(UTC)


def duration(text: str) -> timedelta:
    """A length such as 2h, 90m, 1d or 1h30m. Raises PortingRefused."""
    match = _DURATION.fullmatch(text)
    length = timedelta(**{unit: int(n) for unit, n in match.groupdict(default="0").items()}) if match else None
    if not length:
        raise PortingRefused(f"{text} is no duration: write 2h, 90m, 1d or 1h30m")
    return length


# ---- planning and stopping ----


async def plan_brownout(
    store: Store,
    integration: str,
    operation: str,
    starts_at: datetime,
    ends_at: datetime,
    who: str,
    text: str = "",
    link: str = "",
) -> PlannedBrownout:
    """Plan a window in which calls are refused. `text` and `link` are for those who are refused.

    Raises PortingRefused for a window in the past or without length, for what is no operation, and for a text
    or link that cannot be shown; StoreError when the store fails.
    """
    now = store.now()
    if problem := _problem(operation, starts_at, ends_at, text, link, now):
        raise PortingRefused(problem)
    begin, end = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    planned = PlannedBrownout(secrets.token_hex(3), integration, operation, begin, end, text, link, who, now)
    row = {name: getattr(planned, name) for name in PlannedBrownout.__slots__}
    async with store.writing() as connection:
        await connection.execute(sa.insert(BROWNOUTS).values(row))
        await note(connection, now, who, integration, operation, "", f"brownout {planned.id}", text)
    return planned


def _problem(
    operation: str, starts_at: datetime, ends_at: datetime, text: str, link: str, now: datetime
) -> str | None:
    if problem := pattern_problem(old(), operation):
        return problem
    if ends_at <= starts_at:
        return "it ends before it starts"
    if starts_at < now - _LATE:
        return "it starts in the past: give a time to come, or now"
    if len(text) > _LONGEST_TEXT:
        return f"the text is longer than {_LONGEST_TEXT} characters: it has to fit into a fault"
    if link and not re.fullmatch(r"https?://[^\s<>\"]{1,500}", link):
        return "the link is no address: it starts with https:// or http:// and has no spaces"
    return None


async def stop_brownout(store: Store, id: str | None, who: str, text: str = "") -> list[PlannedBrownout]:
    """End a brownout that runs, or cancel one that is planned; without an ID all that run. What was stopped.

    Raises StoreError when the store fails.
    """
    now = store.now()
    async with store.writing() as connection:
        rows = (await connection.execute(sa.select(BROWNOUTS).with_for_update())).all()
        stoppable = [each for each in map(_planned, rows) if _stoppable(each, id, now)]
        for each in stoppable:
            change = sa.update(BROWNOUTS).where(BROWNOUTS.c.id == each.id).values(stopped_at=now)
            await connection.execute(change)
            was = f"brownout {each.id}"
            await note(connection, now, who, each.integration, each.operation, was, "", text)
    return [replace(each, stopped_at=now) for each in stoppable]


def _stoppable(planned: PlannedBrownout, id: str | None, now: datetime) -> bool:
    state = planned.state(now)
    return state == "running" if id is None else planned.id == id and state in ("planned", "running")


async def read_brownouts(store: Store, *, everything: bool = False) -> list[PlannedBrownout]:
    """Those that run or are planned, by their start; with `everything` those that are over, too."""
    query = sa.select(BROWNOUTS).order_by(BROWNOUTS.c.starts_at, BROWNOUTS.c.id)
    if not everything:
        query = query.where(BROWNOUTS.c.stopped_at.is_(None), BROWNOUTS.c.ends_at > store.now())
    async with store.reading() as connection:
        return [_planned(row) for row in await connection.execute(query)]


def _planned(row: sa.Row[tuple[object, ...]]) -> PlannedBrownout:
    values = dict(row._mapping)
    times = ("starts_at", "ends_at", "created_at", "stopped_at")
    return PlannedBrownout(**{**values, **{name: values[name] and utc(values[name]) for name in times}})


async def note(
    connection: AsyncConnection,
    at: datetime,
    who: str,
    integration: str,
    operation: str,
    was: str,
    became: str,
    text: str,
) -> None:
    """Write a change into the history of porting, within its transaction."""
    values = {"at": at, "who": who, "integration": integration, "operation": operation}
    row = {**values, "was": was, "became": became, "text": text}
    await connection.execute(sa.insert(PORTING_EVENTS).values(row))
