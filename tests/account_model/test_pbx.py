"""What an old client does with the PBX service: what it adds is there, and what it is told goes together."""

from __future__ import annotations

import pytest

from shim.core.message import Element
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import EmulatedApp
from shim.interfaces.load import old
from tests.account_model.driver import ModelFixture, Reply

ADMIN, ACME, NORTHWIND = 1, 10, 20


@pytest.fixture
def fixture() -> ModelFixture:
    """The demo world: northwind has five extensions, a user template and an extension template."""
    world = load_seed()
    for number in list(world.accounts):
        world.apps[str(number)] = EmulatedApp(str(number), "secret", number)
    return ModelFixture(world)


def row(name: str, /, **texts: str | int) -> Element:
    return Element(name, children=[Element(each, str(text)) for each, text in texts.items()])


def pbx(fixture: ModelFixture, name: str, /, *fields: Element, by: int = ACME, **texts: str | int) -> Reply:
    return fixture.call(f"PBX.{name}", *fields, by=by, **texts)


def extension_ids(fixture: ModelFixture) -> dict[str, str]:
    """extensionID by ID, of all extensions of northwind."""
    listed = fixture.call("GetExtensions", parentID=NORTHWIND).rows()
    return {each.get("ID") or "": each.get("extensionID") or "" for each in listed}


# ---- devices ----


def test_a_device_is_listed_with_what_it_was_given(fixture: ModelFixture) -> None:
    ids = extension_ids(fixture)
    lines = [row("assignedExtensions", extensionID=ids["30"], line=1),
             row("assignedExtensions", extensionID=ids["31"], line=2)]  # fmt: skip
    made = pbx(
        fixture, "AddDevice", *lines, name="Desk", serial="S-1", phoneMAC="00:11:22:33:44:55",
        phoneModel="generic-sip", firmware="generic-sip-1", ownerID=ACME, assignedClientID=NORTHWIND,
    )  # fmt: skip
    assert made.get("serial") == "S-1"
    [listed] = pbx(fixture, "GetDevices", userID=ACME).rows("devices")
    texts = ("deviceID", "mac", "model", "firmware", "status", "ownerID", "assignedClientID")
    assert [listed.get(each) for each in texts] == [
        made.get("deviceID"), "00:11:22:33:44:55", "Generic SIP phone", "1.0", "1", "10", "20",
    ]  # fmt: skip
    assert [(each.get("extensionID"), each.get("line"), each.get("number")) for each in listed.all(
        "assignedExtensions"
    )] == [(ids["30"], "1", "001"), (ids["31"], "2", "002")]  # fmt: skip


def test_devices_are_found_by_extension_and_changed(fixture: ModelFixture) -> None:
    ids = extension_ids(fixture)
    for serial, extension in (("S-1", "30"), ("S-2", "31")):
        pbx(fixture, "AddDevice", row("assignedExtensions", extensionID=ids[extension]), serial=serial)
    found = pbx(fixture, "GetDevices", assignedExtensions=ids["31"])
    assert [each.get("serial") for each in found.rows("devices")] == ["S-2"]
    assert "value-converted" in found.findings
    device = found.rows("devices")[0].get("deviceID") or ""
    pbx(fixture, "EditDevice", Element("assignedExtensions", ids["30"]), deviceID=device, serial="S-3")
    assert pbx(fixture, "GetDevices", assignedExtensions=ids["31"]).rows("devices") == []
    found = pbx(fixture, "GetDevices", assignedExtensions=ids["30"])
    assert [each.get("serial") for each in found.rows("devices")] == ["S-1", "S-3"]
    assert pbx(fixture, "DelDevice", deviceID=device).get("items") == "1"
    assert pbx(fixture, "DelDevice", deviceID=device).code == "100"


def test_an_extension_that_is_gone_is_on_no_device(fixture: ModelFixture) -> None:
    ids = extension_ids(fixture)
    pbx(fixture, "AddDevice", row("assignedExtensions", extensionID=ids["30"]), serial="S-1")
    assert fixture.call("DelExtension", ID=30).get("result") == "success"
    [listed] = pbx(fixture, "GetDevices").rows("devices")
    assert listed.all("assignedExtensions") == []
    again = pbx(fixture, "AddDevice", row("assignedExtensions", extensionID=ids["30"]), serial="S-2")
    assert again.code == "100"


def test_v3_refuses_what_is_in_use_or_not_there(fixture: ModelFixture) -> None:
    pbx(fixture, "AddDevice", serial="S-1")
    assert pbx(fixture, "AddDevice", serial="S-1").code == "200"
    assert pbx(fixture, "AddDevice", serial="S-2", assignedClientID=99).code == "100"


