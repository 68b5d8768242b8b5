"""Call rules as 2.0.x had them: sent, read back, published."""

from __future__ import annotations

import pytest
from lxml import etree

from shim.core.commands.backend import Call
from shim.core.commands.extensions import Identity
from shim.core.errors import CallerError
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.schema.wsdl import Publication
from shim.interfaces.load import old
from tests.old_server.test_reports import REPORTS, answer
from tests.support.conversation import World, new_answer, whole_catalogue

DESK = Identity("30", "90030", "30", "0020*030", None)
REPORT = (REPORTS / "J1-call-rule-2.0.4.xml").read_bytes()
ADD = old().operations["Extension.AddCallRulesIn"]
GET = old().operations["Extension.GetCallRulesIn"]


def added(message: bytes) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """What v3 was sent of a call, and the codes and paths of what was found."""
    world = World(answer, identities=[DESK])
    outcome = world.run(ADD, message)
    assert outcome.fault is None, outcome.fault
    [(_, request)] = world.calls
    return list(request.leaves()), [(each.code, each.path) for each in outcome.findings]


def test_a_follow_me_rule_of_2_0_4_is_a_transfer_rule() -> None:
    values, found = added(REPORT)
    assert ("rule/transfer/toNumbers/transferNumber", "101") in values
    assert ("rule/transfer/toNumbers/transferNumber", "102") in values
    assert ("rule/transfer/toNumbers/call", "true") in values or ("rule/transfer/toNumbers/call", "1") in values
    assert dict(values)["rule/transfer/match"] == "1"
    assert dict(values)["rule/transfer/number"] == "."
    assert dict(values)["rule/transfer/intervalID"] == "1"
    assert found == [("value-converted", "rule/action")]


@pytest.mark.parametrize(
    ("action", "path", "value"),
    [
        ("busy", "rule/busy/number", "."),
        ("hangup", "rule/hangup/number", "."),
        ("congestion", "rule/congestion/number", "."),
        ("transfer", "rule/transfer/toNumbers/transferNumber", "102"),
        ("voicemail", "rule/transfer/toVoicemail", "true"),
    ],
)
def test_other_actions_are_the_elements_of_that_name(action: str, path: str, value: str) -> None:
    values, _ = added(REPORT.replace(b"followme", action.encode()))
    assert (path, value) in values


def test_what_a_rule_of_2_0_has_no_successor_for_is_a_loss() -> None:
    extra = b"</d:action><d:event>BUSY</d:event><d:transferType>internal</d:transferType>"
    _, found = added(REPORT.replace(b"</d:action>", extra))
    assert ("field-dropped", "rule/event") in found
    assert ("field-dropped", "rule/transferType") in found


def test_placeholders_of_a_generated_client_leave_a_follow_me_rule_what_it_is() -> None:
    extra = b"</d:action><d:event>BUSY</d:event><d:transferType>internal</d:transferType>"
    extra += b"<d:callPriority>1</d:callPriority>"
    values, found = added(REPORT.replace(b"</d:action>", extra))
    assert values == added(REPORT)[0]
    assert [path for code, path in found if code == "field-dropped"] == [
        "rule/event",
        "rule/transferType",
        "rule/callPriority",
    ]


def test_a_transfer_says_what_it_means_that_its_event_is_gone() -> None:
    message = REPORT.replace(b"followme", b"transfer").replace(
        b"</d:action>", b"</d:action><d:event>BUSY</d:event>"
    )
    outcome = World(answer, identities=[DESK]).run(ADD, message)
    [event] = [each for each in outcome.findings if each.path == "rule/event"]
    assert "callStatus" in event.because


def test_a_priority_is_the_one_of_a_rule_that_sets_it() -> None:
    message = REPORT.replace(b"followme", b"setCallPriority").replace(
        b"<d:transferTo>101 102</d:transferTo>", b"<d:transferTo/><d:callPriority>3</d:callPriority>"
    )
    values, found = added(message)
    assert ("rule/setCallPriority/priority", "3") in values
    assert found == [("value-converted", "rule/action")], "what is empty is no loss"


