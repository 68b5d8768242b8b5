"""What does not belong into a message is a finding, wherever it is: 2.5 read past it, the shim says so."""

from __future__ import annotations

import pytest

from shim.core.commands.backend import Call
from shim.core.commands.extensions import Identity
from shim.core.message import Element
from shim.core.parse import SOAP
from shim.core.reading.encoded_types import XSI
from shim.interfaces.load import new, old
from tests.support.conversation import World, new_answer

PERSON = Identity("30", "35", "30", "0020*001", "i-30")


def sent(name: str, body: str, answer: str = "", *, after: str = "") -> tuple[World, list[tuple[str, str]]]:
    """One old call with this in its body element; the v3 calls, and the findings as (code, path)."""

    def backend(call: Call, request: Element) -> bytes:
        operation = new().operations[call.full_name]
        if answer:
            return f'<E:Envelope xmlns:E="{SOAP}"><E:Body>{answer}</E:Body></E:Envelope>'.encode()
        kind = operation.output.complex
        facts = {"ID": "20", "result": "success"}
        known = [Element(*each) for each in facts.items() if kind is not None and each[0] in kind.slots]
        made = Element(operation.output.name, children=known)
        return new_answer(operation, made)

    world = World(backend, identities=[PERSON])
    envelope = (
        f'<E:Envelope xmlns:E="{SOAP}" xmlns:xsi="{XSI}"><E:Body>{body}</E:Body>{after}</E:Envelope>'
    ).encode()
    outcome = world.run(old().operations[name], envelope)
    assert outcome.fault is None, outcome.fault
    return world, [(each.code, each.path) for each in outcome.findings]


def told(world: World, path: str) -> str | None:
    """What the last v3 call says there."""
    return world.calls[-1][1].get(path)


EDIT = "Client.EditClient"


def edit(inner: str, attributes: str = "") -> str:
    return f"<EditClientRequest{attributes}><ID>20</ID>{inner}</EditClientRequest>"


@pytest.mark.parametrize(
    ("inner", "findings"),
    [
        ("<name>N<b>x</b></name>", [("unknown-element", "name/b")]),
        ("<name>N<b><c>x</c></b><b/></name>", [("unknown-element", "name/b")]),
        ('<name>N</name><company a="b">Co</company>', [("unknown-attribute", "company/@a")]),
        ("<name>N</name>text", [("stray-text", "EditClientRequest")]),
        ("<name>N</name><fax>1<b>2</b></fax><fax>3</fax>",
         [("unknown-element", "fax/b"), ("repeated-element", "fax")]),
        ("<name>N</name><region><b>2</b></region>",
         [("no-value", "region")]),
        ("<name>N</name><notes xsi:nil='true'><b/></notes>",
         [("unknown-element", "notes/b"), ("nil-as-absent", "notes")]),
        ("<name>N</name><notes xsi:nil='true'>x</notes>", [("nil-as-absent", "notes")]),
    ],
)  # fmt: skip
def test_what_stands_in_or_on_a_carried_value(inner: str, findings: list[tuple[str, str]]) -> None:
    world, found = sent(EDIT, edit(inner))
    assert found == findings
    assert told(world, "name") == "N"


def test_a_null_with_a_text_is_no_default() -> None:
    """SoapServer takes the default of the schema where nothing stands, and null where something does."""
    inner = "<ID>20</ID><phoneStatus xsi:nil='true'>{}</phoneStatus><status>1</status>"
    request = f"<SetAccountStatusRequest>{inner}</SetAccountStatusRequest>"
    world, found = sent("Account.SetAccountStatus", request.format("0"))
    assert ("nil-as-absent", "phoneStatus") in found
    assert told(world, "phoneStatus") is None
    world, found = sent("Account.SetAccountStatus", request.format(""))
    assert ("empty-as-default", "phoneStatus") in found
    assert told(world, "phoneStatus") == "1"


def test_attributes_of_the_message_itself_but_not_those_of_soap() -> None:
    style = f' E:encodingStyle="{SOAP}" xsi:type="x" version="2.0"'
    _, found = sent(EDIT, edit("<name>N</name>", style))
    assert found == [("unknown-attribute", "@version")]


def test_text_in_an_element_that_holds_elements_only() -> None:
    _, found = sent("Client.GetClients", "<GetClientsRequest> all </GetClientsRequest>")
    assert found == [("stray-text", "GetClientsRequest")]
    setup = "<SetupExtensionRequest><ID>30</ID><extensionType>queue</extensionType>"
    _, found = sent("Extension.SetupExtension", f"{setup}<queue>on</queue></SetupExtensionRequest>")
    assert ("stray-text", "queue") in found
    _, found = sent("Extension.SetupExtension", f"{setup}<queue>\n</queue></SetupExtensionRequest>")
    assert "stray-text" not in {code for code, _ in found}


