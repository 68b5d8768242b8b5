"""What the old server read of messages that no strict parser takes, or reads otherwise."""

from __future__ import annotations

import tracemalloc
from collections import Counter

import pytest
from lxml import etree

from shim.core.errors import CallerError
from shim.core.parse import parse
from shim.core.reading.credentials import credentials
from shim.core.reading.encodings import as_utf8
from shim.core.reading.multiref import References, Weight
from shim.interfaces.load import old
from tests.support.conversation import World

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENC = "http://schemas.xmlsoap.org/soap/encoding/"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
XSD = 'xmlns:xsd="http://www.w3.org/2001/XMLSchema"'


def envelope(body: str, header: str = "") -> str:
    return (
        f'<e:Envelope xmlns:e="{SOAP}" xmlns:n="{ENC}" {XSI} {XSD}><e:Header>{header}</e:Header>'
        f"<e:Body>{body}</e:Body></e:Envelope>"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ISO-8859-2", "Năsăud"),
        ("windows-1250", "Łódź"),
        ("windows-1251", "Мир"),
        ("KOI8-R", "Мир"),
        ("ISO-8859-9", "Gültig"),
        ("macroman", "Zoë"),
        ("cp437", "Gül"),
        ("Shift_JIS", "東京"),
        ("GB2312", "北京"),
        ("gb18030", "北京"),
        ("Big5", "台北"),
        ("EUC-KR", "서울"),
    ],
)
def test_declared_encodings(name: str, text: str) -> None:
    document = f'<?xml version="1.0" encoding="{name}"?>' + envelope(f"<a><b>{text}</b></a>")
    assert parse(document.encode(name)).body.get("b") == text


@pytest.mark.parametrize(
    "name",
    ["utf-7", "unicode_escape", "raw_unicode_escape", "charmap", "rot13", "idna", "base64", "cp037", "x"],
)
def test_codecs_that_are_no_encoding_of_messages_are_refused(name: str) -> None:
    document = f'<?xml version="1.0" encoding="{name}"?>' + envelope("<a/>")
    with pytest.raises(CallerError) as caught:
        parse(document.encode())
    assert caught.value.reason == "encoding-refused"


@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "windows-1252", "nonsense"])
def test_utf_8_goes_before_the_charset_of_the_content_type(charset: str) -> None:
    data = envelope("<a><b>Gültig €</b></a>").encode()
    assert parse(data, f"text/xml; charset={charset}").body.get("b") == "Gültig €"


def test_what_is_no_utf_8_is_read_as_the_content_type_says() -> None:
    data = envelope("<a><b>Łódź</b></a>").encode("iso-8859-2")
    assert parse(data, "text/xml; charset=ISO-8859-2").body.get("b") == "Łódź"
    with pytest.raises(CallerError, match="cannot be decoded as utf-8"):
        parse(data, "text/xml; charset=utf-8")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("\n  <![CDATA[A & B]]>\n  ", "A & B"),
        ("<![CDATA[A]]> <![CDATA[B]]>", "AB"),
        ("<![CDATA[ A ]]>", " A "),
        ("x <![CDATA[A]]> ", "x A"),
        (" <!-- > --> <![CDATA[A]]>", "A"),
        ("\n  <!-- c -->A", "A"),
        ("\n<!-- c -->\n<?p i?>\nA\n", "\nA\n"),
        ("A <!-- c -->", "A "),
        ("A<!-- c --> <!-- d -->B", "A B"),
        ("<!-- c --> A", " A"),
        ("<![CDATA[>  <]]>", ">  <"),
        ("<![CDATA[]]]]><![CDATA[>]]>", "]]>"),
    ],
)
def test_text_that_is_blank_vanishes_beside_cdata_and_before_comments(content: str, text: str) -> None:
    assert parse(envelope(f"<a><b c='>'>{content}</b></a>").encode()).body.get("b") == text


def test_looking_for_cdata_costs_the_same_for_each_byte() -> None:
    for part in (b"<!--", b"<?", b"<![CDATA[", b"<a'", b'<"', b"]]", b"<'<\""):
        document = b"<![CDATA[" + part * 100_000
        with pytest.raises(CallerError):  # a cost that grows with the square would take hours
            parse(document[: 1 << 20])


def test_a_nul_after_the_document() -> None:
    assert parse(envelope("<a><b>1</b></a>").encode() + b"\0").body.get("b") == "1"
    assert parse(envelope("<a><b>1</b></a>").encode() + b"\n\0\0").body.get("b") == "1"
    with pytest.raises(CallerError):
        parse(envelope("<a><b>\0</b></a>").encode())


def test_undeclared_prefixes_are_read_over_with_a_finding() -> None:
    message = parse(envelope("<q:a><z:b z:type='c'>1</z:b></q:a>").encode())
    assert (message.body.name, message.namespace, message.body.get("b")) == ("a", "", "1")
    assert message.notes == (("undeclared-prefix", ""),)


