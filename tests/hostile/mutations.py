"""Inputs for the whole way: well-formed ones of every operation, and what chance makes of them."""

from __future__ import annotations

import base64
import gzip
import random
from collections.abc import Iterator
from functools import cache

from shim.core.message import Element
from shim.interfaces.load import old
from tests.hostile.shapes import ENCODING, SOAP, XSD, XSI, hostile
from tests.hostile.whole import put_together
from tests.support.conversation import old_request
from tests.support.messages import Messages

DIGITS = "9" * 5_000
VALUES = (
    *(DIGITS, f"-{DIGITS}", f"1.{DIGITS}", f"{DIGITS}e{DIGITS}", "1e999999999", "1E-999999999", "0" * 5_000),
    *(
        "inf",
        "-INF",
        "NaN",
        "nan(7)",
        "-0",
        "+0",
        "1_000",
        "0x7f",
        "1e",
        "--1",
        "\u0661\u0662",
        "\u00b2",
        "\u2460",
    ),
    *(f"{DIGITS}-01-01", "0000-00-00", "2011-02-30", "2011-13-01", "99999-12-31", "-0001-01-01T24:00:00Z"),
    *("2011-03-31T25:61:61+99:99", "24:00:00", "2011-03-31T00:00:00." + "9" * 500, "2011-W01-1", "10000-01-01"),
    *("true" * 50, "TRUE", " ", "\t\n", "\u00a0", "\u2028", "\ufffd", "\ufffe"[:0], "\U0010ffff", "\x85"),
    *(
        "a" * 3_000,
        "a@" * 1_000,
        "a." * 1_000 + "!",
        "-" * 2_000,
        "(" * 1_000,
        "1," * 2_000,
        "%s%n%00",
        "../" * 200,
    ),
    *("A" * 4_001, "QUFB" * 900 + "=", "====", "&amp;" * 500, "&#x10ffff;", "]]&gt;", "*" * 300, "\\" * 300),
    *("0*" * 700, "0003*" * 300, "1;" * 900, "'" * 800, "“" * 300 + "“", "2147483648", "4294967296", "1" * 41),
)
"""Texts that have broken readers of numbers, dates and patterns."""
_ATTRIBUTES = (
    *(f'xmlns:i="{XSI}" i:nil="true"', f'xmlns:i="{XSI}" i:nil="1"', 'href="#a"', 'id="a"', 'id="a" href="#a"'),
    *(f'xmlns:i="{XSI}" xmlns:d="{XSD}" i:type="d:base64Binary"', 'href="cid:x"', 'unlimited="maybe"'),
    *(
        f'xmlns:i="{XSI}" xmlns:d="{XSD}" i:type="d:hexBinary"',
        f'xmlns:c="{ENCODING}" c:arrayType="c:x[9999999]"',
    ),
    *(f'xmlns:c="{ENCODING}" xmlns:i="{XSI}" i:type="c:Array"', 'xmlns=""', 'xmlns:p="urn:p" p:a="1" q:b="2"'),
    *('xmlns:m="http://xml.apache.org/xml-soap" i:type="m:Map"', f'xmlns:e="{SOAP}" e:mustUnderstand="1"'),
    *('xml:space="preserve"', 'xml:id="a"', 'ref="#a"', 'ref=""', 'a="' + "&#9;" * 200 + '"', 'unlimited="1"'),
)
_PIECES = (
    *(
        b"<!DOCTYPE x>",
        b"<![CDATA[",
        b"]]>",
        b"<!--",
        b"-->",
        b"<?xml",
        b"<?x ?>",
        b"&lt;",
        b"&#0;",
        b"&#xd800;",
    ),
    *(b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"<", b">", b"/>", b"'", b'"', b"=", b"\r\n\r\n", b"\n\n"),
    *(
        b"<a/>",
        b"</a>",
        b"<a>",
        b"xmlns:x='urn:x' ",
        b"x:",
        b" ",
        b"accessToken",
        b"userCredentials",
        b":",
        b"#",
    ),
    *(
        b"<item>1</item>",
        b"<item><key>a</key><value>b</value></item>",
        b"Envelope",
        b"Body",
        b"Header",
        b"Request",
    ),
)
_PATHS = (
    "/soap2/{}_agent.php",
    "//soap2/./{}_agent.php",
    "/soap2/{}_agent.php/x/y",
    "/soap2/{}%5fagent.php",
    "/",
)
_HEADERS = (
    {"Content_Type": "text/xml; charset=utf-8"},
    {"Content_Type": "text/xml; charset=utf-16"},
    {"Content_Type": "application/soap+xml; charset=iso-8859-1; action=" + '"' * 400},
    {"Content_Type": 'application/soap+xml; action="http://4psa.com/Client/2.5.1:clientGetClientsIn"'},
    {"Content_Type": 'multipart/related; boundary="' + "b" * 400},
    {"Content_Type": "text/xml; " + "charset=" * 500},
    {"Content_Type": "text/xml;" + "action = " * 500},
    {"SOAPAction": '"' + "GetClients" * 100},
    {"SOAPAction": "\"http://4psa.com/Client/2.5.1:GetClients' " + " " * 2_000},
    {"Content_Encoding": "gzip"},
    {"Content_Encoding": "deflate, gzip"},
    {"User_Agent": "PHP-SOAP/" + "9" * 2_000},
    {"User_Agent": "luasocket python-urllib mozilla/5.0"},
)


