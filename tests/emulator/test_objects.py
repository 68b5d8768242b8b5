"""Everything else that can be added: it is listed, changed and deleted alike, for every kind of the table."""

from __future__ import annotations

from typing import Any

import pytest

from shim.core.message import Element
from shim.emulator.world.kinds import KINDS
from tests.emulator.caller import Backend

EXTENSION = {"extendedNumber": "0020*001"}
PLAN = {"chargingPlanID": 3}
LIVES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]] = {
    # noun: what is added, who owns it, what is changed, the field of a row that changes
    "CallRulesIn": (
        {"rule": {"busy": {"number": "123"}}},
        EXTENSION,
        {"busy": {"number": "123"}, "status": "0"},
        "status",
    ),
    "CardCode": ({"code": {"code": "1111", "credit": "5"}}, EXTENSION, {"code": "2222"}, "code"),
    "AuthCallerID": ({"CallerID": {"CallerID": "1111"}}, EXTENSION, {"CallerID": "2222"}, "CallerID"),
    "ChargingPlan": ({"name": "Plan"}, {"userID": 21}, {"name": "Another"}, "name"),
    "ChargingPackage": ({"name": "Pack", "minutes": 5}, PLAN, {"minutes": 6}, "minutes"),
    "DestinationException": (
        {"exception": {"areaCode": "49", "charge": {"amount": "1"}}},
        PLAN,
        {"charge": {"amount": "2"}},
        "amount",
    ),
    "Channel": (
        {"SIP": {"name": "Trunk", "codecs": "1"}},
        {},
        {"SIP": {"name": "Other", "codecs": "1"}},
        "name",
    ),
    "ChannelGroup": (
        {"name": "Group", "channelID": ["1"]},
        {},
        {"name": "Group", "channelID": ["1", "2"]},
        "channels",
    ),
    "CallRulesOutGroup": (
        {"name": "Rules", "rules": {"number": "1."}},
        {"userID": 20},
        {"name": "Others"},
        "name",
    ),
    "CustomAlert": ({"code": "a1", "text": "Text"}, {"userID": 20}, {"text": "Other"}, "text"),
    "CustomButton": ({"code": "b1", "text": "Text"}, {"userID": 20}, {"text": "Other"}, "text"),
    "TimeIntervalBlock": (
        {"name": "Hours", "timeInterval": {"startTime": "08:00:00"}},
        {"userID": 20},
        {"name": "Nights"},
        "name",
    ),
    "Device": ({"name": "Phone", "serial": "s1"}, {"ownerID": 20}, {"name": "Other"}, "name"),
}


def rows(kind: str, answer: Element) -> list[Element]:
    return answer.all(KINDS[kind].row)


def listing(kind: str, names: Any) -> str:
    return f"Get{kind}" if f"Get{kind}" in names else f"Get{kind}s"


