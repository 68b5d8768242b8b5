"""Short messages that are plain are read as a tree would be; whatever a tree shows better is left to it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shim.core.errors import Fault
from shim.core.message import Element, Envelope
from shim.core.parse import SOAP, SOAP_12, Limits, parse
from shim.core.reading import short_messages
from shim.core.reading.encoded_types import XSI
from shim.core.reading.short_messages import SHORT, cut, pieces_of
from shim.core.serialise import MessageWriter
from shim.interfaces.load import new, old
from tests.support.messages import Messages


def message(body: str, *, header: str = "", space: str = SOAP, more: str = f' xmlns:xsi="{XSI}"') -> str:
    head = f"<E:Header>{header}</E:Header>" if header else ""
    return f'<E:Envelope xmlns:E="{space}" xmlns:n="urn:n"{more}>{head}<E:Body>{body}</E:Body></E:Envelope>'


def is_cut(text: str) -> bool:
    pieces = pieces_of(text.encode())
    return bool(pieces) and cut(pieces, 64, 256, SHORT, 64) is not None


def of_tree(text: str, limits: Limits) -> Envelope | tuple[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(short_messages, "SHORT", 0)
        return read(text, limits)


def read(text: str, limits: Limits) -> Envelope | tuple[str, str]:
    try:
        return parse(text.encode(), "", limits, empty=True)
    except Fault as fault:
        return fault.reason, fault.text


def same(one: Element, other: Element) -> bool:
    """Equal, and sent in the same way, which elements do not compare."""
    pairs = zip(one.children, other.children, strict=True)
    return one == other and one.sent == other.sent and all(same(*pair) for pair in pairs)


def assert_same(text: str, limits: Limits | None = None) -> None:
    limits = limits or Limits()
    one, other = read(text, limits), of_tree(text, limits)
    assert one == other, text
    if isinstance(one, Envelope) and isinstance(other, Envelope):
        blocks = zip([one.body, *one.headers], [other.body, *other.headers], strict=True)
        assert all(same(*pair) for pair in blocks), text


PLAIN = {
    "one element": "<n:a/>",
    "leaves": "<n:a><n:b>1</n:b><n:c></n:c><n:d > x </n:d ></n:a>",
    "levels and stray text": "<a> s <b>t<c>1</c>u</b>v</a>",
    "declared on it": '<a xmlns="urn:a"><b xmlns:q="urn:q">1</b></a>',
    "attributes": '<a><b unlimited=\'true\' x = "">1</b><b unlimited="false"/></a>',
    "a null": '<a><n:b xsi:nil="true"/><n:b xsi:nil="1"></n:b><n:b xsi:nil="false">1</n:b></a>',
    "types": '<a><b xsi:type="xsd:string">1</b><b xsi:type="">2</b></a>',
    "escaped twice": "<a><b/>&amp;lt;</a>",
    "escaped": "<a><b>x &lt; y &amp;lt; z</b>&gt;&quot;&apos;</a>",
    "other letters": "<a><b>Zoë 日本</b></a>",
}


@pytest.mark.parametrize("body", PLAIN.values(), ids=PLAIN)
def test_what_is_plain_is_cut_and_the_same_as_from_a_tree(body: str) -> None:
    text = message(body, header='<n:userCredentials><n:username x="1">u</n:username></n:userCredentials>')
    assert is_cut(text)
    for _ in range(2):  # its tags are known the second time
        assert_same(text)


NOT_PLAIN = {
    "a comment": "<a><!-- <b>1</b> --></a>",
    "a section": "<a><![CDATA[<b>]]></a>",
    "an instruction": "<a><?x y?></a>",
    "a character": "<a>&#48;</a>",
    "ends of lines": "<a>\r\n</a>",
    "a reference": '<a><b href="#i"/><c id="i">1</c></a>',
    "base64": '<a xsi:type="xsd:base64Binary">MQ==</a>',
    "another namespace": '<a n:x="1"/>',
    "another meaning": '<a xmlns:xsi="urn:x" xsi:nil="true"/>',
    "a value with a tag's end": '<a b="x>y">1</a>',
    "a blank in a value": '<a b="x\ty">1</a>',
}


@pytest.mark.parametrize("body", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_what_is_not_is_left_to_the_tree(body: str) -> None:
    assert not is_cut(message(body))
    assert_same(message(body))


@pytest.mark.parametrize(
    "text",
    [
        message("<a/>", space=SOAP_12),
        message(""),
        message("<a/><b/>"),
        message('<a xsi:nil="true"/>', more=""),
        message("<m:a/>"),
        message("<a></b>"),
        message("<a>"),
        message("<a/>") + "<b/>",
        message("<a/>") + " x",
        "<a/>",
        "<<a>",
        "</a>",
        "<",
        "<>",
    ],
)
def test_so_are_unusual_forms_and_what_is_broken(text: str) -> None:
    assert_same(text)


@pytest.mark.parametrize(
    "limits",
    [
        *(Limits(depth=3), Limits(depth=4), Limits(name=3), Limits(text=3), Limits(repeats=2)),
        *(Limits(attributes=0), Limits(attributes=1), Limits(elements=6), Limits(namespace=20)),
    ],
)
def test_limits_are_those_of_a_tree(limits: Limits) -> None:
    for body in (*PLAIN.values(), "<a><longer>text</longer></a>", '<a b="1" c="2"/>', "<a><b/><b/><b/></a>"):
        assert_same(message(body))  # its tags are known by then
        assert_same(message(body), limits)


def test_long_ones_and_others_encoded_are_not_taken() -> None:
    assert pieces_of(message("<a>" + "x" * SHORT + "</a>").encode()) == []
    assert pieces_of(message("<a>ë</a>").encode("latin-1")) == []


def test_only_so_many_tags_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_messages, "_local_names", {})
    kept = short_messages._local_names
    for number in range(5_000):
        short_messages.cut(["", f"a{number}/>"], 64, 256, SHORT, 64)
    assert 4_000 < len(kept) <= 4_096


_PARTS = (
    *("<", "</a>", ">", "<a>", "<a/>", "&amp;", "&", "\r\n", " ", "\n", "<!-- x -->", "<![CDATA[a]]>"),
    *("<?x y?>", " a='b'", ' id="3"', ' href="#1"', " xmlns:q='u'", ' q:z="1"', "é", "/", '"', "'"),
    *("<b >x</b >", "<E:b/>", "<c\n d = 'e>f'/>", "x:y", "\t", "]]>", ":", " unlimited='true'"),
    *(' xsi:nil="true"', ' xsi:type="q:Map"', "<a/>&amp;lt;"),
)


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 2**16), st.sampled_from(_PARTS)), max_size=3))
def test_any_message_is_read_as_from_a_tree(seed: int, changes: list[tuple[int, str]]) -> None:
    source = random.Random(seed)
    interface = source.choice([old(), new()])
    operation = source.choice(list(interface.operations.values()))
    decl = source.choice([operation.input, operation.output])
    writer = MessageWriter(interface, decl)
    body = writer.write(Messages(source, full=source.random(), most=2).message(decl))[0]
    login = Element("userCredentials", children=[Element("username", "u"), Element("password", "p w")])
    text = writer.envelope(body, login).decode()
    for place, part in changes:
        at = text.find(source.choice("<>"), place % len(text)) + source.randrange(2)
        text = text[:at] + part + text[at + source.choice([0, 0, 1, 3]) :]
    assert_same(text)
