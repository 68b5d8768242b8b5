"""Single Adds of things that are no accounts: what was added is found again, or taken back."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from shim.core.journal.single_add import Traced
from shim.core.message import Element
from shim.edge.journal.tables import ENTRIES
from shim.edge.store.database import Store
from tests.journal.fixture import DECLARED, TRACED, JournalFixture, Killed, catalogue
from translations.shared import traces

Fields = list[tuple[str, str]]
TIME = [("timeInterval/startTime", "08:00:00"), ("timeInterval/endTime", "09:00:00")]
# fmt: off
ADDS: dict[str, tuple[str, Fields]] = {
    "AddChannel": ("Channel", [
        ("type", "sip"), ("SIP/name", "Trunk"), ("SIP/hostname", "10.0.0.1"), ("SIP/inviteIP", "10.0.0.1"),
        ("SIP/login", "trunk"), ("SIP/password", "Secret-1"), ("SIP/concurentCalls", "30"), ("SIP/paid", "1"),
        ("SIP/flow", "both"), ("SIP/qualify", "2000"), ("SIP/codecs", "1"),
    ]),
    "AddChannelGroup": ("ChannelGroup", [("name", "Abroad")]),
    "AddPublicNo": ("PublicNo", [
        ("publicNo/phoneNo", "445550199"), ("publicNo/did", "199"), ("publicNo/channelID", "2"),
    ]),
    "AddCallRulesOutGroup": ("CallRulesOutGroup", [
        ("name", "World"), ("userID", "20"), ("rules/action", "process"), ("rules/number", "00XN."),
        ("rules/channelID", "2"), ("rules/prefixOperation", "substract"), ("rules/digits", "2"),
        ("rules/position", "1"), ("rules/final", "1"),
    ]),
    "AddChargingPlan": ("ChargingPlan", [("name", "Night"), ("userID", "10")]),
    "AddChargingPackage": (
        "ChargingPackage",
        [("name", "Hundred"), ("minutes", "100"), ("chargingPlanID", "3")],
    ),
    "AddDestinationException": (
        "DestinationException",
        [("chargingPlanID", "3"), ("exception/areaCode", "4479"), ("exception/description", "Mobiles")],
    ),
    "AddCardCode": ("CardCode", [("userID", "31"), ("code/code", "5501234"), ("code/PIN", "1234")]),
    "AddAuthCallerID": ("AuthCallerID", [("userID", "31"), ("CallerID/CallerID", "445550111")]),
    "AddTimeIntervalBlock": ("TimeIntervalBlock", [("name", "Lunch"), ("userID", "20"), *TIME]),
    "AddCustomButton": ("CustomButton", [("code", "901"), ("text", "Shop"), ("userID", "20")]),
    "AddCustomAlert": ("CustomAlert", [("code", "902"), ("text", "Bill due"), ("userID", "20")]),
    "AddDevice": ("Device", [("name", "Hall"), ("serial", "SN-771"), ("ownerID", "20")]),
}
# fmt: on
"""The emulator's name of what is added, and a request."""
TELLS_AN_ID = tuple(name for name in ADDS if name not in ("AddCustomButton", "AddCustomAlert"))
TROUBLES = ("fault:520", "away", "drop", "drop-after", "late:0", "later", "half", "garbage")


@pytest.fixture
def fixture(store: Store) -> JournalFixture:
    return JournalFixture(store)


def there(fixture: JournalFixture, name: str) -> set[Any]:
    return set(fixture.world.objects.get(ADDS[name][0], {}))


def successor(name: str) -> str:
    found = next(each for each in catalogue().translations.values() if each.old.name == name)
    return found.new.full_name


def test_every_trace_is_declared_and_tried() -> None:
    assert set(ADDS) == set(TRACED)
    declared = {each.name for service in DECLARED.values() for each in service}
    assert set(TRACED) <= declared
    assert len([each for each in vars(traces).values() if isinstance(each, Traced)]) == len(TRACED)


@pytest.mark.parametrize("name", ADDS)
async def test_without_trouble_there_is_one_and_its_id_is_told(fixture: JournalFixture, name: str) -> None:
    before = there(fixture, name)
    outcome = await fixture.process().call(name, ADDS[name][1])
    assert outcome.fault is None, outcome.fault.text
    [new] = there(fixture, name) - before
    assert f">{new}<" in (outcome.answer or b"").decode()
    assert await fixture.process().journal.entries("running", "undoing", "paused") == []


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("name", ADDS)
async def test_each_trouble_ends_as_one_that_is_told_or_as_nothing(
    fixture: JournalFixture, name: str, trouble: str
) -> None:
    before = there(fixture, name)
    fixture.trouble.actions[successor(name), 0] = trouble
    outcome = await fixture.process().call(name, ADDS[name][1])
    await fixture.recover()
    fixture.backend.land()
    new = there(fixture, name) - before
    if outcome.fault is None:
        [key] = new
        assert f">{key}<" in (outcome.answer or b"").decode()
    else:
        assert new == set()
    ran = trouble in ("drop-after", "late:0", "half", "garbage")
    assert (outcome.fault is None) == (ran and name in TELLS_AN_ID)
    again = await fixture.process().call(name, ADDS[name][1])
    assert again.fault is None or outcome.fault is None
    assert len(there(fixture, name) - before) in (1, 2)
    assert await fixture.process().journal.entries("running", "undoing", "paused") == []


@pytest.mark.parametrize("name", ADDS)
async def test_killed_at_every_boundary_a_retry_leaves_one_and_tells_its_id(store: Store, name: str) -> None:
    kills = 0
    for event in range(40):
        fixture = JournalFixture(store)
        await fixture.clear()
        before = there(fixture, name)
        fixture.trouble.kill_at = [event]
        try:
            await fixture.process().call(name, ADDS[name][1])
        except Killed:
            kills += 1
        else:
            break
        await fixture.recover()
        assert await fixture.process().journal.entries("running", "undoing", "paused") == []
        again = await fixture.process().call(name, ADDS[name][1])
        assert again.fault is None, (event, again.fault.text)
        [key] = there(fixture, name) - before
        assert f">{key}<" in (again.answer or b"").decode()
    assert 5 < kills < 40


async def test_one_that_others_added_meanwhile_is_never_taken_for_ours(fixture: JournalFixture) -> None:
    name, fields = "AddChannelGroup", ADDS["AddChannelGroup"][1]
    assert (await fixture.process().call(name, fields)).fault is None
    before = there(fixture, name)
    fixture.trouble.actions[successor(name), 1] = "drop"
    outcome = await fixture.process().call(name, fields)
    await fixture.recover()
    assert outcome.fault is not None
    assert there(fixture, name) == before


async def test_several_numbers_at_once_are_not_traced() -> None:
    rows = [
        Element("publicNo", children=[Element("phoneNo", text), Element("channelID", "2")])
        for text in ("445550199", "445550200")
    ]
    assert traces.PUBLIC_NO.probe(Element("AddPublicNo", children=rows)) is None
    assert traces.PUBLIC_NO.probe(Element("AddPublicNo", children=rows[:1])) is not None


async def test_a_card_code_names_no_entry(fixture: JournalFixture) -> None:
    fixture.trouble.actions["Extension.AddCardCode", 0] = "drop"
    await fixture.process().call("AddCardCode", ADDS["AddCardCode"][1])
    async with fixture.store.reading() as connection:
        assert (await connection.execute(sa.select(ENTRIES.c.subject))).scalars().all() == [None]
    await fixture.recover()
    assert "5501234" not in await fixture.text()
