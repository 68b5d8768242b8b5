"""One history in which every operation of the interface succeeds."""

from __future__ import annotations

import base64
from typing import Any

from shim.core.message import Element
from shim.core.parse import parse
from tests.emulator.caller import Backend

PHONE, QUEUE, MENU = "0020*001", "0020*003", "0020*004"
AT = {"extendedNumber": PHONE}
Step = tuple[str, str, dict[str, Any]]


def level(name: str, login: str, parent: int, number: int) -> list[Step]:
    at = {"ID": number}
    return [
        (f"Add{name}", login, {"name": "N", "login": f"l{number}", "parentID": parent, "verbose": "1"}),
        (f"Edit{name}", login, {**at, "name": "M"}),
        (f"Get{name}s", login, {"filter": "M"}),
        (f"Get{name}Details", login, at),
        (f"Set{name}Status", login, {**at, "status": "1"}),
        (f"Set{name}CpAccess", login, {**at, "cpAccess": "1"}),
        (f"Set{name}PL", login, {**at, "phoneExtMax": 4}),
        (f"Update{name}PL", login, {**at, "phoneExtMax": {"increase": "1"}}),
        (f"Get{name}PL", login, at),
    ]


ACCOUNTS: list[Step] = [
    *level("ServiceProvider", "admin", 1, 100),
    *level("Organization", "acme", 10, 101),
    *level("User", "northwind", 20, 102),
    ("GetUserGroups", "northwind", {"ID": 102, "share": "1"}),
    ("SetServiceProviderPL", "admin", {"ID": 100, "organizationMax": 1}),
    ("MoveOrganizations", "admin", {"ID": 101, "serviceProviderID": 100}),
    ("SetAccountStatus", "northwind", {"ID": 102, "phoneStatus": "16"}),
    ("LinkAccount", "northwind", {"ID": 102, "linkUUID": "u"}),
    ("AddExtension", "northwind", {"parentID": 102, "label": "L", "extensionNo": "300"}),
    ("EditExtension", "northwind", {"extendedNumber": "0020*300", "label": "M"}),
    ("GetExtensions", "northwind", {"parentID": 102}),
    ("GetExtensionDetails", "northwind", {"extendedNumber": "0020*300"}),
    ("DelExtension", "northwind", {"extendedNumber": "0020*300"}),
    ("DelUser", "northwind", {"ID": 102}),
    ("DelOrganization", "admin", {"ID": 101}),
    ("DelServiceProvider", "admin", {"ID": 100}),
    ("AddUser", "northwind", {"name": "N", "login": "n"}),
    ("DelAccount", "northwind", {"ID": 103}),
]
EXTENSIONS: list[Step] = [
    ("SetProvision", "nw001", {**AT, "phoneModel": "generic-sip"}),
    ("GetProvisionFile", "nw001", AT),
    ("AddCallRulesIn", "nw001", {**AT, "rule": [{"busy": {"number": "1"}}]}),
    ("EditCallRulesIn", "nw001", {**AT, "rule": {"ruleID": 1, "busy": {"number": "1"}, "status": "0"}}),
    ("GetCallRulesIn", "nw001", AT),
    ("DelCallRulesIn", "nw001", {**AT, "ID": 1}),
    ("GetAvailableCallerID", "nw001", AT),
    ("AddCardCode", "nw001", {**AT, "code": {"code": "1"}}),
    ("EditCardCode", "nw001", {"ID": 1, "code": "2"}),
    ("GetCardCode", "nw001", AT),
    ("AddCardCodeCredit", "nw001", {**AT, "codeCredit": {"ID": 1, "credit": "2"}}),
    ("GetCardCodeRecharges", "nw001", {"ID": 1}),
    ("DelCardCode", "nw001", {**AT, "ID": 1}),
    ("AddAuthCallerID", "nw001", {**AT, "CallerID": {"CallerID": "1"}}),
    ("EditAuthCallerID", "nw001", {"ID": 1, "CallerID": "2"}),
    ("GetAuthCallerID", "nw001", AT),
    ("AddAuthCallerIDCredit", "nw001", {**AT, "CallerIDCredit": {"ID": 1, "credit": "2"}}),
    ("GetAuthCallerIDRecharges", "nw001", {"ID": 1}),
    ("DelAuthCallerID", "nw001", {**AT, "ID": 1}),
    ("SetupExtension", "nw004", {"extendedNumber": MENU, "IVR": {"name": "Menu"}}),
    ("GetExtensionSettings", "nw004", {"extendedNumber": MENU}),
    ("SetVoicemail", "nw001", {**AT, "status": "1"}),
    ("GetVoicemailSettings", "nw001", AT),
    ("SetConference", "nw001", {**AT, "size": 5}),
    ("GetConferenceSettings", "nw001", AT),
    ("SetCallRecording", "nw001", {**AT, "trigger": "2"}),
    ("GetCallRecordingSettings", "nw001", AT),
    ("SetFaxCenter", "nw001", {**AT, "notify": "fax"}),
    ("GetFaxCenterSettings", "nw001", AT),
    ("AssignQueueAgent", "northwind", {"extendedNumber": QUEUE, "agentExtendedNumber": PHONE}),
    (
        "SetQueueAgent",
        "northwind",
        {"extendedNumber": QUEUE, "agentExtendedNumber": PHONE, "supervisor": "0", "penalty": 3},
    ),
    ("AssignQueueRemoteAgent", "northwind", {"extendedNumber": QUEUE, "agentID": 5, "name": "A"}),
    ("SetQueueRemoteAgent", "northwind", {"extendedNumber": QUEUE, "agentID": 5, "name": "A", "penalty": 3}),
    ("SetQueueMember", "northwind", {**AT, "auth": "1", "PIN": "1234"}),
    ("GetQueueAgents", "northwind", {"extendedNumber": QUEUE}),
    ("GetQueueMembership", "northwind", AT),
    ("UnassignQueueAgent", "northwind", {"extendedNumber": ["5", PHONE], "queueExtendedNumber": QUEUE}),
]
BILLING: list[Step] = [
    ("AddChargingPlan", "acme", {"name": "P"}),
    ("EditChargingPlan", "acme", {"ID": 5, "name": "Q"}),
    ("GetChargingPlans", "acme", {}),
    ("GetChargingPlanDetails", "acme", {"ID": 5}),
    ("AddChargingPackage", "acme", {"chargingPlanID": 5, "name": "P"}),
    ("EditChargingPackage", "acme", {"chargingPlanID": 5, "chargingPackageID": 1, "minutes": 1}),
    ("GetChargingPackages", "acme", {"chargingPlanID": 5}),
    ("DelChargingPackage", "acme", {"chargingPlanID": 5, "ID": 1}),
    ("AddDestinationException", "acme", {"chargingPlanID": 5, "exception": {"areaCode": "1"}}),
    ("EditDestinationException", "acme", {"chargingPlanID": 5, "exceptionID": 1, "areaCode": "2"}),
    ("GetDestinationExceptions", "acme", {"chargingPlanID": 5}),
    ("DelDestinationException", "acme", {"chargingPlanID": 5, "ID": 1}),
    ("DelChargingPlan", "acme", {"ID": 5}),
    ("Recharge", "northwind", {"userID": 30, "credit": {"creditOut": "5"}}),
    ("GetRecharges", "northwind", {"userID": 30}),
    ("DelMonthlyLimit", "northwind", {"userID": 30}),
]
CHANNELS: list[Step] = [
    ("AddChannel", "admin", {"type": "sip", "SIP": {"name": "T", "codecs": ["1", "3"]}}),
    ("EditChannel", "admin", {"ID": 2, "SIP": {"name": "U", "codecs": "1"}}),
    ("GetChannels", "admin", {}),
    ("GetCodecs", "admin", {"channelID": 2}),
    ("AddChannelGroup", "admin", {"name": "G", "channelID": 2}),
    ("EditChannelGroup", "admin", {"ID": 1, "name": "H"}),
    ("GetChannelGroups", "admin", {}),
    ("GetChannelGroupPoll", "admin", {"channelID": 2}),
    ("DelChannelGroup", "admin", {"ID": 1}),
    ("AddPublicNo", "admin", {"publicNo": {"phoneNo": "31", "did": "31", "channelID": 2}}),
    ("EditPublicNo", "admin", {"didID": 21, "phoneNo": "32", "did": "32"}),
    ("GetPublicNo", "admin", {"channelID": 2, "userID": 1}),
    ("GetPublicNoPoll", "admin", {"userID": 20}),
    ("AssignPublicNo", "admin", {"didID": 21, "extendedNumber": MENU}),
    ("UnassignPublicNo", "admin", {"didID": 21, "extendedNumber": MENU}),
    ("DelPublicNo", "admin", {"ID": 21}),
    ("DelChannel", "admin", {"ID": 2}),
    ("AddCallRulesOutGroup", "acme", {"name": "G", "rules": {"number": "1"}}),
    ("EditCallRulesOutGroup", "acme", {"ID": 1, "name": "H"}),
    ("GetCallRulesOutGroup", "acme", {}),
    ("AddCallRulesOut", "acme", {"ID": 1, "rules": {"number": "2"}}),
    ("GetCallRulesOut", "acme", {"ID": 1}),
    ("DelCallRulesOut", "acme", {"rulesGroupID": 1, "ID": 2}),
    ("DelCallRulesOutGroup", "acme", {"ID": 1}),
]
PBX: list[Step] = [
    *((name, "acme", {}) for name in ("GetSchemaVersions", "GetInterfaceLang", "GetPhoneLang", "Ping")),
    *((name, "acme", {}) for name in ("UpgradeHistory", "GetEquipmentList", "GetTemplates", "GetFolders")),
    *((name, "acme", {}) for name in ("GetOwnedSounds", "GetSharedSounds", "QuickStats")),
    ("UpgradeVoipNow", "admin", {}),
    ("Enroll", "admin", {"scope": "s", "URL": "master.example", "masterAuth": "k", "masterAuthType": "t"}),
    ("Withdraw", "admin", {"enrollmentID": "e"}),
    ("UpdateLicense", "admin", {"activationCode": "a"}),
    ("GetFileLanguages", "acme", {"ID": 1}),
    ("GetRegions", "acme", {"code": "us"}),
    ("GetTimezone", "acme", {}),
    *(
        (step[0].format(noun), "acme", step[1])
        for noun in ("CustomAlert", "CustomButton")
        for step in (
            ("Add{}", {"code": "c", "text": "T"}),
            ("Edit{}", {"code": "c", "text": "U"}),
            ("Set{}Status", {"code": "c", "status": "0"}),
            ("Get{}s", {}),
            ("Del{}", {"code": "c"}),
        )
    ),
    ("AddTimeIntervalBlock", "acme", {"name": "B", "timeInterval": {"endTime": "12:00:00"}}),
    ("EditTimeIntervalBlock", "acme", {"ID": 1, "name": "C"}),
    ("GetTimeIntervalBlocks", "acme", {}),
    ("AddTimeInterval", "acme", {"ID": 1, "timeInterval": {"startTime": "08:00:00"}}),
    ("EditTimeInterval", "acme", {"ID": 1, "intervalID": 1, "startTime": "09:00:00"}),
    ("GetTimeIntervals", "acme", {"ID": 1}),
    ("DelTimeInterval", "acme", {"ID": 1, "intervalID": 1}),
    ("DelTimeIntervalBlock", "acme", {"ID": 1}),
    ("AddDevice", "acme", {"serial": "s", "assignedExtensions": {"extendedNumber": PHONE, "line": 1}}),
    ("EditDevice", "acme", {"deviceID": 1, "name": "D"}),
    ("GetDevices", "acme", {"userID": 10}),
    ("DelDevice", "acme", {"deviceID": 1}),
    ("CallReport", "northwind", {"userID": 30}),
    ("CallCosts", "northwind", {"userID": 30}),
]


