"""The ladder and the brownouts as the edge keeps them: on both engines, in memory, with their history."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from shim.core.commands.caller import Brownout
from shim.core.errors import StoreUnavailable
from shim.edge.deprecation.tables import BROWNOUTS, CALLERS, USAGE
from shim.edge.porting.brownouts import PlannedBrownout, duration, moment, read_brownouts
from shim.edge.porting.ladder import (
    Porting,
    PortingRefused,
    RungChange,
    RungStanding,
    history,
    plan_brownout,
    reset_rung,
    rules,
    set_rung,
    standings,
    stop_brownout,
)
from shim.edge.porting.reach import Hit, Program, reach
from shim.edge.settings.model import Integration
from shim.edge.store.database import Store

pytest_plugins = ["tests.support.postgres"]

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[Store]:
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")()
    else:
        url = f"sqlite:///{tmp_path}/shim.db"
    store = await Store.open(url)
    store._clock = clock
    yield store
    await store.close()


def integration(name: str = "crm", **porting: str) -> Integration:
    login = {"crypted_auth": "x"}
    new = {"app_key": "k", "app_secret": "s"}
    return Integration.model_validate({"name": name, "old": login, "new": new, "porting": porting})


async def plan(store: Store, integration: str = "crm", operation: str = "*", **more: Any) -> PlannedBrownout:
    window = {"starts_at": NOON + HOUR, "ends_at": NOON + 3 * HOUR, "who": "ann", **more}
    return await plan_brownout(store, integration, operation, **window)


async def noticed(porting: Porting, rungs: dict[str, str]) -> None:
    for _ in range(6000):
        if porting.rungs(integration()) == rungs:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"after a minute it still says {porting.rungs(integration())}")


# ---- rungs ----


async def test_a_rung_of_the_store_goes_over_the_configuration_until_it_is_reset(store: Store) -> None:
    crm = integration(**{"Client.GetClients": "v3", "*": "compare"})
    porting = Porting(store)
    await porting.refresh()
    assert porting.caller(crm).rungs == {"Client.GetClients": "v3", "*": "compare"}
    await set_rung(store, "crm", "Client.GetClients", "translate", "ann", "it came back")
    await set_rung(store, "crm", "Client.*", "locked", "bob")
    await set_rung(store, "other", "*", "locked", "bob")
    assert porting.caller(crm).rungs["Client.GetClients"] == "v3"  # nobody has looked yet
    await porting.refresh()
    assert porting.rungs(crm) == {"Client.GetClients": "translate", "Client.*": "locked", "*": "compare"}
    assert porting.rungs(integration("third")) == {}
    assert standings("crm", crm.porting, await rules(store)) == [
        RungStanding("*", "compare", "configuration"),
        RungStanding("Client.*", "locked", "store", "bob", NOON),
        RungStanding("Client.GetClients", "translate", "store", "ann", NOON),
    ]
    assert await reset_rung(store, "crm", "Client.GetClients", "ann", "a mistake")
    assert not await reset_rung(store, "crm", "Client.GetClients", "ann")
    await porting.refresh()
    assert porting.rungs(crm)["Client.GetClients"] == "v3"


async def test_every_change_is_in_the_history_with_who_and_why(store: Store) -> None:
    await set_rung(store, "crm", "*", "compare", "ann")
    await set_rung(store, "crm", "*", "locked", "bob", "all ported")
    await set_rung(store, "other", "*", "v3", "bob")
    await reset_rung(store, "crm", "*", "cid", "not quite")
    planned = await plan(store, text="2.5 ends")
    await stop_brownout(store, planned.id, "cid", "a holiday")
    assert await history(store, "crm") == [
        RungChange(NOON, "cid", "crm", "*", f"brownout {planned.id}", "", "a holiday"),
        RungChange(NOON, "ann", "crm", "*", "", f"brownout {planned.id}", "2.5 ends"),
        RungChange(NOON, "cid", "crm", "*", "locked", "", "not quite"),
        RungChange(NOON, "bob", "crm", "*", "compare", "locked", "all ported"),
        RungChange(NOON, "ann", "crm", "*", "", "compare", ""),
    ]
    assert [each.integration for each in await history(store, most=5)] == ["crm", "crm", "crm", "other", "crm"]


async def test_what_is_no_rung_or_operation_changes_nothing(store: Store) -> None:
    with pytest.raises(PortingRefused, match="translate, compare, v3, locked"):
        await set_rung(store, "crm", "*", "lock", "ann")
    with pytest.raises(PortingRefused, match=r"no Client\.GetClient in 2\.5"):
        await set_rung(store, "crm", "Client.GetClient", "v3", "ann")
    assert (await rules(store), await history(store)) == ([], [])


async def test_changes_of_one_scope_at_once_follow_each_other(store: Store) -> None:
    await asyncio.gather(*(set_rung(store, "crm", "*", "v3", str(n)) for n in range(6)))
    changes = await history(store)
    assert sorted(each.was for each in changes) == ["", *["v3"] * 5]
    assert [each.rung for each in await rules(store)] == ["v3"]


async def test_a_change_is_noticed_by_whoever_runs(store: Store) -> None:
    porting = Porting(store, refresh=0.02)
    await porting.start()
    try:
        await set_rung(store, "crm", "*", "locked", "ann")
        await noticed(porting, {"*": "locked"})
    finally:
        await porting.stop()
    await reset_rung(store, "crm", "*", "ann")
    assert porting.rungs(integration()) == {"*": "locked"}


async def test_while_the_store_is_down_the_last_known_state_counts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_rung(store, "crm", "*", "locked", "ann")
    porting = Porting(store, refresh=0.01)
    await porting.start()

    def down() -> Any:
        raise StoreUnavailable("store-unavailable", "down")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr(store, "reading", down)
        while not logs:  # noqa: ASYNC110  # the next look at the store comes in its own time
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert porting.rungs(integration()) == {"*": "locked"}
    assert [each["reason"] for each in logs if each["log_level"] == "error"] == ["store-unavailable"]
    await set_rung(store, "crm", "*", "v3", "ann")
    await noticed(porting, {"*": "v3"})
    await porting.stop()


# ---- brownouts ----


async def test_a_brownout_holds_in_its_window_and_for_those_it_names(store: Store, clock: Clock) -> None:
    planned = await plan(store, "crm", "Client.*", text="2.5 ends", link="https://example.com/v3")
    of_all = await plan(store, "*", "Reseller.GetResellers", ends_at=NOON + 2 * HOUR)
    porting = Porting(store)
    await porting.refresh()
    assert porting.brownouts("crm") == ()
    clock.now = NOON + HOUR
    told = Brownout(planned.id, "Client.*", "2026-02-01 15:00 UTC", "2.5 ends", "https://example.com/v3")
    all_told = Brownout(of_all.id, "Reseller.GetResellers", "2026-02-01 14:00 UTC")
    assert set(porting.caller(integration()).brownouts) == {told, all_told}
    assert porting.brownouts("other") == (all_told,)
    clock.now = NOON + 2 * HOUR
    assert porting.brownouts("crm") == (told,)
    clock.now = NOON + 3 * HOUR
    assert porting.brownouts("crm") == ()
    assert await read_brownouts(store) == []
    assert [each.state(clock.now) for each in await read_brownouts(store, everything=True)] == ["ended"] * 2


async def test_one_command_stops_all_that_run(store: Store, clock: Clock) -> None:
    running = [await plan(store, starts_at=NOON), await plan(store, "other", starts_at=NOON)]
    later = await plan(store)
    clock.now = NOON + timedelta(seconds=5)
    assert {each.id for each in await stop_brownout(store, None, "bob")} == {each.id for each in running}
    assert await read_brownouts(store) == [later]
    assert await stop_brownout(store, None, "bob") == []
    [cancelled] = await stop_brownout(store, later.id, "bob")
    assert (cancelled.state(clock.now), await read_brownouts(store)) == ("stopped", [])
    assert await stop_brownout(store, later.id, "bob") == []
    assert await stop_brownout(store, "no such", "bob") == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"starts_at": NOON - HOUR}, "in the past"),
        ({"starts_at": NOON - 3 * HOUR, "ends_at": NOON - 2 * HOUR}, "in the past"),
        ({"ends_at": NOON + HOUR}, "ends before it starts"),
        ({"operation": "Client.Nothing"}, "there is no Client.Nothing"),
        ({"text": "x" * 501}, "longer than 500"),
        ({"link": "javascript:alert(1)"}, "no address"),
        ({"link": "https://example.com/<b>"}, "no address"),
    ],
)
async def test_a_window_that_makes_no_sense_is_refused(store: Store, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(PortingRefused, match=said):
        await plan(store, **wrong)
    async with store.reading() as connection:
        assert (await connection.execute(sa.select(BROWNOUTS))).all() == []


def test_times_as_people_write_them() -> None:
    assert moment("now", NOON) == NOON
    for text in ("2026-02-01T12:00Z", "2026-02-01T13:00+01:00", "2026-02-01 12:00:00+00:00"):
        assert moment(text, NOON) == NOON
    for text in ("2026-02-01T12:00", "tomorrow", "12:00Z"):
        with pytest.raises(PortingRefused):
            moment(text, NOON)
    assert [duration(text) for text in ("2h", "90m", "1d", "1h30m")] == [
        2 * HOUR,
        1.5 * HOUR,
        24 * HOUR,
        1.5 * HOUR,
    ]
    for text in ("", "2", "0h", "h", "2h ", "-2h", "PT2H"):
        with pytest.raises(PortingRefused, match="no duration"):
            duration(text)


# ---- who would be hit ----


async def used(store: Store, day: str, integration: str, operation: str, calls: int, side: str = "old") -> None:
    seen = datetime.fromisoformat(f"{day}T08:00Z")
    row = {"day": day, "integration": integration, "side": side, "operation": operation, "calls": calls}
    async with store.writing() as connection:
        await connection.execute(sa.insert(USAGE).values(**row, faults=0, first_seen=seen, last_seen=seen))


async def test_a_dry_run_counts_who_called_in_the_last_days(store: Store) -> None:
    await used(store, "2026-01-20", "crm", "Client.GetClients", 1000)
    await used(store, "2026-01-28", "crm", "Client.GetClients", 30)
    await used(store, "2026-02-01", "crm", "Client.GetClients", 40)
    await used(store, "2026-02-01", "crm", "Client.AddClient", 7)
    await used(store, "2026-02-01", "crm", "Organization.GetOrganizations", 500, "new")
    await used(store, "2026-02-01", "other", "Client.GetClients", 5)
    caller = {"agent": "PHP-SOAP/8.2", "toolkit": "php", "version": "2.5.1", "address": "192.0.2.7"}
    async with store.writing() as connection:
        for name, seen in (("crm", NOON), ("other", NOON), ("crm-old", NOON - timedelta(days=60))):
            row = {**caller, "integration": name, "calls": 9, "first_seen": seen, "last_seen": seen}
            await connection.execute(sa.insert(CALLERS).values(row))
    found = await reach(store, "crm", "Client.*", 7)
    assert (found.since.isoformat(), found.until.isoformat()) == ("2026-01-26", "2026-02-01")
    first = datetime(2026, 2, 1, 8, tzinfo=UTC)
    assert found.hits == (
        Hit("crm", "Client.GetClients", 2, 70, first),
        Hit("crm", "Client.AddClient", 1, 7, first),
    )
    assert found.programs == (Program("crm", "PHP-SOAP/8.2", "192.0.2.7", 9, NOON),)
    assert found.expected(found.hits[0], 12 * HOUR) == pytest.approx(5)
    everybody = await reach(store, "*", "Client.GetClients", 7)
    assert [(each.integration, each.calls) for each in everybody.hits] == [("crm", 70), ("other", 5)]
    nobody = await reach(store, "crm", "Reseller.*", 7)
    assert (nobody.hits, nobody.programs) == ((), ())


async def test_a_dry_run_looks_no_further_back_than_the_log_goes(store: Store) -> None:
    assert (await reach(store, "*", "*", 7)).since == NOON.date()
    await used(store, "2026-01-31", "crm", "Client.GetClients", 48)
    found = await reach(store, "*", "*", 30)
    assert found.since.isoformat() == "2026-01-31"
    assert found.expected(found.hits[0], 2 * HOUR) == pytest.approx(2)