@pytest.mark.parametrize(
    ("name", "body", "findings"),
    [
        # renamed by a rule that acts
        ("Extension.SetExtensionStatus",
         '<SetExtensionStatusRequest><ID a="b">30<c/></ID><status>1</status></SetExtensionStatusRequest>',
         [("unknown-element", "ID/c"), ("unknown-attribute", "ID/@a")]),
        # computed
        ("Reseller.AddReseller",
         '<AddResellerRequest><name>N</name><login>l</login><notifyOnly a="b">1<c/></notifyOnly>'
         "</AddResellerRequest>",
         [("unknown-element", "notifyOnly/c"), ("unknown-attribute", "notifyOnly/@a"),
          ("value-converted", "notifyOnly")]),
        # kept
        (EDIT, edit('<industry a="b">3<c/></industry>'),
         [("unknown-element", "industry/c"), ("unknown-attribute", "industry/@a"), ("field-kept", "industry")]),
    ],
)  # fmt: skip
def test_what_stands_in_or_on_a_value_that_a_rule_takes_over(
    name: str, body: str, findings: list[tuple[str, str]]
) -> None:
    _, found = sent(name, body)
    assert [each for each in found if each[0] != "answer-field-unavailable"] == findings


def test_a_limit_keeps_its_attribute_and_tells_of_others() -> None:
    limit = '<phoneExtMax unlimited="false" a="b">4</phoneExtMax>'
    world, found = sent("Client.SetClientPL", f"<SetClientPLRequest><ID>20</ID>{limit}</SetClientPLRequest>")
    assert [each for each in found if each[0] != "default-added"] == [("unknown-attribute", "phoneExtMax/@a")]
    said = world.calls[-1][1].child("phoneExtMax")
    assert said is not None
    assert (said.text, said.attributes) == ("4", {"unlimited": "false"})


def test_nil_where_it_is_allowed_with_something_beside_it() -> None:
    share = '<shareVoicemail><ID xsi:nil="true">7</ID></shareVoicemail>'
    world, found = sent(
        "Extension.SetExtensionPL", f"<SetExtensionPLRequest><ID>30</ID>{share}</SetExtensionPLRequest>"
    )
    assert ("stray-text", "shareVoicemail/ID") in found
    said = world.calls[-1][1].child("shareVoicemail")
    assert said is not None
    assert said.children[0].nil


def test_a_package_of_elements_is_no_value_with_elements_in_it() -> None:
    package = '<package a="b"><GetClientsRequest/></package>'
    body = f"<LinkedOpRequest><operation><identifier>x</identifier>{package}</operation></LinkedOpRequest>"
    world, found = sent("GlobalOp.LinkedOp", body)
    assert found == [("unknown-attribute", "operation/package/@a")]
    assert [call.operation for call, _ in world.calls] == ["GetOrganizations"]


def test_comments_and_cdata_are_no_borders_of_a_text() -> None:
    world, found = sent(EDIT, edit("<name>a<!-- b -->c<?d e?>f<![CDATA[<g>]]></name>"))
    assert found == []
    assert told(world, "name") == "acf<g>"


def test_a_second_body_holds_no_call_either() -> None:
    world, found = sent(EDIT, edit("<name>N</name>"), after="<E:Body><DelClientRequest/></E:Body>")
    assert found == [("unknown-element", "DelClientRequest")]
    assert [call.operation for call, _ in world.calls] == ["EditOrganization"]


def test_answers_tell_of_it_as_well() -> None:
    answer = (
        '<GetOrganizationDetailsResponse v="1"><name a="b">N<c/></name><unknown/><ID>20</ID>'
        "</GetOrganizationDetailsResponse>"
    )
    body = "<GetClientDetailsRequest><ID>20</ID></GetClientDetailsRequest>"
    _, found = sent("Client.GetClientDetails", body, answer)
    told_of = [path for code, path in found if code == "unknown-answer-element"]
    assert told_of == ["@v", "name/c", "name/@a", "unknown"]


def test_an_answer_tells_of_what_a_rule_takes_over() -> None:
    answer = (
        "<GetCallRulesInResponse x='1'><extendedNumber a='b'>0020*001<c/></extendedNumber>"
        "</GetCallRulesInResponse>"
    )
    body = "<GetCallRulesInRequest><userID>30</userID></GetCallRulesInRequest>"
    _, found = sent("Extension.GetCallRulesIn", body, answer)
    told_of = [path for code, path in found if code == "unknown-answer-element"]
    assert told_of == ["@x", "extendedNumber/c", "extendedNumber/@a"]
