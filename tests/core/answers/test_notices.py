"""Notices and the SOAP header: every answer with them is valid, and without them the same as ever."""

from __future__ import annotations

import random
from copy import deepcopy

import pytest
from lxml import etree

from shim.core.answers.notices import CODES, NAMESPACE, DeprecationDates, add_notices, has_room
from shim.core.commands.caller import Caller, NoticeForms
from shim.core.context import CallContext
from shim.core.findings import KINDS
from shim.core.message import Element
from shim.core.parse import SOAP, parse
from shim.interfaces.load import old
from tests.core.properties.test_properties import Mixed, answering
from tests.support.conversation import catalogue, old_request
from tests.support.messages import Messages
from tests.support.schemas import assert_valid

TRANSLATED = sorted(set(catalogue().translations) - {"Extension.AddExtension"})
"""All but the one whose random answers would need a world of their own."""
MOST = 11
BLOCK = f"{{{SOAP}}}Header/{{{NAMESPACE}}}deprecation"
EVERYTHING = DeprecationDates("2026-01-01", "2027-06-30", "https://voip.example/?a=1&b=2")


def answer(name: str, seed: int, tell: NoticeForms) -> bytes | None:
    """What a random call is answered, with more wrong about the request than notices can say."""
    source = random.Random(seed)
    operation = old().operations[name]
    request = old_request(operation, Messages(source).message(operation.input))
    for number in range(seed % 15):
        request = request.replace(b"</SOAP-ENV:Body>", b"<zq%d/></SOAP-ENV:Body>" % number)
    world = Mixed(answering(source), tell=tell, deprecation=EVERYTHING)  # type: ignore[arg-type]
    return world.run(operation, request).answer


def without_ours(message: bytes) -> list[Element]:
    """The children of an answer's body element, but for the notices that the shim adds."""
    return [each for each in parse(message).body.children if each.get("code") not in CODES.values()]


@pytest.mark.parametrize("name", TRANSLATED)
def test_answers_stay_valid_and_say_the_same_beside_what_is_told(name: str) -> None:
    room = has_room(catalogue().translations[name])
    for seed in range(10):
        quiet, loud = (
            answer(name, seed, tell) for tell in (NoticeForms(), NoticeForms(notices=True, header=True))
        )
        if quiet is None or loud is None:
            assert quiet is loud
            continue
        assert_valid(loud, old())
        assert without_ours(loud) == without_ours(quiet)
        ours = len(parse(loud).body.children) - len(without_ours(loud))
        block = etree.fromstring(loud).find(BLOCK)
        assert 0 <= ours <= MOST
        assert (ours > 0) <= room
        assert (block is not None) <= (not room)
        if seed % 15:
            assert ours or block is not None, "there was something to tell"
        assert etree.fromstring(quiet).find(BLOCK) is None


def test_every_severity_that_is_told_has_a_code_that_system_api_cannot_have() -> None:
    assert set(CODES) == {each.severity for each in KINDS.values()} - {"info"}
    assert all(len(code) == 4 and code.isdecimal() for code in CODES.values())
    assert len(set(CODES.values())) == len(CODES)


def test_a_hostile_path_cannot_make_a_notice_long_or_the_message_broken() -> None:
    translation = catalogue().translations["Client.GetClientDetails"]
    context = CallContext(
        catalogue(), Element("x"), Caller("tester", tell=NoticeForms(header=True)), translation=translation
    )
    context.find("unknown-element", "a/" * 5000 + '"<&>\x00', "<b>&\x01")
    body, block = add_notices(EVERYTHING, context, Element("GetClientDetailsResponse"), "<body/>")
    assert body == "<body/>"
    read = etree.fromstring(deepcopy(block))
    assert read.get("link") == EVERYTHING.link
    assert len(read[0].get("path") or "") == 400
    assert read[0].text == "<b>&\ufffd"