# ---- buttons, alerts, intervals ----


@pytest.mark.parametrize("kind", ["Button", "Alert"])
def test_the_life_of_a_button_and_of_an_alert(fixture: ModelFixture, kind: str) -> None:
    pbx(
        fixture, f"AddCustom{kind}", code="x1", text="Text", displayMethod="select", displayLevel=100, userID=31
    )
    assert pbx(fixture, f"AddCustom{kind}", code="x1", text="Again").code == "200"
    pbx(fixture, f"EditCustom{kind}", code="x1", text="Other")
    pbx(fixture, f"SetCustom{kind}Status", code="x1", status=0)
    told = pbx(fixture, f"GetCustom{kind}s", userID=31)
    [listed] = told.rows("button")
    assert [listed.get(each) for each in ("code", "text", "displayLevel", "status")] == [
        "x1",
        "Other",
        "100",
        "false",
    ]
    assert told.get("userID") == "31"
    assert pbx(fixture, f"DelCustom{kind}", code="x1").get("items") == "1"
    assert pbx(fixture, f"GetCustom{kind}s", userID=31).rows("button") == []


def test_what_a_button_tells_is_given_back(fixture: ModelFixture) -> None:
    pbx(fixture, "AddCustomButton", code="b", text="T", includeResellerID=1, includeClientID=0)
    [listed] = pbx(fixture, "GetCustomButtons").rows("button")
    assert (listed.get("includeResellerID"), listed.get("includeClientID")) == ("true", "false")


def test_the_life_of_time_intervals(fixture: ModelFixture) -> None:
    hours = row("timeInterval", startTime="08:00:00", endTime="12:00:00", startWkday=2, endWkday=6)
    made = pbx(fixture, "AddTimeIntervalBlock", hours, name="Hours", userID=31)
    block = made.get("ID") or ""
    pbx(fixture, "AddTimeInterval", row("timeInterval", startTime="13:00:00", endTime="17:00:00"), ID=block)
    told = pbx(fixture, "GetTimeIntervals", ID=block)
    assert (told.get("name"), told.get("userID")) == ("Hours", "31")
    first, second = told.rows("timeInterval")
    assert (first.get("startTime"), second.get("endTime")) == ("08:00:00", "17:00:00")
    pbx(fixture, "EditTimeInterval", ID=block, intervalID=second.get("intervalID") or "", endTime="18:30:00")
    assert pbx(fixture, "GetTimeIntervals", ID=block).rows("timeInterval")[1].get("endTime") == "18:30:00"
    pbx(fixture, "EditTimeIntervalBlock", ID=block, name="Office")
    [listed] = pbx(fixture, "GetTimeIntervalBlocks", userID=31).rows("timeIntervalBlock")
    assert [listed.get(each) for each in ("name", "userID", "intervals")] == ["Office", "31", "2"]
    pbx(fixture, "DelTimeInterval", ID=block, intervalID=first.get("intervalID") or "")
    assert len(pbx(fixture, "GetTimeIntervals", ID=block).rows("timeInterval")) == 1
    pbx(fixture, "DelTimeIntervalBlock", ID=block)
    assert pbx(fixture, "GetTimeIntervals", ID=block).code == "100"


# ---- templates ----


def test_every_template_that_is_listed_for_extensions_makes_one(fixture: ModelFixture) -> None:
    listed = pbx(fixture, "GetTemplates", userLevel=100, userID=NORTHWIND, by=NORTHWIND).rows("template")
    assert {each.get("name"): each.get("userLevel") for each in listed} == {
        "User": "100",
        "Phone terminal": "100",
    }
    for number, each in enumerate(listed):
        made = fixture.call(
            "AddExtension", name="New", company="Northwind", login=f"new{number}", password="Pass-2025",
            parentID=NORTHWIND, templateID=each.get("ID") or "", by=NORTHWIND,
        )  # fmt: skip
        assert made.get("result") == "success", each.get("name")
        [found] = fixture.call("GetExtensions", templateID=each.get("ID") or "", by=NORTHWIND).rows()
        assert found.get("login") == f"new{number}"
        told = fixture.call("GetExtensionDetails", ID=found.get("ID") or "", by=NORTHWIND)
        assert told.get("templateID") == each.get("ID")
    used = pbx(fixture, "GetTemplates", userLevel=100, userID=NORTHWIND, by=NORTHWIND).rows("template")
    assert [each.get("users") for each in used] == ["1", "1"]


