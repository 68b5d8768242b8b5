"""The life of a finding: every combination of what is stored, and what may be said."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa

from shim.edge.deprecation.tables import FINDING_EVENTS, FINDINGS, still_open
from shim.edge.store.database import Store
from shim.review.reading import finding_queries, states
from shim.review.reading.model import FindingFilter
from shim.review.reading.states import DECLARED, OPEN, StateRefused, change, effective, note
from tests.review.world import NOW, Builder

pytest_plugins = ["tests.support.postgres"]

SAID = NOW - timedelta(days=3)
"""When the state was declared."""
HOUR = timedelta(hours=1)
UNTIL = {"none": None, "past": NOW - HOUR, "now": NOW, "ahead": NOW + HOUR}
SEEN = {"before": SAID - HOUR, "same": SAID, "after": SAID + HOUR}
USED = {"never": None, "before": SAID - HOUR, "same": SAID, "after": SAID + HOUR}
STATES = (*DECLARED, "verified", "of a later version")

IGNORED = {"none": "ignored", "past": "new", "now": "new", "ahead": "ignored"}
FIXED = {
    ("before", "never"): "fixed",
    ("before", "before"): "fixed",
    ("before", "same"): "fixed",
    ("before", "after"): "verified",
    ("same", "never"): "fixed",
    ("same", "before"): "fixed",
    ("same", "same"): "fixed",
    ("same", "after"): "verified",
    ("after", "never"): "new",
    ("after", "before"): "new",
    ("after", "same"): "new",
    ("after", "after"): "new",
}


def expected(state: str, until: str, seen: str, used: str) -> str:
    if state == "ignored":
        return IGNORED[until]
    if state == "fixed":
        return FIXED[seen, used]
    return "acknowledged" if state == "acknowledged" else "new"


@pytest.mark.parametrize(("state", "until", "seen", "used"), list(product(STATES, UNTIL, SEEN, USED)))
def test_what_a_state_comes_to(state: str, until: str, seen: str, used: str) -> None:
    found = effective(state, SAID, UNTIL[until], SEEN[seen], USED[used], NOW)
    assert found == expected(state, until, seen, used)


async def test_the_database_judges_openness_alike(empty: Store) -> None:
    combinations = list(product(STATES, UNTIL, SEEN))
    made = Builder()
    for number, (state, until, seen) in enumerate(combinations):
        made.finding(
            "crm", "Client.AddClient", "field-kept", str(number), state=state, state_at=SAID, until=UNTIL[until]
        )
        made.rows[FINDINGS][-1]["last_seen"] = SEEN[seen]
    await made.fill(empty)
    async with empty.reading() as connection:
        found = set((await connection.execute(sa.select(FINDINGS.c.path).where(still_open(NOW)))).scalars())
    wanted = {
        str(number)
        for number, (state, until, seen) in enumerate(combinations)
        if expected(state, until, seen, "never") in OPEN
    }
    assert found == wanted
    rows = await finding_queries.findings(empty, NOW, FindingFilter(open=True))
    assert {each.path for each in rows} == wanted
    rows = await finding_queries.findings(empty, NOW, FindingFilter(open=False))
    assert {each.path for each in rows} == {str(number) for number in range(len(combinations))} - wanted


# ---- what is said ----


async def a_finding(store: Store, **more: Any) -> int:
    made = Builder()
    id = made.finding("crm", "Client.AddClient", "field-kept", "industry", **more)
    made.calls("crm", "Client.AddClient", [1])
    await made.fill(store)
    return id


async def state(store: Store, id: int, now: datetime = NOW) -> str:
    page = await finding_queries.finding(store, now, id)
    assert page is not None
    return page.row.state


async def test_a_life(empty: Store) -> None:
    id = await a_finding(empty)
    told = []
    for minute, (new, text) in enumerate(
        (("acknowledged", ""), ("ignored", "nobody reads it"), ("fixed", "v7"), ("new", "no"))
    ):
        now = NOW + timedelta(minutes=minute)
        await change(empty, id, new, "ann", text, now=now)  # type: ignore[arg-type]
        told.append(await state(empty, id, now))
    assert told == ["acknowledged", "ignored", "fixed", "new"]
    page = await finding_queries.finding(empty, NOW, id)
    assert page is not None
    assert [(each.was, each.became, each.text) for each in page.history] == [
        ("new", "acknowledged", ""),
        ("acknowledged", "ignored", "nobody reads it"),
        ("ignored", "fixed", "v7"),
        ("fixed", "new", "no"),
    ]
    assert [each.at for each in page.history] == [NOW + timedelta(minutes=minute) for minute in range(4)]


async def test_ignored_until_a_time_comes_back_by_itself(empty: Store) -> None:
    id = await a_finding(empty)
    until = NOW + timedelta(days=2)
    await change(empty, id, "ignored", "ann", "till the release", until, now=NOW)
    assert await state(empty, id) == "ignored"
    assert await state(empty, id, until - timedelta(seconds=1)) == "ignored"
    assert await state(empty, id, until) == "new"
    page = await finding_queries.finding(empty, NOW, id)
    assert page is not None
    assert page.row.until == until
    assert page.history[0].text == "till the release (until 2026-03-14 12:00 UTC)"


async def test_saying_something_else_takes_the_end_away(empty: Store) -> None:
    id = await a_finding(empty)
    await change(empty, id, "ignored", "ann", "for now", NOW + timedelta(days=2), now=NOW)
    await change(empty, id, "acknowledged", "bob", now=NOW)
    page = await finding_queries.finding(empty, NOW, id)
    assert page is not None
    assert page.row.until is None


async def test_the_same_is_said_of_many_at_once_or_of_none(store: Store) -> None:
    changed = await states.change_all(
        store, [1, 2, 6, 999], "ignored", "ann", "Not used", NOW + timedelta(days=9), now=NOW
    )
    assert changed == 3
    found = {each.id: each for each in await finding_queries.findings(store, NOW)}
    assert [found[id].state for id in (1, 2, 6)] == ["ignored"] * 3
    assert found[3].state != "ignored"
    page = await finding_queries.finding(store, NOW, 6)
    assert page is not None
    last = page.history[-1]
    assert (last.who, last.was, last.became) == ("ann", "acknowledged", "ignored")
    assert last.text == "Not used (until 2026-03-21 12:00 UTC)"
    with pytest.raises(states.StateRefused, match="reason"):
        await states.change_all(store, [3], "ignored", "ann", now=NOW)


async def test_fixed_is_green_at_once(empty: Store) -> None:
    id = await a_finding(empty)
    await change(empty, id, "fixed", "ann", now=NOW)
    page = await finding_queries.finding(empty, NOW, id)
    assert page is not None
    assert (page.row.state, page.row.open) == ("fixed", False)


async def test_a_note_leaves_the_state_alone(empty: Store) -> None:
    id = await a_finding(empty, state="acknowledged", state_at=SAID)
    await note(empty, id, "bob", "asked the integrator\nagain", now=NOW)
    page = await finding_queries.finding(empty, NOW, id)
    assert page is not None
    assert (page.row.state, page.row.state_at) == ("acknowledged", SAID)
    [event] = page.history
    assert (event.was, event.became, event.who, event.text) == (
        "acknowledged",
        "acknowledged",
        "bob",
        "asked the integrator\nagain",
    )


async def test_of_changes_at_the_same_time_the_last_holds_and_all_are_told(empty: Store) -> None:
    id = await a_finding(empty)
    await asyncio.gather(
        *(change(empty, id, "ignored", f"who{number}", f"because {number}", now=NOW) for number in range(8)),
        *(change(empty, id, "acknowledged", f"who{number}", now=NOW) for number in range(8, 12)),
        note(empty, id, "who12", "a note", now=NOW),
    )
    page = await finding_queries.finding(empty, NOW, id)
    assert page is not None
    assert sorted(each.who for each in page.history) == sorted(f"who{number}" for number in range(13))
    changes = [each for each in page.history if each.who != "who12"]
    assert page.row.state == changes[-1].became
    before = ["new", *(each.became for each in page.history)]
    assert [each.was for each in page.history] == before[:-1], "each saw what the one before it left"


@pytest.mark.parametrize(
    ("new", "who", "text", "until", "told"),
    [
        ("ignored", "ann", "  ", None, "needs a reason"),
        ("ignored", "ann", "why", NOW, "lie ahead"),
        ("ignored", "ann", "why", NOW - HOUR, "lie ahead"),
        ("ignored", "ann", "why", (NOW + HOUR).replace(tzinfo=None), "time zone"),
        ("fixed", "ann", "", NOW + HOUR, "Only ignoring"),
        ("verified", "ann", "", None, "The shim itself sees"),
        ("solved", "ann", "", None, "can be new, acknowledged, ignored, fixed"),
        ("fixed", " ", "", None, "Say who"),
        ("fixed", "a\nb", "", None, "one line"),
        ("fixed", "a" * 201, "", None, "one line"),
        ("fixed", "ann", "x" * 4001, None, "at most 4000"),
        ("fixed", "ann", "\x1b[2J", None, "control characters"),
    ],
)
async def test_what_cannot_be_said(
    empty: Store, new: Any, who: str, text: str, until: datetime | None, told: str
) -> None:
    id = await a_finding(empty)
    with pytest.raises(StateRefused, match=told):
        await change(empty, id, new, who, text, until, now=NOW)
    page = await finding_queries.finding(empty, NOW, id)
    assert page is not None
    assert (page.row.state, page.history) == ("new", ())


async def test_what_is_not_there_cannot_be_changed(empty: Store) -> None:
    with pytest.raises(StateRefused, match="no finding 7"):
        await change(empty, 7, "fixed", "ann", now=NOW)
    with pytest.raises(StateRefused, match="no finding 7"):
        await note(empty, 7, "ann", "hello", now=NOW)
    with pytest.raises(StateRefused, match="needs a text"):
        await note(empty, 7, "ann", " ", now=NOW)
    async with empty.reading() as connection:
        assert (
            await connection.execute(sa.select(sa.func.count()).select_from(FINDING_EVENTS))
        ).scalar_one() == 0
