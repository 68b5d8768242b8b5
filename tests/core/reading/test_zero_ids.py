"""0 is no ID, wherever one is due: it is not given, and a finding says so."""

from __future__ import annotations

import pytest

from shim.core.message import Element
from shim.core.reading.zero_ids import is_zero, may_have_zeros, without_zeros
from shim.core.schema.interface import ElementDecl, Interface, Operation, paths
from shim.interfaces.load import new, old

REQUESTS = 264
"""The request paths of 2.5 that hold an ID."""


def ids(interface: Interface, side: str) -> list[tuple[Operation, str]]:
    """Every path of a side whose type begins at 1."""
    return [
        (operation, path)
        for operation in interface.operations.values()
        for path, decl in paths(operation.input if side == "input" else operation.output)
        if isinstance(decl, ElementDecl) and decl.simple is not None and decl.simple.base == "positiveInteger"
    ]


def message(name: str, path: str, text: str) -> Element:
    """A message with one element at a path."""
    first, *rest = reversed(path.split("/"))
    made = Element(first, text)
    for each in rest:
        made = Element(each, children=[made])
    return Element(name, children=[made])


def cleaned(decl: ElementDecl, root: Element) -> tuple[Element, list[tuple[str, str]]]:
    found: list[tuple[str, str]] = []
    return without_zeros(root, decl.complex, lambda code, path: found.append((code, path))), found


def test_there_is_no_path_too_few() -> None:
    assert len(ids(old(), "input")) == REQUESTS


@pytest.mark.parametrize("text", ["0", " 0 ", "00", "+0", "-0", "0.0"])
def test_every_id_of_a_request_that_is_0_is_not_given(text: str) -> None:
    for operation, path in ids(old(), "input"):
        request = message(operation.input.name, path, text)
        left, found = cleaned(operation.input, request)
        assert found == [("zero-as-absent", path)], operation.full_name
        assert left.get(path) is None
        assert request.get(path) == text, "what came is not changed"


def test_every_id_of_an_answer_of_v3_that_is_0_is_not_given() -> None:
    for operation, path in ids(new(), "output"):
        left, found = cleaned(operation.output, message(operation.output.name, path, "0"))
        assert found == [("zero-as-absent", path)], operation.full_name
        assert left.get(path) is None


@pytest.mark.parametrize("text", ["1", "10", "", " ", "0x0", "null", "0,0", "-1"])
def test_what_is_not_0_stays_and_is_the_same_message(text: str) -> None:
    for operation, path in ids(old(), "input"):
        request = message(operation.input.name, path, text)
        left, found = cleaned(operation.input, request)
        assert left is request
        assert not found


def test_a_0_that_is_a_number_stays() -> None:
    operation = old().operations["Client.SetClientPL"]
    request = Element("r", children=[Element("phoneExtMax", "0", {"unlimited": "false"}), Element("ID", "20")])
    assert cleaned(operation.input, request)[0] is request


def test_what_is_looked_for_is_found_before_it_is_parsed() -> None:
    assert is_zero("0")
    assert not is_zero(None)
    assert may_have_zeros(b"<a><templateID>0</templateID></a>")
    assert may_have_zeros(b"<a><b> +00 </b></a>")
    assert not may_have_zeros(b"<a><b>10</b><c>x0</c><d/></a>")
