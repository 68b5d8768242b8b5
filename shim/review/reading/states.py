"""The life of a finding: what its state comes to, and what people say of it.

new → acknowledged → ignored (until a time or for good, with a reason) or fixed (declared). What is declared
fixed turns green at once; it is verified as soon as the operation is called without it, and new again as soon
as it comes back. Laws: what is derived is never stored; every change and every note is kept in the history
with who said it, also when two say different things at the same time: the last one holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shim.edge.deprecation.tables import FINDING_EVENTS, FINDINGS
from shim.edge.store.database import Store
from shim.review.reading.model import FindingEvent, FindingState

DECLARED: tuple[FindingState, ...] = ("new", "acknowledged", "ignored", "fixed")
"""The states that a finding may be given. That it is verified, the shim sees."""
OPEN: tuple[FindingState, ...] = ("new", "acknowledged")
_LONGEST_WHO = 200
_AT_ONCE = 500
_LONGEST_TEXT = 4000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class StateRefused(ValueError):
    """A state that a finding cannot be given; the text says why and what to do."""


def effective(
    state: str,
    state_at: datetime,
    until: datetime | None,
    last_seen: datetime,
    used_at: datetime | None,
    now: datetime,
) -> FindingState:
    """The state of now of a stored one. `used_at` is the last call of the operation or of a successor.

    A state that this version does not know counts as new: it has to be looked at.
    """
    if state == "ignored":
        return "new" if until is not None and until <= now else "ignored"
    if state == "fixed":
        if last_seen > state_at:
            return "new"
        return "verified" if used_at is not None and used_at > state_at else "fixed"
    return "acknowledged" if state == "acknowledged" else "new"


async def change(
    store: Store,
    id: int,
    state: FindingState,
    who: str,
    text: str = "",
    until: datetime | None = None,
    *,
    now: datetime,
) -> FindingEvent:
    """Say something of a finding. Ignoring needs a reason and may have an end, which has to lie ahead.

    Raises Refused when it is not possible, StoreError when the store fails.
    """
    who, text = _who(who), _text(text)
    _judge(state, text, until, now)
    values = {"state": state, "state_at": now, "until": until}
    full_text = f"{text} (until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC)" if until else text
    async with store.writing() as connection:
        was = await _state(connection, id)
        await connection.execute(sa.update(FINDINGS).where(FINDINGS.c.id == id).values(values))
        return await _record(connection, id, FindingEvent(now, who, was, state, full_text))


async def change_all(
    store: Store,
    ids: Collection[int],
    state: FindingState,
    who: str,
    text: str = "",
    until: datetime | None = None,
    *,
    now: datetime,
) -> int:
    """Say the same of many findings, all of them or none; how many there are. Raises like `change`."""
    who, text = _who(who), _text(text)
    _judge(state, text, until, now)
    full_text = f"{text} (until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC)" if until else text
    ordered, changed = sorted(ids), 0
    async with store.writing() as connection:
        for start in range(0, len(ordered), _AT_ONCE):
            some = FINDINGS.c.id.in_(ordered[start : start + _AT_ONCE])
            query = sa.select(FINDINGS.c.id, FINDINGS.c.state).where(some).order_by(FINDINGS.c.id)
            was = (await connection.execute(query.with_for_update())).all()
            values = {"state": state, "state_at": now, "until": until}
            await connection.execute(sa.update(FINDINGS).where(some).values(values))
            events = [
                {"finding": id, "at": now, "who": who, "was": before, "became": state, "text": full_text}
                for id, before in was
            ]
            if events:
                await connection.execute(sa.insert(FINDING_EVENTS), events)
            changed += len(events)
    return changed


async def note(store: Store, id: int, who: str, text: str, *, now: datetime) -> FindingEvent:
    """Add a note to a finding's history; its state stays. Raises like `change`."""
    who, text = _who(who), _text(text)
    if not text:
        raise StateRefused("A note needs a text.")
    async with store.writing() as connection:
        state = await _state(connection, id)
        return await _record(connection, id, FindingEvent(now, who, state, state, text))


# ---- what may be said ----


def _judge(state: str, text: str, until: datetime | None, now: datetime) -> None:
    if state not in DECLARED:
        known = ", ".join(DECLARED)
        hint = " The shim itself sees what is verified." if state in get_args(FindingState) else ""
        raise StateRefused(f"A finding can be {known}.{hint}")
    if state == "ignored" and not text:
        raise StateRefused("Ignoring needs a reason: say why it does not matter.")
    if until is not None and state != "ignored":
        raise StateRefused("Only ignoring has an end.")
    if until is not None and until.tzinfo is None:
        raise StateRefused("The end needs a time zone.")
    if until is not None and until <= now:
        raise StateRefused("The end has to lie ahead; without one it is ignored for good.")


def _who(who: str) -> str:
    who = who.strip()
    if not who:
        raise StateRefused("Say who it is that says this.")
    if len(who) > _LONGEST_WHO or _CONTROL.search(who) or "\n" in who:
        raise StateRefused(f"A name is one line of at most {_LONGEST_WHO} characters.")
    return who


def _text(text: str) -> str:
    text = text.replace("\r\n", "\n").strip()
    if len(text) > _LONGEST_TEXT or _CONTROL.search(text):
        raise StateRefused(f"A text has at most {_LONGEST_TEXT} characters, without control characters.")
    return text


# ---- rows ----


async def _state(connection: AsyncConnection, id: int) -> str:
    """The stored state, with the row locked for the rest of the transaction."""
    query = sa.select(FINDINGS.c.state).where(FINDINGS.c.id == id).with_for_update()
    state: str | None = (await connection.execute(query)).scalar_one_or_none()
    if state is None:
        raise StateRefused(f"There is no finding {id}.")
    return state


async def _record(connection: AsyncConnection, id: int, event: FindingEvent) -> FindingEvent:
    row: Mapping[str, object] = {
        "finding": id,
        "at": event.at,
        "who": event.who,
        "was": event.was,
        "became": event.became,
        "text": event.text,
    }
    await connection.execute(sa.insert(FINDING_EVENTS).values(row))
    return event
