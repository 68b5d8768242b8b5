"""Journal entries that earlier releases left behind: this one finishes or undoes them.

Each file in `releases` holds what a release left when it was killed at each boundary of each journalled call:
the whole store as SQL, and the v3 calls that had been made by then. RECORD_RELEASE=1 writes the file of this
release anew, which is done once for a release, before it is tagged.
"""

from __future__ import annotations

import gzip
import json
import os
import sqlite3
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from shim.core.commands.backend import Answer, Call
from shim.edge.backend.client import Heard
from shim.edge.journal.tables import FORM
from shim.edge.settings.model import Integration
from shim.edge.store.database import Store
from tests.journal.fixture import JournalFixture, Killed
from tests.journal.test_calls import ending, seeded
from tests.journal.test_crashes import CASES, MOST

FOLDER = Path(__file__).parent / "releases"
TOKEN = "the-token"
Left = dict[str, Any]


def spied(fixture: JournalFixture) -> list[Any]:
    """The v3 calls that are made from now on: operation, action, path and message."""
    made: list[Any] = []
    forward, of = fixture.backend.forward, fixture.trouble.of

    async def noting(call: Call, integration: Integration, heard: Heard = None) -> Answer:
        actions: list[str | None] = []

        def noted(operation: str) -> str | None:
            action = of(operation)
            actions.append(action)
            made.append([operation, action, call.endpoint, call.envelope(TOKEN).decode()])
            return action

        fixture.trouble.of = noted  # type: ignore[method-assign]
        return await forward(call, integration, heard)

    fixture.backend.forward = noting  # type: ignore[method-assign]
    return made


def replayed(fixture: JournalFixture, made: list[Any]) -> None:
    """Let the same v3 calls take effect."""
    token = fixture.world.issue_token("admin-key", 10**9)
    for operation, action, endpoint, message in made:
        if action == "away":
            continue
        if action is not None:
            fixture.world.interfere(operation, action)
        fixture.backend._server._serve(endpoint, message.replace(TOKEN, token).encode(), "text/xml")


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [each for each in connection.iterdump() if each not in ("BEGIN TRANSACTION;", "COMMIT;")]


async def left_behind(folder: Path) -> list[Left]:
    """All stores with an entry under way, without repeats of the same state."""
    found: dict[str, Left] = {}
    for name, (plan, actions) in CASES.items():
        for kill in range(MOST):
            path = folder / f"{name}-{kill}.db"
            store = await Store.open(f"sqlite:///{path}", journal_mode="delete")
            fixture = seeded(JournalFixture(store))
            fixture.trouble.actions, fixture.trouble.kill_at = dict(actions), [kill]
            made = spied(fixture)
            try:
                await fixture.process().call(plan.operation, plan.fields)
            except Killed:
                entries = await fixture.process().journal.entries("running", "undoing")
                steps = [[(each.name, each.state) for each in entry.steps] for entry in entries]
                state = json.dumps([name, [each.state for each in entries], steps, len(made)])
                await store.close()
                if entries and state not in found:
                    found[state] = {"case": name, "kill": kill, "calls": made, "store": dump(path)}
            else:
                await store.close()
                break
    return list(found.values())


def packed(left: list[Left]) -> bytes:
    """Statements are the same in most stores: each is kept once."""
    statements = sorted({each for one in left for each in one["store"]})
    number = {each: index for index, each in enumerate(statements)}
    plain = [{**one, "store": [number[each] for each in one["store"]]} for one in left]
    return gzip.compress(json.dumps({"statements": statements, "left": plain}).encode(), mtime=0)


def unpacked(path: Path) -> list[Left]:
    told = json.loads(gzip.decompress(path.read_bytes()))
    return [{**one, "store": [told["statements"][each] for each in one["store"]]} for one in told["left"]]


def files() -> list[Path]:
    return sorted(FOLDER.glob("*.json.gz"))


@pytest.mark.skipif(not os.environ.get("RECORD_RELEASE"), reason="RECORD_RELEASE=1 records this release")
async def test_record(tmp_path: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{version('systemapi-shim')}.json.gz").write_bytes(packed(await left_behind(tmp_path)))


def test_this_release_is_recorded() -> None:
    assert f"{version('systemapi-shim')}.json.gz" in {path.name for path in files()}


@pytest.mark.slow
@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
@pytest.mark.parametrize("name", CASES)
async def test_what_a_release_left_behind_is_ended(path: Path, name: str, tmp_path: Path) -> None:
    cases = [each for each in unpacked(path) if each["case"] == name]
    assert len(cases) >= 3
    ends = []
    for number, left in enumerate(cases):
        at = tmp_path / f"{number}.db"
        with closing(sqlite3.connect(at)) as connection:
            connection.executescript("\n".join(left["store"]))
        store = await Store.open(f"sqlite:///{at}", journal_mode="delete")
        fixture = seeded(JournalFixture(store))
        replayed(fixture, left["calls"])
        results = await fixture.recover()
        assert results, "nothing was under way"
        ends.append(await ending(fixture, CASES[name][0], None))
        await store.close()
    assert set(ends) <= {"all done", "nothing done"}


async def test_what_a_newer_release_left_is_left_to_it(fixture: JournalFixture) -> None:
    seeded(fixture)
    fixture.trouble.kill_at = [8]
    plan = CASES["add"][0]
    with pytest.raises(Killed):
        await fixture.process().call(plan.operation, plan.fields)
    [entry] = await fixture.process().journal.entries("running")
    async with fixture.store.writing() as connection:
        newer = f"""UPDATE journal_steps SET data = '{{"form":{FORM + 1},"calls":[]}}'"""
        await connection.exec_driver_sql(newer)
    before = await fixture.text()
    process = fixture.process()
    await process.journal.release()
    left = await fixture.text()
    assert await process.recovery.sweep() == []
    assert await process.recovery.sweep() == []
    assert await fixture.text() == left
    assert f'"form":{FORM + 1}' in before
    [same] = await process.journal.entries("running")
    assert (same.id, same.epoch, same.newer) == (entry.id, entry.epoch, True)