def test_templates_of_one_type_and_of_other_levels(fixture: ModelFixture) -> None:
    queues = pbx(fixture, "GetTemplates", userLevel=100, extensionType="queue", by=NORTHWIND).rows("template")
    assert [each.get("name") for each in queues] == ["User"]
    clients = pbx(fixture, "GetTemplates", userLevel=50).rows("template")
    assert [(each.get("name"), each.get("userLevel")) for each in clients] == [("Organization", "50")]
    assert [
        each.get("userLevel") for each in pbx(fixture, "GetTemplates", ID=3, by=NORTHWIND).rows("template")
    ] == ["100"]


# ---- industries ----


def industry(fixture: ModelFixture, name: str) -> str:
    made = pbx(fixture, "AddIndustry", name=name, standardZoneCode="<b/>", standardZoneHeight=80)
    assert made.calls == []
    return made.get("ID") or ""


def test_the_life_of_an_industry_and_of_a_client_in_it(fixture: ModelFixture) -> None:
    retail, banking = industry(fixture, "Retail"), industry(fixture, "Banking")
    pbx(fixture, "EditIndustry", ID=banking, name="Banks")
    assert [(each.get("ID"), each.get("name")) for each in pbx(fixture, "GetIndustries").rows("industry")] == [
        (retail, "Retail"),
        (banking, "Banks"),
    ]
    client = {"name": "C", "company": "Client Ltd", "login": "c1", "password": "Pass-2025"}
    number = fixture.call("Client.AddClient", **client, industry="banks").get("ID") or ""
    assert fixture.call("Client.GetClientDetails", ID=number).get("industry") == banking
    fixture.call("Client.EditClient", ID=number, industry=retail)
    assert fixture.call("Client.GetClientDetails", ID=number).get("industry") == retail
    assert pbx(fixture, "DelIndustries", ID=retail).get("result") == "success"
    told = fixture.call("Client.GetClientDetails", ID=number)
    assert told.get("industry") is None
    assert "answer-value-omitted" in told.findings
    assert industry(fixture, "Retail") not in (retail, banking)


# ---- the rest, and all of them ----


def test_the_counters_are_those_of_the_world(fixture: ModelFixture) -> None:
    told = pbx(fixture, "Ping", by=ADMIN)
    assert [told.get(each) for each in ("resellers", "clients", "extensions")] == ["2", "2", "5"]


CALLS: dict[str, dict[str, str | int]] = {
    "UpdateLicense": {"activationCode": "A"}, "GetSystemAPISettings": {}, "GetCallAPISettings": {},
    "GetRegions": {"code": "us"}, "GetTimezone": {"code": "us"},
    "Enroll": {"scope": "automation", "URL": "master.example.org", "masterAuth": "m", "masterAuthType": "t"},
    "Withdraw": {"enrollmentID": "1"}, "GetCustomAlerts": {}, "GetCustomButtons": {},
    "GetTimeIntervalBlocks": {}, "GetOwnedSounds": {"folderID": 2}, "GetSharedSounds": {},
    "GetFileLanguages": {"ID": 1}, "GetFolders": {"userID": 31}, "GetSchemaVersions": {},
    "GetInterfaceLang": {}, "GetPhoneLang": {}, "GetTemplates": {}, "Ping": {}, "UpgradeVoipNow": {},
    "UpgradeHistory": {}, "GetIndustries": {}, "GetAdvertisingTemplates": {}, "GetDevices": {},
    "GetEquipmentList": {},
}  # fmt: skip
"""The others have their lives above."""


@pytest.mark.parametrize("name", CALLS)
def test_every_call_is_answered_validly(fixture: ModelFixture, name: str) -> None:
    assert pbx(fixture, name, by=ADMIN, **CALLS[name]).fault is None


def test_no_operation_is_left_out() -> None:
    lives = {f"{verb}Custom{kind}" for verb in ("Add", "Edit", "Del") for kind in ("Alert", "Button")}
    lives |= {f"SetCustom{kind}Status" for kind in ("Alert", "Button")}
    lives |= {f"{verb}TimeInterval{what}" for verb in ("Add", "Edit", "Del") for what in ("", "Block")}
    lives |= {f"{verb}Device" for verb in ("Add", "Edit", "Del")}
    lives |= {"GetTimeIntervals", "AddIndustry", "EditIndustry", "DelIndustries"}
    assert lives | set(CALLS) == set(old().services["PBX"].operations)