def known(backend: Backend, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Those parameters that a request has a place for."""
    kind = backend.interface.by_input[name].input.complex
    return {each: value for each, value in parameters.items() if kind and each in kind.slots}


def edited(backend: Backend, kind: str, key: str) -> dict[str, Any]:
    _, owner, change, _ = LIVES[kind]
    own, name = KINDS[kind], f"Edit{kind}"
    where = known(backend, name, owner)
    if own.item and not known(backend, name, {own.edit_key: key}):
        return {**where, own.item: {own.edit_key: key, **change}}
    return {**where, own.edit_key: key, **change}


@pytest.mark.parametrize("kind", LIVES)
async def test_a_life(backend: Backend, kind: str) -> None:
    given, owner, _, field = LIVES[kind]
    own = KINDS[kind]
    lists = listing(kind, backend.interface.by_input)
    asked = known(backend, lists, owner)
    before = len(rows(kind, await backend.call(lists, **asked)))
    added = await backend.call(f"Add{kind}", **given, **owner)
    key = added.get("ID") or added.get(own.key) or ""
    first = rows(kind, await backend.call(lists, **asked))
    assert len(first) == before + 1
    assert first[-1].get(own.key) == key
    await backend.call(f"Edit{kind}", **edited(backend, kind, key))
    then = rows(kind, await backend.call(lists, **asked))[-1]
    was, now = dict(first[-1].leaves()), dict(then.leaves())
    assert {name for name in was | now if was.get(name) != now.get(name)} == {field}
    where = known(backend, f"Del{kind}", owner)
    gone = await backend.call(f"Del{kind}", **{**where, own.del_key: [key, "999"]})
    assert (gone.get("items"), gone.get("result")) == ("1", "partial")
    assert len(rows(kind, await backend.call(lists, **asked))) == before
    await backend.refused("100", f"Del{kind}", **{**where, own.del_key: key})
    await backend.refused("100", f"Edit{kind}", **edited(backend, kind, key))


def test_every_kind_is_lived() -> None:
    nested = {"CallRulesOut", "TimeInterval", "PublicNo", "Template"}
    assert set(LIVES) == set(KINDS) - nested


async def test_rules_of_a_group(backend: Backend) -> None:
    group = await backend.call(
        "AddCallRulesOutGroup", "northwind", name="G", rules=[{"number": "1."}, {"number": "2."}]
    )
    where = group.get("ID")
    more = await backend.call("AddCallRulesOut", "northwind", ID=where, rules={"number": "3."})
    await backend.call(
        "EditCallRulesOutGroup",
        "northwind",
        ID=where,
        changeOrder=["3", "1"],
        ruleStatus={"ruleID": "2", "status": "0"},
    )
    found = await backend.call("GetCallRulesOut", "northwind", ID=where)
    assert (found.get("ID"), found.get("name"), found.get("userID")) == (where, "G", "20")
    shown = [(each.get("number"), each.get("status")) for each in found.all("rules")]
    assert shown == [("3.", "true"), ("1.", "true"), ("2.", "0")]
    (row,) = (await backend.call("GetCallRulesOutGroup", userID=20)).all("rulesGroup")
    assert row.get("rulesNo") == "3"
    await backend.call("DelCallRulesOut", rulesGroupID=where, ID=more.get("ID"))
    await backend.refused("100", "DelCallRulesOut", "contoso", rulesGroupID=where, ID="1")
    await backend.call("DelCallRulesOutGroup", ID=where)
    assert not backend.world.kept("CallRulesOut")


async def test_intervals_of_a_block(backend: Backend) -> None:
    block = await backend.call(
        "AddTimeIntervalBlock",
        name="Hours",
        userLogin="northwind",
        timeInterval={"startTime": "08:00:00", "endTime": "12:00:00"},
    )
    where = block.get("ID")
    added = await backend.call("AddTimeInterval", ID=where, timeInterval={"startTime": "13:00:00"})
    await backend.call("EditTimeInterval", ID=where, intervalID=added.get("ID"), endTime="17:00:00")
    found = await backend.call("GetTimeIntervals", ID=where)
    shown = [(each.get("startTime"), each.get("endTime")) for each in found.all("timeInterval")]
    assert shown == [("08:00:00", "12:00:00"), ("13:00:00", "17:00:00")]
    assert (found.get("name"), found.get("userID")) == ("Hours", "20")
    await backend.call("DelTimeInterval", ID=where, intervalID=["1", "2"])
    (row,) = (await backend.call("GetTimeIntervalBlocks", userID=20)).all("timeIntervalBlock")
    assert row.get("intervals") == "0"


async def test_rules_in_can_be_put_into_another_order(backend: Backend) -> None:
    rules = [{"busy": {"number": "1"}}, {"hangup": {"number": "2"}}]
    await backend.call("AddCallRulesIn", rule=rules, **EXTENSION)
    await backend.call("EditCallRulesIn", order=["2", "1"], **EXTENSION)
    found = await backend.call("GetCallRulesIn", **EXTENSION)
    assert [each.get("ruleID") for each in found.all("rules")] == ["2", "1"]
    change = {"ruleID": "1", "congestion": {"number": "3"}}
    await backend.call("EditCallRulesIn", rule=change, **EXTENSION)
    found = await backend.call("GetCallRulesIn", **EXTENSION)
    assert {each.name for each in found.all("rules")[1].children} == {"congestion", "ruleID", "status"}


async def test_plans_belong_to_accounts(backend: Backend) -> None:
    plans = (await backend.call("GetChargingPlans", userID=10)).all("chargingPlan")
    assert [(each.get("ID"), each.get("userName")) for each in plans] == [("1", "Anna Acme")]
    mine = (await backend.call("GetChargingPlans", "acme")).all("chargingPlan")
    assert [each.get("ID") for each in mine] == ["1", "3", "4"]
    assert not (await backend.call("GetChargingPlans", filter="nothing like it")).all("chargingPlan")
    added = await backend.call(
        "AddChargingPlan", "northwind", name="Mine", exception={"areaCode": "44"}, chargeOut=30
    )
    details = await backend.call("GetChargingPlanDetails", identifier=added.get("identifier"))
    assert (details.get("chargingPlan/userID"), details.get("chargingPlan/chargeOut")) == ("20", "30")
    exceptions = await backend.call("GetDestinationExceptions", chargingPlanID=added.get("ID"))
    assert [each.get("areaCode") for each in exceptions.all("exception")] == ["44"]
    user = await backend.call("AddUser", "northwind", name="U", login="u", chargingPlanID=added.get("ID"))
    details = await backend.call("GetUserDetails", ID=user.get("ID"))
    assert details.get("chargingPlan") == "Mine"
    await backend.refused("100", "GetChargingPlanDetails", "contoso", ID=added.get("ID"))
    await backend.refused("258", "AddChargingPackage", name="P", chargingPlanID=999)
    await backend.refused("117", "AddChargingPlan", "northwind", chargeOut=30)
    await backend.call("SetOrganizationPL", ID=20, chargingPlanManag="0")
    await backend.refused("520", "AddChargingPlan", "northwind", name="More")


async def test_credit_adds_up(backend: Backend) -> None:
    await backend.call("Recharge", userID=30, credit={"creditOut": "5", "creditIn": "1"})
    await backend.call("Recharge", userID=30, credit={"creditOut": "2.5"})
    await backend.call("Recharge", userID=30, limit={"limitOut": "1", "monthly": "1"})
    found = await backend.call("GetRecharges", userID=30)
    assert (found.get("recharge/currentOut"), found.get("recharge/currentIn")) == ("8.5", "1")
    assert (await backend.call("DelMonthlyLimit", userID=30)).get("items") == "1"
    await backend.call("AddCardCode", code={"code": "1", "credit": "5"}, **EXTENSION)
    await backend.call("AddCardCodeCredit", codeCredit={"ID": 1, "credit": "2"}, **EXTENSION)
    (row,) = (await backend.call("GetCardCode", ID=1)).all("code")
    assert (row.get("recharges"), row.get("availableCredit"), row.get("credit")) == ("1", "7", "5")
    history = await backend.call("GetCardCodeRecharges", ID=1)
    assert [each.get("credit") for each in history.all("recharge")] == ["2"]
    await backend.refused(
        "100", "AddCardCodeCredit", codeCredit={"ID": 1, "credit": "2"}, extendedNumber="0020*002"
    )


async def test_only_the_administrator_has_channels(backend: Backend) -> None:
    await backend.refused("520", "AddChannel", "acme", SIP={"name": "T", "codecs": "1"})
    assert (await backend.call("GetChannels", "acme")).all("channel")


async def test_templates_by_level(backend: Backend) -> None:
    found = (await backend.call("GetTemplates", userLevel="extension")).all("template")
    assert [(each.get("ID"), each.get("extensionType")) for each in found] == [("4", "term")]
    assert [each.get("ID") for each in (await backend.call("GetTemplates", ID=2)).all("template")] == ["2"]
    assert len((await backend.call("GetTemplates", "nw001")).all("template")) == 4


async def test_codes_are_unique(backend: Backend) -> None:
    await backend.call("AddCustomButton", "northwind", code="x", text="T")
    await backend.refused("200", "AddCustomButton", "northwind", code="x", text="T")
    await backend.call("SetCustomButtonStatus", "northwind", code="x", status="0")
    (row,) = (await backend.call("GetCustomButtons", userID=20)).all("button")
    assert (row.get("code"), row.get("status")) == ("x", "0")


DESK = {"extendedNumber": "0020*001", "line": "1"}


async def test_a_device_is_shown_with_names_and_with_what_there_still_is(backend: Backend) -> None:
    await backend.call(
        "AddDevice",
        "acme",
        serial="s1",
        phoneModel="generic-sip",
        firmware="generic-sip-1",
        phoneMAC="00:11:22:33:44:55",
        timezoneID="2",
        status="false",
        assignedOrganizationID=21,
        assignedExtensions=[DESK, {"extendedNumber": "0020*002"}],
    )
    (row,) = (await backend.call("GetDevices", "acme")).all("devices")
    shown = [row.get(each) for each in ("model", "firmware", "mac", "timezone", "status", "ownerID")]
    assert shown == ["Generic SIP phone", "1.0", "00:11:22:33:44:55", "America/New_York", "0", "10"]
    assert [each.get("number") for each in row.all("assignedExtensions")] == ["001", "002"]
    await backend.call("DelExtension", extendedNumber="0020*001")
    await backend.call("DelOrganization", "acme", ID=21)
    (row,) = (await backend.call("GetDevices", "acme")).all("devices")
    assert [each.get("extendedNumber") for each in row.all("assignedExtensions")] == ["0020*002"]
    assert row.get("assignedOrganizationID") is None


@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("200", {"serial": "s1"}),
        ("117", {"name": "Without a serial number"}),
        ("100", {"serial": "s2", "assignedExtensions": {"extendedNumber": "0020*099"}}),
        ("100", {"serial": "s2", "assignedOrganizationID": 99}),
        ("100", {"serial": "s2", "assignedOrganizationID": 30}),
    ],
)
async def test_devices_are_for_what_there_is(backend: Backend, code: str, parameters: dict[str, Any]) -> None:
    await backend.call("AddDevice", "acme", serial="s1")
    await backend.refused(code, "AddDevice", "acme", **parameters)
    assert len((await backend.call("GetDevices", "acme")).all("devices")) == 1


async def test_extensions_of_others_are_on_nobodys_device(backend: Backend) -> None:
    made = await backend.call("AddDevice", "fabrikam", serial="s1")
    await backend.refused("100", "AddDevice", "fabrikam", serial="s2", assignedExtensions=DESK)
    where = made.get("deviceID")
    await backend.refused("100", "EditDevice", "fabrikam", deviceID=where, assignedExtensions=DESK)
    await backend.call("EditDevice", "fabrikam", deviceID=where, serial="s1", name="Same serial number")


async def test_a_template_says_how_many_use_it(backend: Backend) -> None:
    async def users() -> dict[str | None, str | None]:
        found = await backend.call("GetTemplates", "northwind", userID=20)
        return {each.get("name"): each.get("users") for each in found.all("template")}

    assert await users() == {"User": "0", "Phone terminal": "0"}
    person = {"name": "P", "login": "p1", "password": "Pass-2025", "country": "us"}
    made = await backend.call("AddUser", "northwind", parentID=20, templateID=3, **person)
    assert await users() == {"User": "1", "Phone terminal": "0"}
    phone = {"parentID": made.get("ID"), "label": "L", "templateID": 4}
    number = (await backend.call("AddExtension", "northwind", **phone)).get("extendedNumber")
    assert await users() == {"User": "1", "Phone terminal": "1"}
    await backend.call("DelExtension", "northwind", extendedNumber=number)
    assert await users() == {"User": "1", "Phone terminal": "0"}


async def test_a_device_moves_to_the_owner_that_an_edit_names(backend: Backend) -> None:
    where = (await backend.call("AddDevice", "acme", name="Phone", serial="s1", ownerID=20)).get("deviceID")
    await backend.call("EditDevice", "acme", deviceID=where, serial="s1", ownerID=21)
    (row,) = (await backend.call("GetDevices", "acme")).all("devices")
    assert row.get("ownerID") == "21"


async def test_every_channel_tells_what_every_channel_has(backend: Backend) -> None:
    await backend.call("AddChannel", type="sip", SIP={"name": "Trunk", "hostname": "192.0.2.9", "codecs": "1"})
    for row in (await backend.call("GetChannels")).all("channel"):
        assert (row.get("type"), row.get("paid"), row.get("flow")) == ("sip", "false", "both")


async def test_one_plan_of_an_owner_is_the_default_and_new_accounts_get_it(backend: Backend) -> None:
    async def marked() -> list[str | None]:
        found = (await backend.call("GetChargingPlans", userID=20)).all("chargingPlan")
        return [each.get("name") for each in found if each.get("default") in ("1", "true")]

    first = await backend.call("AddChargingPlan", userID=20, name="First", default="1")
    assert await marked() == ["First"]
    await backend.call("AddChargingPlan", userID=20, name="Second", default="true")
    assert await marked() == ["Second"]
    only = await backend.call("GetChargingPlans", userID=20, default="1", filter="First")
    assert [each.get("name") for each in only.all("chargingPlan")] == ["Second"]
    user = await backend.call("AddUser", "northwind", name="U", login="u")
    assert (await backend.call("GetUserDetails", ID=user.get("ID"))).get("chargingPlan") == "Second"
    await backend.call("EditChargingPlan", ID=first.get("ID"), name="First", default="1")
    assert await marked() == ["First"]


async def test_one_group_of_routing_rules_is_the_default(backend: Backend) -> None:
    for name in ("A", "B"):
        await backend.call("AddCallRulesOutGroup", userID=20, name=name, default="1", rules={"number": "1."})
    found = (await backend.call("GetCallRulesOutGroup", userID=20)).all("rulesGroup")
    assert [(each.get("name"), each.get("default")) for each in found] == [("A", "false"), ("B", "1")]