@cache
def seeds() -> tuple[bytes, ...]:
    """Three messages of every operation, and the hostile ones that are small."""
    made: list[bytes] = []
    for number, operation in enumerate(old().operations.values()):
        endpoint = old().services[operation.service].endpoint
        for full in (0.2, 0.6, 0.95):
            request = Messages(random.Random(number), full).message(operation.input)
            made.append(put_together(endpoint, old_request(operation, request), Content_Type="text/xml"))
    small = (each for each in hostile().values() if len(each) < 20_000)
    return (*made, *(put_together("/soap2/client_agent.php", each) for each in small))


def inputs(seed: int, count: int) -> Iterator[bytes]:
    """So many inputs, always the same for a seed. The first have every value at a place of every operation."""
    source = random.Random(seed)
    for number in range(count):
        yield _with_value(source) if number % 2 else mutated(source.choice(seeds()), source)


def _with_value(source: random.Random) -> bytes:
    """A valid message but for the texts of some leaves."""
    operation = source.choice(list(old().operations.values()))
    request = Messages(source).message(operation.input)
    leaves = list(_leaves(request))
    marks: dict[str, str] = {}
    for leaf in source.sample(leaves, min(len(leaves), source.randint(1, 4))):
        mark = f"mark-{len(marks)}-mark"
        marks[mark] = source.choice(VALUES)
        leaf.text = mark
    body = _loosely(request, marks)
    endpoint = old().services[operation.service].endpoint
    return put_together(endpoint, body, Content_Type="text/xml; charset=utf-8")


def _leaves(element: Element) -> Iterator[Element]:
    for child in element.children:
        if child.children:
            yield from _leaves(child)
        else:
            yield child


def _loosely(request: Element, marks: dict[str, str]) -> bytes:
    """A message as an old script writes it, with texts that no writer of ours would let through."""
    text = _enveloped(_text(request))
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text.encode("utf-8", "surrogatepass")


def _enveloped(body: str) -> str:
    login = "<userCredentials><username>who</username><password>secret</password></userCredentials>"
    return f'<e:Envelope xmlns:e="{SOAP}"><e:Header>{login}</e:Header><e:Body>{body}</e:Body></e:Envelope>'


def _text(element: Element) -> str:
    inner = "".join(map(_text, element.children)) if element.children else _escaped(element.text or "")
    attributes = "".join(f' {name}="{_escaped(value)}"' for name, value in element.attributes.items())
    return f"<{element.name}{attributes}>{inner}</{element.name}>"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def mutated(data: bytes, source: random.Random, gently: float = 0.3) -> bytes:
    """An input with a few things changed; `gently` is the chance that it is as well-formed as before."""
    ways = _GENTLE if source.random() < gently else _WAYS
    for _ in range(source.choice((1, 1, 2, 3, 6))):
        data = source.choice(ways)(data, source)
    return data[: 200 << 10]


