"""Samples show how a call was made and what it became, and nothing of what was in it."""

from __future__ import annotations

import json
import random

import pytest
from lxml import etree

from shim.core.commands.backend import Call
from shim.core.message import Element
from shim.core.schema.interface import ElementDecl, Operation, paths
from shim.core.serialise import MessageWriter
from shim.edge.deprecation.samples import MOST_CALLS, new_shape, old_shape, sample
from shim.interfaces.load import new, old
from tests.support.messages import Messages

ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"


def made(operation: Operation, request: Element) -> Call:
    writer = MessageWriter(new(), operation.input)
    body, _ = writer.write(request)

    def envelope(token: str) -> bytes:
        return writer.envelope(body, Element("userCredentials", children=[Element("accessToken", token)]))

    return Call(operation.service, operation.name, "/there", operation.soap_action, envelope, False)


def test_values_go_and_words_of_the_interface_stay() -> None:
    request = Element(
        "SetClientPLRequest",
        children=[
            Element("ID", "21"),
            Element("phoneExtMax", "12", {"unlimited": "false"}),
            Element("permission", "Jane"),
            Element("MyVoipNowManag", "standard"),
            Element("extensionManag", "true"),
            Element("company", "", {"zz": "Jane"}),
        ],
    )
    assert old_shape(old(), request).split("\n") == [
        "<SetClientPLRequest>",
        "  <ID>{ID}</ID>",
        '  <phoneExtMax unlimited="false">{phoneExtMax}</phoneExtMax>',
        "  <permission>{permission}</permission>",
        "  <MyVoipNowManag>standard</MyVoipNowManag>",
        "  <extensionManag>true</extensionManag>",
        '  <company zz="{zz}"></company>',
        "</SetClientPLRequest>",
    ]


def test_a_v3_envelope_is_shown_whole() -> None:
    operation = new().operations["Organization.AddOrganization"]
    request = Element("AddOrganization", children=[Element("name", "Jane"), Element("country", "us")])
    shape = new_shape(new(), made(operation, request).envelope("{accessToken}"))
    root = etree.fromstring(shape)
    texts = [each.text for each in root.iter() if isinstance(each.tag, str) and not len(each)]
    assert texts == ["{accessToken}", "{name}", "{country}"]
    assert [each.tag.rpartition("}")[2] for each in root] == ["Header", "Body"]
    assert shape.count("\n") > 6


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("side", ["old", "new"])
def test_no_value_of_any_message_is_in_its_sample(side: str, seed: int) -> None:
    """For every operation of both interfaces: what is neither enumerated nor boolean is replaced."""
    interface = old() if side == "old" else new()
    for number, operation in enumerate(interface.operations.values()):
        messages = Messages(random.Random(f"{seed} {number}"), full=0.95)
        message = _marked(messages.message(operation.input))
        if side == "old":
            shape = old_shape(interface, message)
        else:
            shape = new_shape(interface, made(operation, message).envelope("{accessToken}"))
        assert "zq" not in shape, operation.full_name
        _stands_for(operation.input, etree.fromstring(shape), side)


def _marked(element: Element) -> Element:
    """The message with a mark in every text that its interface does not enumerate."""
    for child in element.children:
        _marked(child)
    if element.text and element.text not in ("0", "1", "true", "false") and not _is_word(element.text):
        element.text = f"zq{element.text}"
    return element


_WORDS = {
    word
    for interface in (old(), new())
    for operation in interface.operations.values()
    for _, decl in paths(operation.input)
    if (simple := decl.simple if isinstance(decl, ElementDecl) else decl.type) is not None
    for word in simple.enum
}


def _is_word(text: str) -> bool:
    return text in _WORDS


def _stands_for(decl: ElementDecl, root: etree._Element, side: str) -> None:
    """Every leaf is empty, the name of its element in braces, or a word."""
    for each in root.iter():
        if isinstance(each.tag, str) and not len(each) and each.text:
            name = each.tag.rpartition("}")[2]
            assert each.text in (f"{{{name}}}", "0", "1", "true", "false") or _is_word(each.text), (side, name)


def test_long_lists_are_cut_and_say_so() -> None:
    request = Element("DelClientRequest", children=[Element("ID", str(number)) for number in range(1, 901)])
    shape = old_shape(old(), request)
    assert shape.count("<ID>{ID}</ID>") == 3
    assert "<!-- 897 more -->" in shape
    writer = made(new().operations["Organization.DelOrganization"], Element("DelOrganization", children=[
        Element("ID", str(number)) for number in range(1, 901)
    ]))  # fmt: skip
    shape = new_shape(new(), writer.envelope("{accessToken}"))
    assert shape.count("{ID}") == 3
    assert "<!-- 897 more -->" in shape


def test_a_message_of_many_elements_becomes_a_small_sample() -> None:
    deep = Element("x", children=[Element(f"n{number}", children=[Element(f"m{each}") for each in range(100)])
                                  for number in range(200)])  # fmt: skip
    shape = old_shape(old(), deep)
    assert shape.count("<m") < 1100
    assert "more" in shape


def test_of_many_v3_calls_the_first_are_shown() -> None:
    call = made(new().operations["Organization.GetOrganizations"], Element("GetOrganizations"))
    told = json.loads(sample(old(), new(), Element("GetClientsRequest"), [call] * MOST_CALLS, more=5))
    assert (len(told["calls"]), told["more"]) == (MOST_CALLS, 5)
    assert "more" not in json.loads(sample(old(), new(), Element("GetClientsRequest"), [call]))


def test_nil_is_part_of_the_shape() -> None:
    shape = old_shape(old(), Element("AddClientRequest", children=[Element("name", None, nil=True)]))
    assert 'nil="true"' in shape
