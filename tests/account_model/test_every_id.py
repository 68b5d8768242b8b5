"""Each extension ID that any old answer shows can be used in the next call.

The world has users of v3 with several extensions, with one, with none, and with types that 2.5 cannot set up;
they are queues, agents, owners of numbers and of rules. Which elements of which answers name extensions is read
from the translations, so that a new one is walked as soon as it is declared.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shim.core.catalogue.translation import Translation
from shim.core.message import Element, spots
from shim.core.rules.extensions import AccountPath, Own, Owned, Refer
from shim.core.rules.rule import Rule
from shim.core.serialise import MessageWriter
from shim.emulator.world.world import Object
from shim.interfaces.load import old
from tests.account_model.driver import CLIENTS, PROVIDER, ModelFixture, Reply, shim

CLIENT = CLIENTS[0]
ODD = ("voicecenter", "callback", "callcard", "intercom", "queuecenter")
"""Types that SetupExtension of 2.5 has no settings for."""
SHOWING = {
    "Channel.GetPublicNo", "Channel.GetPublicNoPoll", "Extension.GetAuthCallerID", "Extension.GetCallRulesIn",
    "Extension.GetCardCode", "Extension.GetExtensionDetails", "Extension.GetExtensionPL",
    "Extension.GetExtensionSettings", "Extension.GetExtensions", "Extension.GetQueueAgents",
    "Extension.GetQueueMembership", "Extension.GetVoicemailSettings",
}  # fmt: skip
"""Answers that have to have shown an extension, else the walk was none."""


@pytest.fixture
def fixture() -> ModelFixture:
    fixture = ModelFixture()
    busy, odd = fixture.new_user(CLIENT, "busy"), fixture.new_user(CLIENT, "odd")
    for number, kind in enumerate(("term", "phoneQueue", "ivr", "term")):
        fixture.new_extension(busy, f"10{number}", kind)
    for number, kind in enumerate(ODD):
        fixture.new_extension(odd, f"20{number}", kind)
    fixture.new_extension(fixture.new_user(CLIENT, "plain"), "300", "term")
    fixture.new_user(CLIENT, "nobody")
    seed(fixture)
    fixture.map.rows.clear()  # a shim that has seen nothing yet
    return fixture


def seed(fixture: ModelFixture) -> None:
    """Agents, numbers, card codes, rules: on first and on second extensions."""
    ids = {row.get("extensionNo"): row.get("ID") or "" for row in extensions(fixture)}
    for agent in ("100", "103", "300"):
        did(fixture.call("AssignQueueAgent", ID=ids[agent], queueID=ids["101"]))
    trunk = tree("x", name="Trunk").children
    fixture.world.kept("Channel")[1] = Object("Channel", 1, ("account", 1), fixture.world.clock(), trunk)
    for key, owner in enumerate(("103", "202", "300"), 1):
        facts = {"phoneNo": f"555010{key}", "did": f"555010{key}", "channelID": "1"}
        made = Object("PublicNo", key, ("account", CLIENT), fixture.world.clock(), tree("x", **facts).children)
        made.held_by = f"{CLIENT:04d}*{owner}"
        fixture.world.kept("PublicNo")[key] = made
    for owner in ("103", "300"):
        rule = Element("rule", children=[tree("busy", number="123")])
        did(fixture.call("AddCallRulesIn", rule, userID=ids[owner]))


def did(reply: Reply) -> Reply:
    assert reply.fault is None, (reply.outcome.operation, reply.fault.text)
    return reply


def tree(element: str, /, **texts: str) -> Element:
    return Element(element, children=[Element(each, text) for each, text in texts.items()])


def extensions(fixture: ModelFixture) -> list[Element]:
    return fixture.call("GetExtensions", parentID=CLIENT).rows()


# ---- the walk ----


def rules_of(translation: Translation) -> Iterator[Rule]:
    for part in (translation, *translation.legs.values()):
        yield from part.declared.rules


def showing(translation: Translation) -> set[str]:
    """Where the answers of an operation name extensions, or accounts that may be some."""
    found = {
        rule.old
        for rule in rules_of(translation)
        if (isinstance(rule, Refer) and rule.by == "old_id" and rule.only != "request")
        or (isinstance(rule, Own) and rule.name == "old_id")
        or isinstance(rule, Owned)
        or (isinstance(rule, AccountPath) and rule.by == "old_id" and rule.only != "request")
    }
    return found | ({"extension/ID"} if translation.old.name == "GetExtensions" else set())


def ways_to_ask(translation: Translation, known: set[str]) -> Iterator[dict[str, str]]:
    """Requests that the schema allows: about nobody, about the client, about each extension."""
    writer = MessageWriter(old(), translation.old.input)
    who = (str(CLIENT), *sorted(known))
    named = [{name: each} for name in ("parentID", "userID", "ID", "queueID") for each in who]
    complex_type = translation.old.input.complex
    always = {"channelID": "1"} if complex_type and "channelID" in complex_type.slots else {}
    for fields in (always, *({**each, **always} for each in named)):
        _, unwritten = writer.write(tree(translation.old.input.name, **fields))
        if not unwritten:
            yield fields


def walk(fixture: ModelFixture) -> dict[str, set[str]]:
    """Every ID that a read shows, by the read; what it refuses, as 2.5 would have, is passed over."""
    shown: dict[str, set[str]] = {}
    known: set[str] = set()
    reads = [each for each in shim().catalogue.translations.values() if showing(each) and not each.writes]
    while True:
        before = len(known)
        for translation in reads:
            name = translation.old.full_name
            for fields in ways_to_ask(translation, set(known)):
                reply = fixture.call(name, **fields)
                if reply.fault is None:
                    found = (spots(reply.answer, path) for path in showing(translation))
                    said = {each.text or "" for places in found for each in places}
                    shown.setdefault(name, set()).update(said - {"", str(CLIENT), str(PROVIDER), "1"})
        known = set().union(*shown.values())
        if len(known) == before:
            return {name: ids for name, ids in shown.items() if ids}


def test_every_id_that_is_shown_can_be_used(fixture: ModelFixture) -> None:
    shown = walk(fixture)
    assert set(shown) >= SHOWING, SHOWING - set(shown)
    ids = set().union(*shown.values())
    assert ids == {row.get("ID") for row in extensions(fixture)}
    assert len(ids) == 10
    for each in sorted(ids):
        assert fixture.call("GetExtensionDetails", ID=each).get("ID") == each
        assert fixture.call("GetExtensionSettings", ID=each).get("ID") == each
        assert fixture.call("GetExtensionPL", ID=each).get("extensionPL/ID") == each
        assert fixture.call("SetVoicemail", ID=each, status="1").get("ID") == each
        assert fixture.call("SetExtensionStatus", ID=each, phoneStatus="1").get("ID") == each
        assert fixture.call("EditExtension", ID=each, name=f"Name {each}").get("ID") == each


def test_no_list_shows_a_user_without_extensions(fixture: ModelFixture) -> None:
    nobody = next(each for each in fixture.world.accounts.values() if each.login == "nobody")
    assert str(nobody.id) not in set().union(*walk(fixture).values())
    assert fixture.call("GetExtensionDetails", ID=nobody.id).code == "100"


def test_old_and_new_interfaces_have_no_read_that_is_not_walked() -> None:
    """Each read of Extension either names no extension or is walked."""
    walked = {each.old.name for each in shim().catalogue.translations.values() if showing(each)}
    reads = {name for name in old().services["Extension"].operations if name.startswith("Get")}
    assert reads - walked <= {
        "GetProvisionFile", "GetAvailableCallerID", "GetExtensionGroups", "GetCardCodeRecharges",
        "GetAuthCallerIDRecharges",
    }  # fmt: skip