@pytest.mark.parametrize(
    "broken",
    ["<q:a><b></q:a>", "<q:a>&x;</q:a>", "<q:a b=c/>", "<q:a", "<q:a>&#1;</q:a>", "<q:X:/>", "<q:1x/>"],
)
def test_nothing_else_is_read_over_beside_undeclared_prefixes(broken: str) -> None:
    with pytest.raises(CallerError) as caught:
        parse(envelope(broken).encode())
    assert caught.value.reason == "malformed-xml"


@pytest.mark.parametrize("name", ["userCredentials", "UserCredentials", "usercredentials"])
def test_credentials_whatever_the_case(name: str) -> None:
    header = f"<{name}><Username>a</Username><PASSWORD>b</PASSWORD></{name}>"
    login = credentials(parse(envelope("<a/>", header).encode()).headers)
    assert (login.username, login.password) == ("a", "b")


def test_credentials_that_were_sent_as_base64() -> None:
    coded = '<password xsi:type="xsd:base64Binary">{}</password>'
    header = f"<userCredentials><username>a</username>{coded}</userCredentials>"
    for code, password in (("cMOkc3M=", "päss"), ("cORzcw==", "päss")):
        login = credentials(parse(envelope("<a/>", header.format(code)).encode()).headers)
        assert login.password == password


MULTIREF = (
    '<a><b href="#id0"/><c href="#id1"/></a>'
    '<multiRef id="id0">21</multiRef><multiRef id="id1"><d href="#id0"/></multiRef>'
)


def test_references_are_followed_under_the_name_of_what_refers() -> None:
    message = parse(envelope(MULTIREF).encode())
    assert [(path, text) for path, text in message.body.leaves()] == [("b", "21"), ("c/d", "21")]
    assert message.surplus == ()
    assert [each.sent for each in message.body.children] == [("reference",), ("reference",)]


def test_the_call_is_the_first_element_that_nothing_refers_to() -> None:
    message = parse(envelope('<multiRef id="x">5</multiRef><a><b href="#x"/></a><e/>').encode())
    assert (message.body.name, message.body.get("b"), message.surplus) == ("a", "5", ("e",))


def test_a_reference_brings_the_attributes_of_its_target() -> None:
    body = parse(envelope('<a><b unlimited="true" id="r">0</b><c href="#r">9</c></a>').encode()).body
    assert [(each.name, each.text, each.attributes) for each in body.children] == [
        ("b", "0", {"unlimited": "true"}),
        ("c", "0", {"unlimited": "true"}),
    ]


def test_references_of_soap_12_encoding() -> None:
    space = 'xmlns:q="http://www.w3.org/2003/05/soap-encoding"'
    assert parse(envelope(f'<a {space}><b q:id="x">1</b><c q:ref="x"/></a>').encode()).body.get("c") == "1"


@pytest.mark.parametrize("href", ["#nowhere", "cid:part1", "http://example.com/x"])
def test_a_reference_to_nothing_in_the_message_is_marked(href: str) -> None:
    body = parse(envelope(f'<a><b href="{href}"/></a>').encode()).body
    assert [(each.name, each.text, each.sent) for each in body.children] == [("b", "", ("nowhere",))]


@pytest.mark.parametrize(
    "circle",
    [
        '<z><a id="x"><b href="#x"/></a></z>',
        '<a><b id="x" href="#x"/></a>',
        '<a><b href="#x"/></a><m id="x"><c href="#y"/></m><m id="y"><d href="#x"/></m>',
    ],
)
def test_circles_are_refused(circle: str) -> None:
    with pytest.raises(CallerError) as caught:
        parse(envelope(circle).encode())
    assert caught.value.reason == "reference-circle"


def bomb(width: int, deep: int, leaf: str) -> bytes:
    """References to references: `width` to the power of `deep` leaves, once they are all followed."""
    levels = [f'<m id="r0">{leaf}</m>']
    for level in range(1, deep):
        inner = f'<c href="#r{level - 1}"/>' * width
        levels.append(f'<m id="r{level}">{inner}</m>')
    return envelope(f'<a><b href="#r{deep - 1}"/></a>' + "".join(levels)).encode()