@pytest.mark.parametrize("action", ["juggle", "cascade", "authenticate", ""])
def test_an_unknown_action_is_refused_with_those_that_are_known(action: str) -> None:
    """For cascade and authenticate 2.0.x has no place where their delays and sounds could stand."""
    outcome = World(answer, identities=[DESK]).run(ADD, REPORT.replace(b"followme", action.encode()))
    assert isinstance(outcome.fault, CallerError)
    assert outcome.fault.reason == "bad-value"
    assert "followme" in outcome.fault.text


@pytest.mark.parametrize("action", ["followme", "transfer"])
@pytest.mark.parametrize("to", ["", "<d:transferTo> , </d:transferTo>"])
def test_a_transfer_to_nowhere_is_refused(action: str, to: str) -> None:
    message = REPORT.replace(b"followme", action.encode())
    world = World(answer, identities=[DESK])
    outcome = world.run(ADD, message.replace(b"<d:transferTo>101 102</d:transferTo>", to.encode()))
    assert isinstance(outcome.fault, CallerError)
    assert outcome.fault.reason == "missing-parameter"
    assert "transferTo" in outcome.fault.text
    assert world.calls == []


def rules_of_v3(call: Call, request: Element) -> bytes:
    operation = whole_catalogue().new.operations[f"{call.service}.{call.operation}"]
    to = [Element("transferNumber", "101"), Element("transferNumber", "102"), Element("call", "1")]
    moved = Element("transfer", children=[Element("number", "."), Element("toNumbers", children=to)])
    mail = Element("transfer", children=[Element("toVoicemail", "1")])
    rows = [
        Element("rules", children=[Element("ruleID", str(n)), Element("status", "1"), each])
        for n, each in enumerate((moved, mail, Element("busy", children=[Element("number", "5")])), 7)
    ]
    return new_answer(
        operation,
        Element(operation.output.name, children=[Element("extendedNumber", "0020*030"), *rows]),
    )


def asked(version: str) -> bytes:
    body = REPORT.replace(b"AddCallRulesInRequest", b"GetCallRulesInRequest").replace(
        b"2.0.4", version.encode()
    )
    start, end = body.index(b"<m:rule>"), body.index(b"</m:rule>") + len(b"</m:rule>")
    outcome = World(rules_of_v3, identities=[DESK]).run(GET, body[:start] + body[end:])
    assert outcome.answer is not None, outcome.fault
    assert not [each for each in outcome.findings if each.severity == "loss"]
    return outcome.answer


def test_rules_are_answered_to_a_caller_of_2_0_in_its_own_form() -> None:
    body = parse(asked("2.0.4")).body
    rows = [{each.name: each.text for each in row.children} for row in body.all("rules")]
    assert rows == [
        {"ruleID": "7", "status": "true", "action": "followme", "number": ".", "transferTo": "101 102"},
        {"ruleID": "8", "status": "true", "action": "voicemail"},
        {"ruleID": "9", "status": "true", "action": "busy", "number": "5"},
    ]


def test_a_caller_of_2_5_gets_the_rules_of_2_5() -> None:
    assert b":transfer>" in asked("2.5.1")
    assert b":action>" not in asked("2.5.1")


def test_the_tree_of_2_0_has_its_call_rules() -> None:
    before = old().earlier
    assert before is not None
    document = Publication(before).document("Extension/ExtensionData.xsd", "2.0.4", "http://h")
    assert document is not None
    names = {each.get("name") for each in etree.fromstring(document).iter("{*}element")}
    assert {"action", "transferTo", "event", "transferType", "callPriority"} <= names
    now = Publication(old()).document("Extension/ExtensionData.xsd", "2.5.1", "http://h")
    assert now is not None
    assert b'"transferTo"' not in now