def _cut(data: bytes, source: random.Random) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + data[at + source.choice((1, 2, 10, 200)) :]


def _flip(data: bytes, source: random.Random) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + bytes((source.randrange(256),)) + data[at + 1 :]


def _insert(data: bytes, source: random.Random) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + source.choice(_PIECES) * source.choice((1, 1, 1, 2, 70, 1_100)) + data[at:]


def _repeat(data: bytes, source: random.Random) -> bytes:
    at = source.randrange(len(data) + 1)
    return data[:at] + data[at : at + source.choice((1, 8, 60, 500))] * source.choice((2, 3, 40)) + data[at:]


def _splice(data: bytes, source: random.Random) -> bytes:
    other = source.choice(seeds())
    return data[: source.randrange(len(data) + 1)] + other[source.randrange(len(other)) :]


def _value(data: bytes, source: random.Random) -> bytes:
    """Another text between two tags."""
    end = data.find(b"</", source.randrange(len(data) + 1))
    begin = data.rfind(b">", 0, end) + 1
    if end < 0 or not begin:
        return data
    return data[:begin] + source.choice(VALUES).encode("utf-8", "surrogatepass") + data[end:]


def _attribute(data: bytes, source: random.Random) -> bytes:
    """Another attribute in a tag."""
    end = data.find(b">", source.randrange(len(data) + 1))
    if end < 0 or data[end - 1 : end] in (b"/", b"?"):
        return data
    return data[:end] + b" " + source.choice(_ATTRIBUTES).encode() + data[end:]


def _wrap(data: bytes, source: random.Random) -> bytes:
    """A text put into elements."""
    end = data.find(b"</", source.randrange(len(data) + 1))
    begin = data.rfind(b">", 0, end) + 1
    if end < 0 or not begin:
        return data
    name = source.choice((b"item", b"key", b"a", b"ID", b"package"))
    inner = b"<" + name + b">" + data[begin:end] + b"</" + name + b">"
    return data[:begin] + inner * source.choice((1, 2, 3)) + data[end:]


def _recoded(data: bytes, source: random.Random) -> bytes:
    head, _, body = data.partition(b"\n\n")
    text = body.decode("utf-8", "replace")
    codec = source.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "cp1251", "shift_jis", "gb18030"))
    declared = f'<?xml version="1.0" encoding="{codec}"?>' if source.random() < 0.5 else ""
    return head + b"\n\n" + (declared + text).encode(codec, "replace")


def _headed(data: bytes, source: random.Random) -> bytes:
    """Another head of HTTP."""
    _, _, body = data.partition(b"\n\n")
    headers = source.choice(_HEADERS)
    if "Content_Encoding" in headers and source.random() < 0.7:
        body = gzip.compress(body, 1, mtime=0)
    service = source.choice(("client", "extension", "pbx", "globalop", "report", "user"))
    return put_together(source.choice(_PATHS).format(service), body, **headers)


def _soap_12(data: bytes, _: random.Random) -> bytes:
    return data.replace(SOAP.encode(), b"http://www.w3.org/2003/05/soap-envelope")


def _packed(data: bytes, source: random.Random) -> bytes:
    """As one call of a list of calls."""
    _, _, body = data.partition(b"\n\n")
    package = f"<package>{base64.b64encode(body).decode()}</package>" * source.choice((1, 2, 5))
    call = f"<LinkedOpRequest>{package}</LinkedOpRequest>"
    return put_together("/soap2/globalop_agent.php", _enveloped(call).encode())


_GENTLE = (_value, _value, _value, _value, _attribute, _attribute, _wrap, _soap_12, _packed, _headed)
_WAYS = (
    *(_cut, _flip, _insert, _repeat, _splice, _value, _value, _value, _attribute, _attribute, _wrap, _recoded),
    *(_headed, _soap_12, _packed),
)