@pytest.mark.parametrize(
    "data",
    [
        bomb(10, 9, "x"),
        bomb(2, 50, "x"),
        bomb(900, 3, "x"),
        bomb(500, 2, "y" * 100_000),
        envelope("<a>" + '<b href="#big"/>' * 900 + f'</a><m id="big">{"z" * 200_000}</m>').encode(),
    ],
)
def test_bombs_of_references_are_counted_after_expansion(data: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(CallerError) as caught:
            parse(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.reason == "over-limit"
    assert peak < 16 << 20, "less than sixteen times the largest message"


RECORD = "".join(f"<f{n}>value {n}</f{n}>" for n in range(10))


@pytest.mark.parametrize(
    "inside",
    [
        f'<m id="i">{RECORD}</m>' + '<b href="#i"/>' * 100,
        f'<m id="i">{"z" * 2_000}</m>' + '<b href="#i"/>' * 50,
        "".join(f'<ID href="#i{n}"/><m id="i{n}">7</m>' for n in range(900)),
    ],
    ids=["a-record-that-is-shared", "a-text-that-is-shared", "each-number-apart"],
)
def test_what_toolkits_share_is_taken_in_small_messages_as_well(inside: str) -> None:
    body = parse(envelope(f"<a>{inside}</a>").encode()).body
    assert {("reference" in each.sent) for each in body.children if each.name != "m"} == {True}
    assert {len(each.children) for each in body.children} <= {0, 10}


def test_a_target_is_weighed_once_however_often_it_is_referred_to() -> None:
    inside = "".join(f'<m id="i{n}">' for n in range(50)) + "</m>" * 50
    often = "".join(f'<b href="#i{n}"/>' for n in (*range(49, -1, -1), *range(50)))
    root = etree.fromstring(f"<a>{inside}{often}</a>")
    references = References(root, 1 << 20, 20_000, 1 << 20, 64)
    weighed = Counter[str]()
    real = references._of_content

    def watched(node: etree._Element, depth: int) -> Weight:
        weighed[node.get("id")] += 1
        return real(node, depth)

    references._of_content = watched  # type: ignore[method-assign]
    for node in root.iter("b"):
        assert references.enter(node.get("href")[1:]) is not None
        references.leave()
    assert weighed == Counter(f"i{n}" for n in range(50))


def test_depth_counts_through_references() -> None:
    levels = "".join(f'<m id="r{n}"><c href="#r{n - 1}"/></m>' for n in range(1, 80))
    with pytest.raises(CallerError, match="deep"):
        parse(envelope(f'<a><b href="#r79"/></a><m id="r0">1</m>{levels}').encode())


def test_a_document_of_undeclared_prefixes_costs_no_more_than_another() -> None:
    data = envelope("<a>" + '<q:b z:y="1"/>' * 990 + "</a>").encode()
    tracemalloc.start()
    parse(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 * len(data)


def test_how_values_were_sent_is_noted() -> None:
    body = parse(
        envelope(
            '<a><l n:arrayType="xsd:int[1]"><item>1</item></l><t xsi:type="xsd:base64Binary">Zg==</t>'
            '<h xsi:type="xsd:hexBinary">66</h><s xsi:type="n:base64">Zg==</s>'
            '<m xmlns:p="http://xml.apache.org/xml-soap" xsi:type="p:Map">'
            "<item><key>k</key><value>v</value></item></m></a>"
        ).encode()
    ).body
    assert [each.sent for each in body.children] == [("array",), ("base64",), ("hex",), (), ("map",)]
    assert body.get("m/k") == "v"


def test_a_document_without_declaration_is_taken_as_it_is() -> None:
    assert as_utf8(b"  <a/>", "text/xml") == b"<a/>"


def read_cost(message: bytes) -> float:
    """How many times its size a message costs when it is parsed and read, at its peak."""
    world = World(lambda call, request: b"")
    tracemalloc.start()
    try:
        world.run(old().operations["Client.EditClient"], message)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak / len(message)


def edit(inner: str) -> bytes:
    login = "<userCredentials><username>a</username><password>b</password></userCredentials>"
    return envelope(f"<EditClientRequest><ID>20</ID>{inner}</EditClientRequest>", login).encode()


ITEM = '<item xsi:type="n:Array" n:arrayType="x[1]">'


@pytest.mark.parametrize(
    "inner",
    [
        '<company xsi:type="xsd:base64Binary">' + "QUFB" * 60_000 + "</company>",
        '<company xsi:type="xsd:hexBinary">' + "41" * 100_000 + "</company>",
        '<ID n:arrayType="xsd:int[990]">' + "<item>1</item>" * 990 + "</ID>",
        ('<link n:arrayType="x[19]">' + "<item>1</item>" * 900 + "</link>") * 19,
        ITEM.replace("item", "link", 1) + ITEM * 50 + "</item>" * 50 + "</link>",
        "".join(f'<company id="c{n}" xsi:type="xsd:base64Binary">QUFB</company>' for n in range(900)),
        '<company href="#big"/>' * 5 + f'<name id="big" xsi:type="xsd:base64Binary">{"QUFB" * 40_000}</name>',
    ],
)
def test_bombs_of_arrays_and_base64_stay_below_a_hundred_times_their_size(inner: str) -> None:
    message = edit(inner)
    read_cost(message)  # tables that are made once are not the message's
    assert read_cost(message) < 100
