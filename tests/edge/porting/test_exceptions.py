"""Exceptions to locks: who answers for one, until when, and that they lift locks and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shim.core.commands.caller import Rung
from shim.edge.porting.exceptions import (
    LONGEST,
    end_exception,
    grant_exception,
    lifted,
    read_exceptions,
)
from shim.edge.porting.ladder import Porting, PortingRefused, history, set_rung
from shim.edge.settings.model import Integration
from shim.edge.store.database import Store

pytest_plugins = ["tests.support.postgres"]

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GET, ADD = "Client.GetClients", "Client.AddClient"
CRM = Integration.model_validate(
    {
        "name": "crm",
        "old": {"username": "crm", "password": "x"},
        "new": {"app_key": "k", "app_secret": "s"},
    }
)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres")() if postgres else f"sqlite:///{tmp_path}/shim.db"
    store = await Store.open(url)
    store._clock = clock
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("rungs", "exception", "expected"),
    [
        ({GET: "locked"}, GET, {GET: "v3"}),
        ({GET: "locked", ADD: "locked"}, GET, {GET: "v3", ADD: "locked"}),
        ({"*": "locked"}, GET, {"*": "locked", GET: "v3"}),
        ({"Client.*": "locked"}, GET, {"Client.*": "locked", GET: "v3"}),
        ({GET: "locked", "*": "locked"}, "*", {GET: "v3", "*": "v3"}),
        ({GET: "locked", "Report.*": "locked"}, "Client.*", {GET: "v3", "Report.*": "locked"}),
        ({GET: "compare", "*": "locked"}, GET, {GET: "compare", "*": "locked"}),
        ({GET: "compare"}, "*", {GET: "compare"}),
        ({}, GET, {}),
    ],
)
def test_an_exception_lifts_the_locks_that_it_takes_in_and_nothing_else(
    rungs: Mapping[str, Rung], exception: str, expected: Mapping[str, Rung]
) -> None:
    assert lifted(rungs, [exception]) == expected


async def test_it_ends_by_itself(store: Store, clock: Clock) -> None:
    await set_rung(store, "crm", "*", "locked", "ann")
    made = await grant_exception(store, "crm", GET, "Billing", "Release slips", NOON + HOUR, "nora")
    porting = Porting(store)
    await porting.refresh()
    assert porting.rungs(CRM) == {"*": "locked", GET: "v3"}
    other = CRM.model_copy(update={"name": "other"})
    assert porting.rungs(other) == {}
    assert await read_exceptions(store, "crm") == [made]
    assert await read_exceptions(store, "other") == []
    clock.now += HOUR
    assert porting.rungs(CRM) == {"*": "locked"}, "without reading anew"
    assert await read_exceptions(store) == []
    assert await read_exceptions(store, everything=True) == [made]
    assert await end_exception(store, made.id, "nora") is None


async def test_it_can_be_ended_before_and_both_stand_in_the_history(store: Store) -> None:
    await set_rung(store, "crm", GET, "locked", "ann")
    made = await grant_exception(store, "crm", GET, "Billing", "Release slips", NOON + HOUR, "nora")
    assert await end_exception(store, made.id, "bob") is not None
    porting = Porting(store)
    await porting.refresh()
    assert porting.rungs(CRM) == {GET: "locked"}
    told = [(each.who, each.was, each.became, each.text) for each in await history(store, "crm")]
    assert told[:2] == [
        ("bob", "exception", "locked", "ended"),
        ("nora", "locked", "exception", "Billing, until 2026-02-01 13:00 UTC: Release slips"),
    ]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"owner": " "}, "an owner"),
        ({"reason": ""}, "a reason"),
        ({"until": NOON}, "in the future"),
        ({"until": NOON + LONGEST + HOUR}, "90 days at most"),
        ({"operation": "Client.Nothing"}, "there is no Client.Nothing"),
        ({"owner": "a\nb"}, "one line each"),
    ],
)
async def test_without_owner_reason_and_end_there_is_none(
    store: Store, changes: dict[str, object], problem: str
) -> None:
    given = {"operation": GET, "owner": "Billing", "reason": "Slips", "until": NOON + HOUR, **changes}
    with pytest.raises(PortingRefused, match=problem):
        await grant_exception(store, "crm", who="nora", **given)  # type: ignore[arg-type]
    assert await read_exceptions(store, everything=True) == []
