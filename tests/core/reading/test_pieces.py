"""Long bytes are searched bit by bit with the same result, and long trees are given up whole."""

from __future__ import annotations

import weakref
from typing import Any, SupportsIndex

import pytest
from lxml import etree

from shim.core.message import Element
from shim.core.parse import ANSWER_LIMITS, parse
from shim.core.reading import pieces
from shim.core.reading.encodings import as_utf8
from shim.core.reading.pieces import PIECE, count, give_up, has, parts_of, take_apart
from shim.core.reading.zero_ids import may_have_zeros

SOAP = (
    b'<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Body><m>%s</m></E:Body></E:Envelope>'
)


@pytest.mark.parametrize("at", [0, 1, PIECE - 2, PIECE - 1, PIECE, 2 * PIECE - 1, 2 * PIECE + 7])
def test_what_stands_across_two_pieces_is_found_and_counted_once(at: int) -> None:
    data = b"." * at + b"</x" + b"." * (3 * PIECE - at)
    assert has(data, b"</x")
    assert count(data, b"</") == data.count(b"</") == 1
    assert has(data, b"</x", at)
    assert not has(data, b"</x", at + 1)
    assert not has(data, b"</y")


@pytest.mark.parametrize("filler", [b"<ID>1</ID>", b"x" * 997 + b"<a/>", b"x"])
def test_a_zero_is_seen_wherever_it_stands(filler: bytes) -> None:
    around = filler * (PIECE // len(filler) + 3)
    assert not may_have_zeros(around)
    for cut in range(PIECE - 12, PIECE + 12):
        assert may_have_zeros(around[:cut] + b"<ID>  0 </ID>" + around)
    assert may_have_zeros(around + around + b"<ID>0</ID>")
    assert not may_have_zeros(b"")


TEXT = "<a>" + "Zoë 日本 " * (PIECE // 8) + "</a>"
BEGINNINGS = (
    *("", "\ufeff", "  \n", '<?xml version="1.0"?>', '\ufeff<?xml version="1.0" encoding="UTF-8"?>\n '),
    *(
        '<?xml version="1.0" encoding="utf-8" ?>\n\ufeff',
        "\x0b",
        '<?xml version="1.0"' + " " * 5000 + "?>",
        "no XML",
    ),
)


@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("content_type", ["", "text/xml; charset=utf-8", "text/xml; charset=iso-8859-1"])
def test_a_long_document_becomes_the_utf_8_that_a_short_one_would(
    beginning: str, content_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = (beginning + TEXT).encode()
    assert len(data) > PIECE
    bit_by_bit = as_utf8(data, content_type)
    monkeypatch.setattr("shim.core.reading.encodings.PIECE", len(data))
    assert bit_by_bit == as_utf8(data, content_type)


@pytest.mark.parametrize("codec", ["iso-8859-1", "utf-16"])
def test_a_long_document_that_is_not_utf_8_is_converted(codec: str) -> None:
    text = "<a>" + "Zoë " * PIECE + "</a>"
    declared = f'<?xml version="1.0" encoding="{codec}"?>{text}'.encode(codec)
    assert as_utf8(declared, "") == text.encode()
    assert as_utf8(text.encode("iso-8859-1"), "text/xml; charset=iso-8859-1") == text.encode()


class Attributes(dict[str, str]):
    """Those of one element, which end with it: compiled elements know no weak references."""


def test_a_long_tree_is_given_up_whole_and_not_before_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        Element("row", attributes=Attributes(a="b"), children=[Element("ID", str(number))])
        for number in range(1000)
    ]
    living = [weakref.ref(each.attributes) for each in rows]
    pages = [Element("page", children=rows[:500]), Element("page", children=rows[500:])]
    tree = Element("list", children=pages)
    held = [parts_of(tree)]
    del rows, pages, tree
    assert all(each() is not None for each in living), "the parts hold it"
    give_up(held)
    assert held == []
    assert all(each() is None for each in living)


def test_a_tree_without_a_long_level_has_no_parts() -> None:
    assert parts_of(Element("a", children=[Element("b", "text")])) == []


def test_a_tree_of_lxml_is_taken_apart_row_by_row() -> None:
    root = etree.fromstring(SOAP % (b"<row><ID>1</ID></row>text" * 3000))
    take_apart(root)
    assert len(root[0][0]) == 0
    small = etree.fromstring(SOAP % b"<row/>")
    take_apart(small)
    assert etree.tostring(small)


class Nodes(list["Nodes"]):
    """Children of a node. Each slice of them would be as much work as there are, so that none is taken."""

    def __delitem__(self, which: SupportsIndex | slice) -> None:
        assert which == 0
        super().__delitem__(which)


def test_taking_a_tree_apart_is_as_much_work_as_there_are_rows() -> None:
    root: Any = Nodes([Nodes([Nodes(Nodes() for _ in range(3000))])])
    take_apart(root)
    assert root == [[[]]]


def test_a_long_answer_is_parsed_as_a_short_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    message = SOAP % (b"<row><ID>7</ID><name>Zo\xc3\xab</name></row>" * 40_000)
    assert len(message) > PIECE
    long = parse(message, "text/xml; charset=utf-8", ANSWER_LIMITS)
    for module in ("shim.core.parse", "shim.core.reading.encodings"):
        monkeypatch.setattr(f"{module}.PIECE", len(message))
    monkeypatch.setattr(pieces, "PIECE", len(message))
    assert long.body == parse(message, "text/xml; charset=utf-8", ANSWER_LIMITS).body
    assert len(long.body.children) == 40_000
