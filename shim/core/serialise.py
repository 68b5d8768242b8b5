"""Serialise: an element tree becomes the bytes of a SOAP 1.1 message of one interface.

Strict where parsing is liberal: children in the order of the schema, each in its own namespace, prefixes
always and a default namespace never (clients built on XML::Simple fold lists otherwise), values in their
type's form. What cannot be written validly is left out and reported, never written wrongly and never dropped
in silence. One writer is compiled for each message; prefixes are numbered as they first occur in it, those of
answers of 2.5 in each answer as PHP's SoapServer numbers them: see `_Marks`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from shim.core.answers.values import answerer, converter, means_nothing
from shim.core.message import Element
from shim.core.parse import SOAP
from shim.core.reading.encoded_types import XSI
from shim.core.reading.turns import EACH, give_turn
from shim.core.schema.interface import ComplexType, ElementDecl, Interface, Simple
from shim.core.schema.values import CheckValue, clears, reader, writer

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile("[&<>\r]|" + _NOT_XML.pattern)
_TEXT = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}
_QUOTED = {**_TEXT, ord('"'): "&quot;", ord("\n"): "&#10;", ord("\t"): "&#9;"}

XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
CONTENT_TYPE = "text/xml; charset=utf-8"

WhyUnwritten = Literal["value", "repeated", "choice", "unknown", "missing", "converted"]


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Something that could not be written as it was: its path in the message, and why.

    `converted` was written in another form; everything else is not there.
    """

    path: str
    why: WhyUnwritten


_UNWRITABLE = [chr(each) for each in range(1, 32) if chr(each) not in "\t\n\r"]
_NIL = ' xsi:nil="true"/>'
"""The end of a null. No text has it: a > of a text is written as a reference."""
_NIL_BYTES = _NIL.encode()


class _Marks:
    """Prefixes that are not known before an answer is written.

    PHP's SoapServer declares a namespace on the envelope when the first element in it is complete, and numbers
    them in that order: children come before what holds them, and a namespace that no element is in does not
    occur (8.2.36). So each namespace has two marks in place of its number that no text can hold, one for a tag
    that goes on and one for a tag that completes its element; when the whole message is there, one look-up
    table for all its bytes puts the number where either stands. There is room for 9 namespaces.
    """

    def __init__(self) -> None:
        self._pairs: dict[str, tuple[str, str]] = {}
        self._completes: list[tuple[str, bytes]] = []
        self._tables: dict[tuple[str, ...], bytes] = {}

    def pair(self, key: str) -> tuple[str, str]:
        """The prefixes of a namespace: in tags that open an element, and in those that complete one."""
        if key not in self._pairs:
            number = 2 * len(self._pairs)
            assert number < 18, "a prefix has one digit"
            self._pairs[key] = (f"ns{_UNWRITABLE[number]}", f"ns{_UNWRITABLE[number + 1]}")
            self._completes.append((key, _UNWRITABLE[number + 1].encode()))
        return self._pairs[key]

    def numbered(self, message: bytes, nillable: bool) -> tuple[bytes, tuple[str, ...]]:
        """The message with numbers, and the namespaces in the order of their declaration; `XSI` is one."""
        first = sorted([(at, key) for key, mark in self._completes if (at := message.find(mark)) >= 0])
        order = tuple([key for _, key in first])
        table = self._tables.get(order)
        if table is None:
            table = self._tables[order] = self._table(order)
        used = order
        if nillable and (nil := message.find(_NIL_BYTES)) >= 0:
            tag = message.rfind(b"<", 0, nil)  # xsi is declared before the namespace of the first null
            place = sum(at < tag for at, _ in first)
            used = (*order[:place], XSI, *order[place:])
        return message.translate(table), used

    def _table(self, order: tuple[str, ...]) -> bytes:
        table = bytearray(range(256))
        for number, key in enumerate(order, 1):
            for prefix in self._pairs[key]:
                table[ord(prefix[-1])] = ord(str(number))
        return bytes(table)


@dataclass(slots=True)
class Piece:
    """One child of a compiled message: everything needed to write it, looked up by local name."""

    decl: ElementDecl
    order: int
    opening: str
    """The tag that opens it without its `>`, for attributes; `opened` has it."""
    opened: str
    closing: str
    empty: str
    check: CheckValue | None
    shape: Shape | None
    choices: tuple[tuple[int, int], ...]
    repeated: bool
    attributes: dict[str, Simple]
    convert: CheckValue | None = None
    optional: bool = False
    """True if an empty text may stay away: it says no more than an absent element."""


@dataclass(slots=True)
class Shape:
    kind: ComplexType
    pieces: dict[str, Piece] = field(default_factory=dict)


