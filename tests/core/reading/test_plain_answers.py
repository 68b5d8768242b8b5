"""Long answers that are plain are read as a tree would be; whatever a tree shows better is left to it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core import parse as reading
from shim.core.errors import BackendError
from shim.core.message import NO_CHILDREN, Element, Envelope
from shim.core.parse import ANSWER_LIMITS, SOAP, SOAP_12, Limits, parse, parse_answer
from shim.core.reading.zero_ids import is_zero
from shim.interfaces.load import new
from tests.support.conversation import new_answer
from tests.support.messages import Messages
from tests.test_cases import FILES
from tests.test_cases import test_conversation as converse

XSI = "http://www.w3.org/2001/XMLSchema-instance"


@pytest.fixture(autouse=True)
def nothing_is_added_to_what_all_leaves_share() -> Iterator[None]:
    yield
    assert NO_CHILDREN == []


def message(body: str, header: str = "", space: str = SOAP) -> str:
    head = f"<E:Header>{header}</E:Header>" if header else ""
    spaces = f'xmlns:E="{space}" xmlns:n="urn:n" xmlns:m="urn:m" xmlns:x="{XSI}"'
    return f"<E:Envelope {spaces}>{head}<E:Body>{body}</E:Body></E:Envelope>"


def plain(text: str, limits: Limits = ANSWER_LIMITS) -> Envelope | None:
    return reading._plain(text.encode(), limits)


def tree(text: str, monkeypatch: pytest.MonkeyPatch) -> Envelope:
    with monkeypatch.context() as patch:
        patch.setattr(reading, "LONG", 1 << 40)
        return parse_answer(text.encode())


def same(one: Element, other: Element) -> bool:
    """Equal, and sent in the same way, which elements do not compare."""
    pairs = zip(one.children, other.children, strict=True)
    return one == other and one.sent == other.sent and all(same(*pair) for pair in pairs)


PLAIN = {
    "one element": "<n:a/>",
    "one text": "<n:a>x</n:a>",
    "rows": "<n:a><n:r><m:b>1</m:b><m:c>2</m:c></n:r><n:r><m:b>3</m:b><m:c>4</m:c></n:r></n:a>",
    "no prefix": "<a><r><b>1</b></r><r><b>2</b></r></a>",
    "optional": "<n:a>" + "<r><b>1</b><c/></r><r><c>2</c></r><r><b>3</b><d>4</d></r><r></r><r/>" * 9 + "</n:a>",
    "orders": "<n:a>" + "<r><b>1</b><c>2</c></r><r><c>2</c><b>1</b></r>" * 9 + "</n:a>",
    "repeats": "<n:a>" + "<r><b>1</b><b>2</b></r><r><b>1</b></r>" * 9 + "</n:a>",
    "levels": "<n:a>" + "<r><b>1</b><s><b>2</b></s></r><b>3</b><s><b>2</b></s>" * 9 + "</n:a>",
    "indented": "<n:a>\n" + "  <r>\n    <b>1</b>\n    <c>2 </c>\n  </r>\n" * 9 + "</n:a>",
    "indented later": "<n:a>" + "<r><b>1</b></r>" * 3 + "<r>\n<b>1</b>\n</r> <r><b>1</b></r>" * 3 + "</n:a>",
    "stray text": "<n:a>one<r> two <b>1</b> three <b>2</b></r> four " + "<r><b>1</b></r>five" * 5 + "</n:a>",
    "references to characters": "<n:a>" + "<r><b>&lt;&amp;&#38;&#x1F600;&quot;</b></r>&amp;" * 5 + "</n:a>",
    "ends of lines": "<n:a>\r\n" + "<r>\r<b>a\r\nb\rc&#13;</b></r>" * 5 + "</n:a>",
    "attributes": "<n:a>" + "<r><b unlimited='true'>1</b><c m:d=\"a&gt;b\"/></r>" * 5 + "</n:a>",
    "nil": "<n:a>" + '<r><b x:nil="true"/><c x:nil = "1" >2</c></r>' * 5 + "</n:a>",
    "blanks in tags": "<n:a >" + "<r ><b >1</b ><c /></r\n>" * 5 + "</n:a >",
    "beyond ASCII": "<n:a>" + "<r><b>Zoë 日本 \u00a0</b><ö>😀</ö></r>" * 5 + "</n:a>",
    "a type that says nothing": '<n:a><r><b x:type="n:string">1</b></r></n:a>',
    "zero": "<n:a>" + "<r><b> -0.0</b></r><r><b>0021</b></r>" * 5 + "</n:a>",
}
NOT_PLAIN = {
    "comment": "<n:a><!-- 1 --><r>2</r></n:a>",
    "CDATA": "<n:a><r><![CDATA[<b>]]></r></n:a>",
    "instruction": "<n:a><?php 1 ?><r>2</r></n:a>",
    "namespace inside": '<n:a xmlns:m="urn:other"><m:r>1</m:r></n:a>',
    "default namespace inside": '<a xmlns="urn:other"><r>1</r></a>',
    "undeclared prefix": "<n:a><q:r>1</q:r></n:a>",
    "reference": '<n:a><r href="#1"/></n:a><m:r id="1">x</m:r>',
    "id": '<n:a><r id="1">2</r></n:a>',
    "map": '<n:a xmlns:p="http://xml.apache.org/xml-soap"><r x:type="p:Map"><item/></r></n:a>',
    "base64": '<n:a xmlns:s="http://www.w3.org/2001/XMLSchema"><r x:type="s:base64Binary">eA==</r></n:a>',
    "> in an attribute": '<n:a><r b=">">1</r></n:a>',
    "two body elements": "<n:a/><n:b/>",
}


@pytest.mark.parametrize("body", PLAIN.values(), ids=PLAIN.keys())
def test_what_is_plain_is_read_as_from_a_tree(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (message(body), message(body, "<m:h><m:i>1</m:i></m:h><m:j>2</m:j>") + "\n"):
        read = plain(text)
        assert read is not None
        expected = tree(text, monkeypatch)
        assert read == expected
        assert same(read.body, expected.body)


@pytest.mark.parametrize("body", NOT_PLAIN.values(), ids=NOT_PLAIN.keys())
def test_what_is_not_is_left_to_a_tree(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert plain(message(body)) is None
    tree(message(body), monkeypatch)


@pytest.mark.parametrize(
    "text",
    [
        message("<n:a/>", space=SOAP_12),
        message("<n:a/>").replace("<E:Body>", "<E:Body/><E:Body>"),
        message("<n:a/>").replace("<E:Body>", "<E:Other/><E:Body>"),
        message("<n:a/>").replace("E:Envelope", "E:Letter"),
        message("<n:a>").replace("</E:Body>", ""),
        message("<n:a>\x01</n:a>"),
        message("<n:a><n:b></n:a>"),
        "<E:Envelope/>",
        "<a/>",
        "",
        "no XML",
    ],
)
def test_so_is_what_is_no_answer_or_an_unusual_one(text: str) -> None:
    assert plain(text) is None


def test_more_than_is_taken_is_told_as_a_tree_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = "<r><b>1</b></r>" * 9
    for limits, body in (
        (Limits(namespace=None, depth=4), f"<n:a>{rows}</n:a>"),
        (Limits(namespace=None, text=5), f"<n:a>{rows}<r>123456</r></n:a>"),
        (Limits(namespace=None, text=5), "<n:a>" + rows.replace("1", "123456") + "</n:a>"),
        (Limits(namespace=None, name=9), f"<n:a>{rows}<n:abcdefghij/></n:a>"),
        (Limits(namespace=None, attributes=1), f'<n:a>{rows}<r b="1" c="2"/></n:a>'),
    ):
        assert plain(message(body), limits) is None
        monkeypatch.setattr(reading, "LONG", 0)
        with pytest.raises(Exception, match=r"limit|most|than"):
            parse(message(body).encode(), limits=limits)


def test_a_document_type_is_refused_before_the_parser_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONG", 0)
    with pytest.raises(BackendError, match="doctype-refused"):
        parse_answer(b'<!DOCTYPE a [<!ENTITY e "x">]>' + message("<n:a>&e;</n:a>").encode())


@pytest.mark.parametrize("rows", [1, 400, 3000])
def test_rows_across_pieces_are_whole(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    some = (f"<r><b>{number}</b>{'<c>&amp;日本</c>' * (number % 3 > 0)}</r>" for number in range(rows))
    text = message(f"<n:a>{''.join(some)}</n:a>")
    assert plain(text) == tree(text, monkeypatch)


def test_it_is_known_whether_a_text_is_the_number_zero() -> None:
    for text in ("0", " -0.00 ", "+000", "\t0", "00.", "10", "0021*0001", "", "0a", "x", "-1", "\u00a00", "é"):
        for body in (f"<n:a>{text}</n:a>", "<n:a>" + "<r><b>1</b></r>" * 3 + f"<r><b>{text}</b></r></n:a>"):
            read = plain(message(body))
            assert read is not None
            assert read.zeros == is_zero(text), text


@given(st.integers(0, 2**32))
def test_answers_of_v3_are_read_as_from_a_tree(seed: int) -> None:
    source = random.Random(seed)
    operation = source.choice(sorted(new().operations.values(), key=lambda each: each.full_name))
    body = Messages(source, most=6).message(operation.output)
    with pytest.MonkeyPatch.context() as monkeypatch:
        data = new_answer(operation, body)
        document = data.decode().partition("\n")[2]
        read = plain(document)
        assert read is not None
        expected = tree(document, monkeypatch)
        assert read == expected
        assert same(read.body, expected.body)


_names = st.sampled_from(["r", "n:b", "m:c", "c", "d"])
_texts = st.text(st.sampled_from("a0 \n\r&<>é😀\u00a0]"), max_size=4)
_tags = st.sampled_from(["", ' x:nil="true"', " k='1'", ' m:k="&lt;"', ' href="#1"', ' xmlns="u"', "<!--c-->"])


def _written(name: str, tag: str, text: str, inner: list[str]) -> str:
    said = text.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")
    attributes, inside = ("", tag) if tag.startswith("<") else (tag, "")
    return f"<{name}{attributes}>{inside}{said}{''.join(inner)}</{name}>"


_leaves = st.builds(_written, _names, st.one_of(st.just(""), _tags), _texts, st.just([]))
_trees = st.recursive(
    _leaves, lambda inner: st.builds(_written, _names, st.just(""), _texts, st.lists(inner, max_size=5))
)


@given(st.lists(_trees, max_size=6), st.integers(1, 5))
def test_any_document_is_read_as_from_a_tree_or_left_to_it(parts: list[str], times: int) -> None:
    text = message(f"<n:a>{''.join(parts) * times}</n:a>")
    read = plain(text)
    with pytest.MonkeyPatch.context() as monkeypatch:
        if read is not None:
            expected = tree(text, monkeypatch)
            assert read == expected
            assert same(read.body, expected.body)


@pytest.mark.parametrize("file", FILES[::7], ids=lambda file: file.stem)
def test_conversations_are_the_same_whatever_their_size(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LONG", 0)
    converse(file)
