"""What a call costs the database, counted: the table of docs/scaling.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from shim.edge.store.database import Store
from shim.edge.store.engines import driver_of
from tests.journal.fixture import JournalFixture
from tests.journal.test_calls import ADDING, DELETING, EDITING, Plan, seeded

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
PLANS = {"AddExtension": ADDING, "EditExtension": EDITING, "DelExtension": DELETING}


async def cost(store: Store, plan: Plan) -> tuple[int, int]:
    """Transactions that write, and statements in all, of one call; the delivery of its answer included."""
    fixture = seeded(JournalFixture(store))
    counted = {"begin": 0, "statement": 0}

    def executed(statement: str) -> None:
        counted["begin"] += statement == "BEGIN IMMEDIATE"
        counted["statement"] += not statement.startswith(("BEGIN", "COMMIT", "PRAGMA"))

    def begun(connection: sa.Connection) -> None:
        driver_of(connection).set_trace_callback(executed)

    process = fixture.process()
    *_, engine = store.engines
    sa.event.listen(engine, "begin", begun)
    try:
        outcome = await process.call(plan.operation, plan.fields)
    finally:
        sa.event.remove(engine, "begin", begun)
    assert outcome.fault is None
    return counted["begin"], counted["statement"]


@pytest.mark.parametrize("name", PLANS)
async def test_the_page_says_what_a_call_costs(fixture: JournalFixture, name: str) -> None:
    found = await cost(fixture.store, PLANS[name])
    row = re.search(rf"^\| `{name}` \| (\d+) \| (\d+) \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert row is not None, found
    assert (int(row[1]), int(row[2])) == found
