"""Reading the deprecation log: an overview, a scorecard and findings of many busy integrations.

Every integration calls every operation every day, and has two findings for each. `cold` is straight from the
database, where the days that are over are added up; `by days` is where they are not, as in the first minutes of
a day. `add up` is what the shim does once a day.

    python -m bench.report [--integrations 200] [--operations 100] [--days 90] [--store URL]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from shim.core.findings import KINDS
from shim.edge.catalogue import catalogue
from shim.edge.deprecation.closed import add_up
from shim.edge.deprecation.tables import FINDINGS, USAGE
from shim.edge.memory import when_it_stands
from shim.edge.settings.load import Config
from shim.edge.store.database import Store
from shim.review.reading import finding_queries, queries
from shim.review.reading.model import FindingFilter

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
CODES = (("field-kept", "new"), ("field-dropped", "acknowledged"))
CONFIG = Config.model_validate({"backend": {"url": "http://backend.invalid"}})


async def fill(store: Store, names: list[str], operations: list[str], days: int) -> None:
    for ago in range(days):
        seen = NOW - timedelta(days=ago)
        common = {"day": seen.date().isoformat(), "side": "old", "calls": 10, "faults": 0}
        rows: list[dict[str, Any]] = [
            {**common, "integration": name, "operation": each, "first_seen": seen, "last_seen": seen}
            for name in names
            for each in operations
        ]
        async with store.writing() as connection:
            await connection.execute(sa.insert(USAGE), rows)
    common = {"path": "x", "because": "", "count": 3, "first_seen": NOW, "last_seen": NOW, "state_at": NOW}
    rows = [
        {**common, "integration": name, "operation": each, "code": code, "state": state}
        | {"severity": KINDS[code].severity}
        for name in names
        for each in operations
        for code, state in CODES
    ]
    async with store.writing() as connection:
        await connection.execute(sa.insert(FINDINGS), rows)


async def measure(url: str, integrations: int, count: int, days: int, as_json: bool = False) -> None:
    compiled = catalogue()
    when_it_stands()
    names = [f"integration-{number}" for number in range(integrations)]
    store = await Store.open(url, clock=lambda: NOW)
    one = FindingFilter(integration=names[0])

    async def overview() -> object:
        return await queries.Review(store, compiled, CONFIG).overview(NOW, days)

    asked: tuple[tuple[str, Callable[[], Awaitable[object]]], ...] = (
        ("overview, by days", overview),
        ("add up", lambda: add_up(store)),
        ("overview, cold", overview),
        ("scorecard", lambda: queries.Review(store, compiled, CONFIG).scorecard(NOW, names[0], days)),
        ("findings of one", lambda: finding_queries.findings(store, NOW, one, catalogue=compiled)),
        ("findings of all", lambda: finding_queries.findings(store, NOW, catalogue=compiled)),
    )
    took: dict[str, float] = {}
    try:
        await fill(store, names, list(compiled.translations)[:count], days)
        for what, ask in asked:
            wall, used = time.perf_counter(), time.process_time()
            await ask()
            took[what] = time.process_time() - used
            if not as_json:
                print(f"{what:20} {time.perf_counter() - wall:6.2f} s, {took[what]:6.2f} s CPU")
    finally:
        await store.close()
    if as_json:
        print(json.dumps(took))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--integrations", type=int, default=200)
    options.add_argument("--operations", type=int, default=100)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--store", help="an empty database; a temporary SQLite file by default")
    options.add_argument("--json", action="store_true", help="one line of JSON: seconds of CPU")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.store or f"sqlite:///{folder}/shim.db"
        asyncio.run(measure(url, asked.integrations, asked.operations, asked.days, asked.json))


if __name__ == "__main__":
    main()