def package(backend: Backend, _name: str, **parameters: Any) -> str:
    return base64.b64encode(backend.envelope(_name, None, parameters)).decode()


async def test_every_operation_succeeds(backend: Backend) -> None:
    for name, login, parameters in [*ACCOUNTS, *EXTENSIONS, *BILLING, *CHANNELS, *PBX]:
        answer = await backend.call(name, login, **parameters)
        assert answer.get("result") in (None, "success"), name
    await backend.call("LinkedOp", operation={"identifier": "a", "package": package(backend, "Ping")})
    done = {each.operation for each in backend.world.calls}
    assert set(backend.interface.operations) == done


async def test_later_operations_use_earlier_answers(backend: Backend) -> None:
    organization = {
        "identifier": "organization",
        "package": package(backend, "AddOrganization", name="O", login="o", templateID=2),
    }
    use = {"responseParam": "ID", "requestParam": "parentID", "node": "//AddUser"}
    user = {
        "identifier": "user",
        "package": package(backend, "AddUser", name="U", login="u", verbose="1"),
        "appendOpResponse": {"identifier": "organization", "responseMapping": use},
    }
    bad = {"identifier": "bad", "package": base64.b64encode(b"<AddUser/>").decode(), "finalOnFailure": "1"}
    answer = await backend.call("LinkedOp", "acme", operation=[organization, user, bad, organization])
    assert answer.get("processedOp") == "3"
    results = answer.all("operation")
    assert [each.get("result") for each in results] == ["success", "success", "failure"]
    made: Element = parse(base64.b64decode(results[1].get("output") or "")).body
    assert (made.get("ID"), made.get("parentID")) == ("101", "100")
    assert b"117" in base64.b64decode(results[2].get("output") or "")
