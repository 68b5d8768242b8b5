"""Plain answers: long ones that are read from their text, without a tree.

The parser judges the whole document and keeps nothing of it; what is well-formed by then only has to be cut at
its tags. Plain is what has elements, attributes and texts alone, declares its namespaces on its Envelope, and
refers to nothing. Anything else is read as a tree: see `shim.core.parse`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from shim.core.errors import CallerError
from shim.core.message import NO_CHILDREN, Element
from shim.core.reading.turns import EACH, give_turn
from shim.core.reading.zero_ids import is_zero

LONG = 4 << 10
"""Bytes from which a tree costs more than this."""
_PIECE: Final = 32 << 10
"""Bytes that are cut at once."""
_LONGEST_TEXT: Final = 10_000_000
"""Characters of a text that the parser takes in a tree."""
_MOST_TAGS: Final = 1_000
"""Different tags of a document: each is looked at by itself."""
_MOST_SHAPES: Final = 32
"""Rows that are looked at for their shape."""
_TAG = re.compile(r"""([^\s"'=/!?]+)(?:\s+[^\s"'=/]+\s*=\s*(?:"[^"]*"|'[^']*'))*\s*(/?)""")
_ABOUT_OTHERS = re.compile(r"(?:^|[\s:])(?:xmlns|href|ref|id)\s*[:=]")
"""The attributes that say something of other elements."""
_LEAF = r"<([^<>\s/]+)>[^<]*</[^<>\s]+>(\s*)"
_LEAVES = re.compile(_LEAF)
_ROW = re.compile(rf"<([^<>\s/]+)>(\s*)((?:{_LEAF})+)</[^<>\s]+>")


class NotPlain(Exception):
    """There is something in a document that a tree shows better."""


class _KeepsNothing:
    """A target of the parser that has no use for what is parsed."""

    def close(self) -> None:
        return None


class _Shape:
    """The shape of the rows of a list, which are leaves without attributes: `pattern` has a group for each."""

    __slots__ = ("names", "optional", "pattern", "row", "spaced", "tag", "tags")

    def __init__(self, tag: str, tags: list[str], optional: set[str], spaced: bool) -> None:
        self.tag: Final = tag
        self.tags: Final = tags
        self.optional: Final = optional
        """Those that not every row has."""
        self.spaced: Final = spaced
        """True if there are blanks between the elements."""
        self.row: Final = _local(tag)
        self.names: Final = [_local(each) for each in tags]
        blanks = r"\s*" if spaced else ""
        pattern = f"<{re.escape(tag)}>{blanks}"
        for each in tags:
            name = re.escape(each)
            leaf = f"<{name}>([^<]*)</{name}>{blanks}"
            pattern += f"(?:{leaf})?" if each in optional else leaf
        self.pattern: Final = re.compile(f"{pattern}</{re.escape(tag)}>")


def _shape(row: str, known: _Shape | None) -> _Shape | None:
    """The shape of a row by its text, and of those `known` before; None: it does not hold leaves alone."""
    match = _ROW.fullmatch(row)
    if match is None:
        return None
    leaves = _LEAVES.findall(str(match[3]))
    tags = [str(tag) for tag, _ in leaves]
    if len(set(tags)) < len(tags):
        return None
    spaced = bool(match[2]) or any(blanks for _, blanks in leaves)
    if known is None or known.tag != match[1]:
        return _Shape(str(match[1]), tags, set(), spaced)
    optional = known.optional | (set(known.tags) ^ set(tags))
    return _Shape(known.tag, _merged(known.tags, tags), optional, spaced or known.spaced)


def _merged(known: list[str], more: list[str]) -> list[str]:
    """Both in one order; what is `more` alone where the two have different ones."""
    merged = list(known)
    at = 0
    for tag in more:
        if tag not in merged:
            merged.insert(at, tag)
        elif merged.index(tag) < at:
            return more
        at = merged.index(tag) + 1
    return merged


class PlainReader:
    """Reads one document (in UTF-8).

    `read_tag` gives the element that a tag with attributes opens, from the tag of the root and its own, both
    without `<` and `>`. `depth`, `name` and `text` are the most that is taken of them.
    """

    __slots__ = (
        "_above",
        "_depth",
        "_holder",
        "_leaf",
        "_leaf_begins",
        "_level",
        "_longest_name",
        "_longest_text",
        "_names",
        "_read_tag",
        "_row_begins",
        "_shape",
        "_shapes",
        "_tags",
        "body_tag",
        "root_tag",
        "zeros",
    )

    def __init__(self, read_tag: Callable[[str, str], Element], depth: int, name: int, text: int) -> None:
        self._read_tag: Final = read_tag
        self._depth: Final = depth
        self._longest_name: Final = name
        self._longest_text: Final = min(text, _LONGEST_TEXT)
        self._names: Final[dict[str, str]] = {}
        """Local names by tag, of tags without attributes."""
        self._tags: Final[dict[str, tuple[Element, bool]]] = {}
        """All other tags: an element as they open it, and whether they close it as well."""
        self._above: Final[list[Element]] = []
        """The elements around `_holder`, which holds what is read."""
        self._holder = Element("")
        self._leaf: Element | None = None
        """The element that was opened last and holds no other."""
        self._leaf_begins = self._row_begins = -1
        """The places in the piece where the tags of `_leaf` and `_holder` begin; -1: not known."""
        self._shape: _Shape | None = None
        self._level = 0
        """The length of `_above` where rows of that shape are."""
        self._shapes = 0
        """How many rows were looked at for their shape."""
        self.zeros = False
        """True if a text is the number 0."""
        self.root_tag = ""
        self.body_tag = ""
        """The tag of the last element on the third level, where the body element is."""

    def read(self, document: bytes, options: dict[str, Any]) -> Element:
        """The root. Raises NotPlain for what is not plain, not well-formed, or more than is taken.

        `options` are those of the parser.
        """
        target: Any = _KeepsNothing()
        parser = etree.XMLParser(target=target, **options)
        try:
            etree.fromstring(document, parser)
        except (etree.XMLSyntaxError, ValueError):
            raise NotPlain from None
        if len(parser.error_log):
            raise NotPlain
        top = self._holder
        begin, size = 0, len(document)
        while begin < size:
            end = document.find(b"<", begin + _PIECE)
            end = size if end < 0 else end
            self._cut(document[begin:end].decode())
            begin = end
        return top.children[0]

    def _cut(self, piece: str) -> None:
        """Read a piece of the text, which begins and ends between a text and a tag."""
        marked = "&" in piece or "\r" in piece
        self._leaf_begins = self._row_begins = -1
        begin, size, steps = 0, len(piece), 0
        while begin < size:
            if steps % EACH == 0:
                give_turn()
            steps += 1
            if self._shape is not None and self._leaf is None and len(self._above) == self._level:
                after = self._row(self._shape, piece, begin, marked)
                if after:
                    begin = after
                    continue
            end = piece.find("<", begin + 1)
            end = size if end < 0 else end
            if piece.startswith("</", begin):
                self._close(piece, begin, end, marked)
            else:
                cut = piece.find(">", begin, end)
                text = piece[cut + 1 : end]
                if text < "1" and is_zero(text):
                    self.zeros = True
                self._open_tag(piece[begin + 1 : cut], _unescaped(text) if marked else text)
                self._leaf_begins = begin
            begin = end

    def _row(self, shape: _Shape, piece: str, begin: int, marked: bool) -> int:
        """Read a whole row of that shape, if one begins here: where what is behind it begins, else 0."""
        match = shape.pattern.match(piece, begin)
        if match is None or len(piece) > self._longest_text:
            return 0
        leaves: list[Element] = []
        names = shape.names
        for number, text in enumerate(match.groups()):
            if text is not None:
                if text < "1" and is_zero(text):  # few begin with what is less
                    self.zeros = True
                leaves.append(Element(names[number], _unescaped(text) if marked else text, None, NO_CHILDREN))
        if not leaves:
            return 0
        self._holder.children.append(Element(shape.row, None, None, leaves))
        after = match.end()
        if after == len(piece) or piece.startswith("<", after):
            return after
        end = piece.find("<", after)
        end = len(piece) if end < 0 else end
        self._behind(_unescaped(piece[after:end]) if marked else piece[after:end])
        return end

    def _open_tag(self, tag: str, text: str) -> None:
        if len(text) > self._longest_text:
            raise NotPlain
        name = self._names.get(tag)
        if name is None:
            self._open_unusual(tag, text)
        else:
            self._open(Element(name, text, None, NO_CHILDREN), tag)

    def _open(self, element: Element, tag: str) -> None:
        leaf = self._leaf
        if leaf is not None:  # it holds elements
            self._above.append(self._holder)
            self._holder = leaf
            self._row_begins = self._leaf_begins
            leaf.children = []
            leaf.text = (leaf.text or "").strip() or None
            depth = len(self._above)
            if depth >= self._depth:
                raise NotPlain
            if depth == 2:
                self.body_tag = tag
        self._holder.children.append(element)
        self._leaf = element

    def _close(self, piece: str, begin: int, end: int, marked: bool) -> None:
        """Read a tag that closes an element, and the text behind it."""
        after = piece.find(">", begin, end) + 1
        if self._leaf is None:
            self._holder = self._above.pop()
            if self._row_begins >= 0 and self._shapes < _MOST_SHAPES:
                self._learn(piece[self._row_begins : after])
            self._row_begins = -1
        self._leaf = None
        if after < end:
            self._behind(_unescaped(piece[after:end]) if marked else piece[after:end])

    def _learn(self, row: str) -> None:
        """Take the next rows to be like this one, which was read tag by tag."""
        self._shapes += 1
        level = len(self._above)
        shape = _shape(row, self._shape if level == self._level else None)
        if shape is not None:
            self._shape, self._level = shape, level

    def _behind(self, text: str) -> None:
        """Note what a text behind an element says."""
        stripped = text.strip()
        if stripped:
            self._holder.text = (self._holder.text or "") + stripped

    def _open_unusual(self, tag: str, text: str) -> None:
        """Read a tag with attributes, one that closes its element, or one that was not seen before."""
        known = self._tags.get(tag)
        if known is None:
            name = self._name(tag)
            if name:
                self._open(Element(name, text, None, NO_CHILDREN), tag)
                return
            known = self._tags[tag]
        like, closes = known
        self._open(Element(like.name, "" if closes else text, like.attributes, NO_CHILDREN, like.nil), tag)
        if closes:
            self._leaf = None
            self._behind(text)

    def _name(self, tag: str) -> str:
        """The local name of a new tag without attributes; else '', and it is known. Raises NotPlain."""
        match = _TAG.fullmatch(tag)
        if match is None or len(self._names) + len(self._tags) >= _MOST_TAGS:
            raise NotPlain
        name = str(match[1])
        local = _local(name)
        if len(local) > self._longest_name:
            raise NotPlain
        if not self.root_tag:
            self.root_tag = tag
            self._tags[tag] = Element(local), bool(match[2])
            return ""
        if name == tag:
            self._names[tag] = local
            return local
        if _ABOUT_OTHERS.search(tag):
            raise NotPlain
        try:
            like = self._read_tag(self.root_tag, tag)
        except CallerError:
            raise NotPlain from None
        if like.sent:
            raise NotPlain
        self._tags[tag] = like, bool(match[2])
        return ""


def header_and_body(root: Element) -> tuple[list[Element], Element]:
    """The header blocks and the body element. Raises NotPlain where they are not as they usually are."""
    parts = [each.name for each in root.children]
    if root.name != "Envelope" or parts not in (["Body"], ["Header", "Body"]):
        raise NotPlain
    body = root.children[-1].children
    if len(body) != 1:
        raise NotPlain
    return (root.children[0].children if len(parts) > 1 else []), body[0]


def _local(tag: str) -> str:
    return tag[tag.rfind(":") + 1 :]


def _unescaped(text: str) -> str:
    """A text without references to characters, and with the ends of lines that XML gives it."""
    if "&" not in text and "\r" not in text:
        return text
    return etree.fromstring(f"<a>{text}</a>".encode()).text or ""