class MessageWriter:
    """Writes one message element of an interface. Build it once; it holds no state of a message.

    What goes to or comes from v3 (`v3`) is not judged by patterns and lengths of texts: a backend says itself
    what it thinks of a name or a number, with the codes that old clients know. And nothing that says anything
    is left out for what it lacks: what is missing is reported. What is empty is written where that takes a
    value away: see `shim.core.schema.values`. Answers of 2.5 (`answers`) are written as the old server wrote
    them: see `shim.core.answers.values`.
    """

    def __init__(
        self, interface: Interface, decl: ElementDecl, *, v3: bool = False, answers: bool = False
    ) -> None:
        self.interface = interface
        self._answers = answers
        self.decl = decl
        self._v3 = v3
        self._prefixes: dict[str, str] = {}
        self._marks = _Marks() if answers else None
        self._shapes: dict[int, Shape] = {}
        self._root = self._piece(decl, 0, (), False)
        self._header_prefixes = self._prefix("HeaderData")
        self._heads: dict[tuple[str, tuple[str, ...]], bytes] = {}
        self._has_nil = self._nillable
        self._declared = (*self._prefixes, *([XSI] if self._has_nil else ()))

    def write(self, element: Element) -> tuple[str, list[Unwritten]]:
        """The body element as text for `envelope`, and what could not be written.

        `element` may be out of order.
        """
        out: list[str] = []
        lost: list[Unwritten] = []
        self._write(element, self._root, "", "", out, lost)
        return "".join(out), lost

    def envelope(
        self, body: str, header: Element | None = None, version: str | None = None, blocks: str = ""
    ) -> bytes:
        """The whole message; `header` is a block of HeaderData, `version` another schema version.

        `blocks` are further header blocks, as text.
        """
        head = ""
        if header is not None or blocks:
            written = self._header(header) if header is not None else ""
            head = f"<SOAP-ENV:Header>{written}{blocks}</SOAP-ENV:Header>"
        message = f"{head}<SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>\n".encode()
        declared = self._declared
        if self._marks is not None:
            message, declared = self._marks.numbered(message, self._has_nil)
        return self._head(version or self.interface.version, declared) + message

    def _header(self, header: Element) -> str:
        opens, completes = self._header_prefixes
        inner = "".join(
            f"<{opens}:{each.name}>{escape(each.text or '')}</{completes}:{each.name}>"
            for each in header.children
        )
        return f"<{opens}:{header.name}>{inner}</{completes}:{header.name}>"

    def _head(self, version: str, declared: tuple[str, ...]) -> bytes:
        head = self._heads.get((version, declared))
        if head is None:
            number = count(1)
            spaces = "".join(
                f' xmlns:xsi="{XSI}"'
                if key == XSI
                else f' xmlns:ns{next(number)}="{self.interface.namespace(key, version)}"'
                for key in declared
            )
            head = f'{XML_DECLARATION}<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}"{spaces}>'.encode()
            if len(self._heads) < 64:
                self._heads[version, declared] = head
        return head

    @property
    def _nillable(self) -> bool:
        pieces = [self._root, *(piece for shape in self._shapes.values() for piece in shape.pieces.values())]
        return any(piece.decl.nillable for piece in pieces)

    def _prefix(self, key: str) -> tuple[str, str]:
        """The placeholders of a namespace where a tag opens an element, and where one completes it."""
        if self._marks is not None:
            return self._marks.pair(key)
        prefix = self._prefixes.setdefault(key, f"ns{len(self._prefixes) + 1}")
        return prefix, prefix

    def _piece(
        self, decl: ElementDecl, order: int, choices: tuple[tuple[int, int], ...], repeated: bool
    ) -> Piece:
        opens, completes = self._prefix(decl.namespace)
        kind = decl.complex
        simple = decl.simple
        return Piece(
            decl=decl,
            order=order,
            opening=f"<{opens}:{decl.name}",
            opened=f"<{opens}:{decl.name}>",
            closing=f"</{completes}:{decl.name}>",
            empty=f"<{completes}:{decl.name}",
            check=self._check(simple) if simple else None,
            shape=self._shape(kind) if kind is not None and kind.text is None else None,
            choices=choices,
            repeated=repeated,
            attributes={each.name: each.type for each in kind.all_attributes} if kind else {},
            convert=converter(simple) if simple and self._answers else None,
            optional=self._answers and simple is not None and decl.min == 0 and means_nothing(simple),
        )

    def _check(self, simple: Simple) -> CheckValue | None:
        if self._answers:
            return answerer(simple)
        check = reader(simple) if self._v3 else writer(simple)
        if check is None or not self._v3 or not clears(simple):
            return check
        return lambda text: check(text) if text else ""

    def _shape(self, kind: ComplexType) -> Shape:
        shape = self._shapes.get(id(kind))
        if shape is None:
            shape = self._shapes[id(kind)] = Shape(kind)
            for name, slot in kind.slots.items():
                shape.pieces[name] = self._piece(slot.decl, slot.order, slot.choices, slot.repeated)
        return shape

    def _write(
        self, element: Element, piece: Piece, above: str, name: str, out: list[str], lost: list[Unwritten]
    ) -> bool:
        """Write one element, `name` of what is at the path `above`; the root is both of them empty.

        False when it has a value that its type does not allow, and stays away.
        """
        if element.nil and piece.decl.nillable:
            out.append(piece.empty + _NIL)
            return True
        if piece.shape is not None:
            return self._complex(element, piece, piece.shape, _join(above, name), out, lost)
        text: str | None = element.text or ""
        if piece.optional and not text and not element.children and not element.attributes:
            return False
        if piece.check is not None:
            text = piece.check(text or "")
        if text is None:
            text = piece.convert(element.text or "") if piece.convert is not None else None
            lost.append(Unwritten(_join(above, name), "value" if text is None else "converted"))
        if text is None:
            return False
        if element.attributes:
            out.append(piece.opening)
            self._attributes(element, piece, _join(above, name), out, lost)
            out.append(">")
        else:
            out.append(piece.opened)
        out.append(text if text.isalnum() else escape(text))  # letters and digits need no look at each
        out.append(piece.closing)
        return True

    def _complex(
        self, element: Element, piece: Piece, shape: Shape, path: str, out: list[str], lost: list[Unwritten]
    ) -> bool:
        """An element with elements. One that lacks what it needs is left out whole.

        Where it had to be there its holder lacks it then, so that what is incomplete costs the least that
        may be absent: a row of a list, never the list. Only the message itself is written all the same.
        """
        before = len(out)
        out.append(piece.opening)
        if element.attributes:
            self._attributes(element, piece, path, out, lost)
        out.append(">")
        opened = len(out)
        lacking = self._children(element, shape, path, out, lost)
        if lacking and path and (self._answers or self._may_stay_away(piece, out, opened)):
            del out[before:]
            lost.append(Unwritten(path, "value"))
            return False
        lost += lacking
        if len(out) == opened:
            out[before], out[-1] = piece.empty, "/>"
        else:
            out.append(piece.closing)
        return True

    def _may_stay_away(self, piece: Piece, out: list[str], opened: int) -> bool:
        return piece.decl.min == 0 and not (self._v3 and len(out) > opened)

    def _children(
        self, element: Element, shape: Shape, path: str, out: list[str], lost: list[Unwritten]
    ) -> list[Unwritten]:
        """Write the children; what is returned has to be there and is not."""
        names: set[str] = set()
        chosen: dict[int, int] = {}
        pieces = shape.pieces
        for number, child in enumerate(self._ordered(element, shape, path, lost)):
            if number % EACH == 0:
                give_turn()
            name = child.name
            piece = pieces.get(name)
            if piece is None:
                continue
            if name in names and not piece.repeated:
                lost.append(Unwritten(_join(path, name), "repeated"))
            elif piece.choices and not _chosen(piece, chosen):
                lost.append(Unwritten(_join(path, name), "choice"))
            elif self._write(child, piece, path, name, out, lost) or (
                piece.repeated and piece.shape is not None and self._answers
            ):
                names.add(name)  # a row that was left out is a loss of its own, not a missing list
        return [
            Unwritten(_join(path, " or ".join(demand.names)), "missing")
            for demand in shape.kind.demands
            if names.isdisjoint(demand.names) and not (demand.when and names.isdisjoint(demand.when))
        ]

    def _ordered(self, element: Element, shape: Shape, path: str, lost: list[Unwritten]) -> list[Element]:
        """The children in the order of the shape, the sender's order among equals; it may not know some."""
        pieces = shape.pieces
        children = element.children
        many = len(children)
        places: list[int] = []
        last = 0
        in_order = True
        for number, child in enumerate(children):
            piece = pieces.get(child.name)
            if piece is None:
                lost.append(Unwritten(_join(path, child.name), "unknown"))
                continue
            in_order = in_order and piece.order >= last
            last = piece.order
            places.append(last * many + number)
        if in_order:
            return children
        places.sort()
        return [children[place % many] for place in places]

    def _attributes(
        self, element: Element, piece: Piece, path: str, out: list[str], lost: list[Unwritten]
    ) -> None:
        for name, value in element.attributes.items():
            simple = piece.attributes.get(name)
            if simple is None:
                lost.append(Unwritten(f"{path}/@{name}", "unknown"))
                continue
            check = self._check(simple)
            checked = value if check is None else check(value)
            if checked is None:
                lost.append(Unwritten(f"{path}/@{name}", "value"))
            else:
                out.append(attribute(name, checked))


def _chosen(piece: Piece, chosen: dict[int, int]) -> bool:
    return all(chosen.setdefault(number, branch) == branch for number, branch in piece.choices)


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def attribute(name: str, value: str) -> str:
    """An attribute as text, with the blank before it."""
    return f' {name}="{_clean(value).translate(_QUOTED)}"'


def escape(text: str) -> str:
    """Text as element content; characters that XML 1.0 cannot hold become U+FFFD."""
    if text.isprintable() and "&" not in text and "<" not in text and ">" not in text:
        return text  # as most are, and a search takes longer
    return _clean(text).translate(_TEXT) if _SPECIAL.search(text) else text
