"""Messages that were made to cost, each for its own reason, and ordinary ones to compare with.

All are made by code and a little smaller than the limit for messages. They harm nobody: they are XML, sent to a
parser of our own.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
LARGEST = 1 << 20
"""The largest message that is taken by default, bytes."""
_ROOM = LARGEST - 8_000
_ELEMENTS = 19_000
"""A little less than may be in a message."""


def enveloped(body: str, root: str = "") -> bytes:
    """A message with this in its body element; `root` are more attributes of the envelope."""
    return (
        f'<e:Envelope xmlns:e="{SOAP}"{root}><e:Body><GetClientsRequest>{body}</GetClientsRequest></e:Body>'
        f"</e:Envelope>"
    ).encode()


def repeated(piece: str, size: int = _ROOM) -> str:
    """A text as often as it fits."""
    return piece * (size // len(piece))


def numbered(piece: str, size: int = _ROOM) -> str:
    """Pieces that differ by the number in them, as many as fit."""
    made: list[str] = []
    for number in range(size):
        made.append(piece.format(number))
        size -= len(made[-1])
        if size < 0:
            return "".join(made[:-1])
    return "".join(made)


def grouped(piece: Callable[[int], str], most: int = _ELEMENTS, each: int = 900) -> str:
    """Pieces in groups, so that none is repeated too often."""
    inner = [piece(number) for number in range(most)]
    groups = ["".join(inner[at : at + each]) for at in range(0, most, each)]
    return "".join(f"<g>{group}</g>" for group in groups)


def _attributes(number: int, form: str) -> str:
    return " ".join(form.format(each) for each in range(number))


def ordinary() -> dict[str, bytes]:
    """Large messages that nobody made to cost."""
    record = "<client><ID>{0}</ID><name>Client number {0}</name><company>Company {0}</company></client>"
    typed = "<ID xsi:type='xsd:positiveInteger'>{0}</ID>"
    return {
        "records": enveloped(grouped(record.format, 4_600)),
        "typed": enveloped(grouped(typed.format, 18_000), f' xmlns:xsi="{XSI}"'),
    }


def hostile() -> dict[str, bytes]:
    """The corpus, by name."""
    return (
        dict(_attribute_shapes())
        | dict(_namespace_shapes())
        | dict(_tree_shapes())
        | dict(_text_shapes())
        | dict(_reference_shapes())
    )


def _attribute_shapes() -> Iterator[tuple[str, bytes]]:
    empty, full = _attributes(64, 'a{}=""'), _attributes(64, 'a{}="x"')
    yield "attributes-of-one-element", enveloped("<b " + numbered('a{}="" ') + "/>")
    yield "attributes-with-one-name", enveloped("<b " + repeated('a="" ') + "/>")
    yield "as-many-attributes-as-may-be", enveloped(grouped(lambda _: f"<b {empty}/>", 2_200))
    yield "as-many-values-as-may-be", enveloped(grouped(lambda _: f"<b {full}/>", 1_900))
    yield "one-attribute-too-many", enveloped("<b " + _attributes(65, 'a{}=""') + "/>")
    yield "attributes-in-an-end-tag", enveloped("<b></b " + numbered('a{}="" ') + ">")
    yield "an-attribute-that-never-ends", enveloped('<b a="' + repeated("x="))
    yield "equals-signs", enveloped(f"<b {repeated('=')}/>")
    yield "attributes-without-values", enveloped("<b " + numbered("a{} ") + "/>")
    yield "references-in-a-value", enveloped("<b a='" + repeated("&amp;") + "'/>")
    yield "spaces-in-a-tag", enveloped(f"<b {repeated(' ')}/>")


def _namespace_shapes() -> Iterator[tuple[str, bytes]]:
    long, most = "u" * 500_000, "u" * 1_000
    yield "a-long-namespace", enveloped("<n:a/>", f' xmlns:n="{long}"')
    yield "a-long-namespace-often", enveloped(grouped(lambda _: "<n:a/>"), f' xmlns:n="{long}"')
    yield "a-long-default-namespace", enveloped(f'<a xmlns="{long}">{grouped(lambda _: "<b/>")}</a>')
    yield "the-longest-namespace-often", enveloped(grouped(lambda n: f"<n:a{n}/>"), f" xmlns:n='{most}'")
    yield (
        "the-longest-namespace-on-attributes",
        enveloped(grouped(lambda _: "<b " + _attributes(60, 'n:a{}=""') + "/>", 1_600), f' xmlns:n="{most}"'),
    )
    yield "long-namespaces-inside-each-other", enveloped(f'<b xmlns="{most}">' * 60 + "</b>" * 60)
    yield "prefixes-of-one-element", enveloped("<b " + numbered('xmlns:a{}="u" ') + "/>")
    yield (
        "prefixes-of-each-element",
        enveloped(grouped(lambda _: "<b " + _attributes(60, 'xmlns:a{}="u"') + "/>", 1_100)),
    )
    opened = ("<b " + _attributes(60, f'xmlns:p{depth}x{{}}="u"') + ">" for depth in range(60))
    yield "prefixes-in-scope", enveloped("".join(opened) + "</b>" * 60)
    yield "a-namespace-in-references", enveloped("<n:a/>", " xmlns:n='" + repeated("&#117;", 600_000) + "'")
    yield "many-namespaces", enveloped(grouped(lambda n: f'<b xmlns="urn:{n}"/>'))


def _reference_shapes() -> Iterator[tuple[str, bytes]]:
    chain = "".join(f'<m id="i{n}">' + f'<b href="#i{n + 1}"/>' * 8 + "</m>" for n in range(60))
    yield "references-that-multiply", enveloped(chain)
    large = f'<m id="i">{"x" * 500_000}</m>'
    yield "a-large-text-often", enveloped(large + '<b href="#i"/>' * 900)
    attributes = _attributes(60, "a{}='x'")
    yield "attributes-often", enveloped(f'<m id="i" {attributes}/>' + grouped(lambda _: '<b href="#i"/>'))
    wide = f'<m id="i">{"<c/>" * 900}</m>'
    yield "a-wide-element-often", enveloped(wide + '<b href="#i"/>' * 900)
    yield "a-value-often", enveloped('<m id="i">7</m>' + grouped(lambda _: '<b href="#i"/>'))
    for number in (4_000, 10_000, 18_000):
        yield f"references-beside-{number}-tags", enveloped(grouped(lambda _: "<b/>x", number) + chain)
        yield (
            f"as-many-references-beside-{number}-tags",
            enveloped(grouped(lambda _: "<b/>x", number) + _fan(2, 9)),
        )
    array = f'<m id="i" e:arrayType="x[900]" xmlns:e="{ENCODING}">{"<c/>" * 900}</m>'
    yield "an-array-often", enveloped(array + '<b href="#i"/>' * 900)
    coded = f'<m id="i" x:type="d:base64Binary" xmlns:x="{XSI}" xmlns:d="{XSD}">{"QUFB" * 60_000}</m>'
    yield "a-base64-text-often", enveloped(coded + '<b href="#i"/>' * 900)
    inside = "".join(f'<m id="i{n}">' for n in range(50)) + "</m>" * 50
    yield "targets-inside-each-other", enveloped(inside + "".join(f'<b href="#i{n}"/>' for n in range(50)))


def _fan(width: int, deep: int) -> str:
    """`width` to the power of `deep` references, and three elements for each."""
    levels = (f'<m id="i{n}">' + f'<b href="#i{n + 1}"/>' * width + "</m>" for n in range(deep))
    return "".join(levels) + f'<m id="i{deep}">' + "<c/>x" * 3 + '</m><r href="#i0"/>'


def _tree_shapes() -> Iterator[tuple[str, bytes]]:
    yield "empty-elements", enveloped(repeated("<b/>"))
    yield "as-many-elements-as-may-be", enveloped(grouped(lambda _: "<b/>"))
    yield "elements-with-names-of-their-own", enveloped(grouped(lambda n: f"<b{n}/>"))
    yield "elements-with-text-between", enveloped(grouped(lambda _: "<b/>x"))
    yield "elements-with-text", enveloped(grouped(lambda _: "<b>x</b>"))
    yield "deep", enveloped("<b>" * 60 + "</b>" * 60)
    yield "too-deep", enveloped(repeated("<b>", 500_000))
    yield "repeated", enveloped(repeated("<b/>", 4 * _ELEMENTS))
    yield "comments", enveloped(repeated("<!---->"))
    yield "instructions", enveloped(repeated("<?a?>"))
    yield (
        "headers",
        (
            f'<e:Envelope xmlns:e="{SOAP}"><e:Header>{grouped(lambda _: "<b/>")}</e:Header>'
            "<e:Body><GetClientsRequest/></e:Body></e:Envelope>"
        ).encode(),
    )
    bodies = repeated("<b/>", 4 * _ELEMENTS)
    yield "bodies", f'<e:Envelope xmlns:e="{SOAP}"><e:Body>{bodies}</e:Body></e:Envelope>'.encode()
    small = enveloped(grouped(lambda _: "<X/>X")).replace(b"X", "\uff71".encode("shift_jis"))
    yield "in-shift-jis", b'<?xml version="1.0" encoding="shift_jis"?>' + small
    yield "with-undeclared-prefixes", enveloped(grouped(lambda _: "<p:b/>"))
    yield (
        "with-undeclared-prefixes-of-attributes",
        enveloped(grouped(lambda n: "<b " + _attributes(60, f'p{n}:a{{}}=""') + "/>", 1_200)),
    )
    yield "in-utf-16", b"\xff\xfe" + enveloped(grouped(lambda _: "<b/>")).decode().encode("utf-16-le")
    yield "a-long-name", enveloped(f"<{repeated('b')}/>")
    yield "names-of-the-longest", enveloped(grouped(lambda n: f"<b{n:0250}/>", 3_500))


def _text_shapes() -> Iterator[tuple[str, bytes]]:
    yield "references", enveloped(repeated("&#65;", 1_000_000))
    yield "sections", enveloped(repeated("a<![CDATA[b]]>"))
    yield "sections-that-never-end", enveloped(repeated("<![CDATA["))
    yield "sections-that-nearly-end", enveloped(repeated("<![CDATA[]]"))
    yield "comments-that-never-end", enveloped(repeated("<!--"))
    yield "comments-that-nearly-end", enveloped(f"<!--{repeated('--')}")
    yield "instructions-that-never-end", enveloped(repeated("<?a"))
    yield "brackets", enveloped(repeated("<"))
    yield "brackets-to-the-right", enveloped(repeated(">"))
    yield "ampersands", enveloped(repeated("&"))
    yield "quotes-that-never-end", enveloped(repeated("<a b='"))
    yield "words-that-look-like-namespaces", enveloped(f"<b a='{repeated('xmlns=')}'/>")
    yield "a-namespace-in-a-section", enveloped(f"<![CDATA[<a xmlns='{'u' * 2000}'>]]>")
    yield "declarations", enveloped(repeated('<?xml version="1.0"?>'))
    yield "space-before", b" " * (_ROOM - 1_000) + enveloped("")
    yield "a-word-beside-a-namespace", enveloped("<b xmlns " + repeated("a") + "/>")
    yield "space-after", enveloped("") + b" " * (_ROOM - 1_000)
    yield "text-after", enveloped("") + b"x" * (_ROOM - 1_000)
    yield "a-long-comment-before", b"<!--" + b"x" * (_ROOM - 1_000) + b"-->" + enveloped("")
    yield "dashes-before", b"<!--" + b"-x" * (_ROOM // 2 - 1_000) + b"-->" + enveloped("")
    yield "a-long-instruction-before", b"<?a " + b"x" * (_ROOM - 1_000) + b"?>" + enveloped("")
    yield "an-instruction-before-that-nearly-ends", b"<?a " + b"?" * (_ROOM - 1_000) + b" ?>" + enveloped("")
    yield "an-instruction-before-that-never-ends", b"<?a " + b"x?" * (_ROOM // 2)
    yield "a-declaration-that-never-ends", b'<?xml version="1.0" ' + b"encoding " * (_ROOM // 9)
    yield (
        "a-declaration-with-a-text-that-never-ends",
        b'<?xml version="1.0" encoding="UTF' + b"<item><key>a</key></item>" * 6_000,
    )
    yield "brackets-in-a-section", enveloped("<a> <![CDATA[" + repeated("]") + "]]></a>")
    yield "blanks-beside-sections", enveloped("<a>" + repeated(" <![CDATA[x]]> ") + "</a>")
    yield "comments-before", repeated("<!-- - -->").encode() + enveloped("")
    yield (
        "latin",
        b'<?xml version="1.0" encoding="iso-8859-15"?>'
        + enveloped("\u00a4").replace("\u00a4".encode(), b"\xa4" * 200_000),
    )


def compressed() -> dict[str, bytes]:
    """The corpus as gzip has it, where that makes it small."""
    made = {name: gzip.compress(message, 9, mtime=0) for name, message in hostile().items()}
    return {name: body for name, body in made.items() if len(body) < 20_000}
