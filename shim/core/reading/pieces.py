"""Pieces: long bytes searched, and long trees given up, bit by bit, so that no single step holds everybody up.

A step of the interpreter that is C alone, a search through megabytes or the end of a million elements, gives no
other thread its turn before it is done.
"""

from __future__ import annotations

from lxml import etree

from shim.core.message import Element

PIECE = 1 << 20
"""Bytes that are searched at once."""
_MANY = 256
"""Elements on a level of a tree, each of which is soon given up by itself."""
_AT_ONCE = 64


def has(data: bytes, piece: bytes, start: int = 0) -> bool:
    """True if `piece` is in it, from `start` on."""
    if len(data) <= PIECE:
        return data.find(piece, start) >= 0
    more = PIECE + len(piece) - 1
    return any(data.find(piece, at, at + more) >= 0 for at in range(start, len(data), PIECE))


def count(data: bytes, piece: bytes) -> int:
    """How often `piece` is in it, which cannot overlap with itself."""
    if len(data) <= PIECE:
        return data.count(piece)
    more = PIECE + len(piece) - 1
    return sum(data.count(piece, at, at + more) for at in range(0, len(data), PIECE))


def parts_of(tree: Element) -> list[Element]:
    """The first level of a tree that has many elements; none where there is no such level."""
    level = [tree]
    while level and len(level) < _MANY:
        level = [child for each in level for child in each.children]
    return level


def give_up(parts: list[list[Element]]) -> None:
    """Let go of what `parts_of` gave, once nothing else holds the trees."""
    for part in parts:
        while part:
            del part[-_AT_ONCE:]
    parts.clear()


def take_apart(root: etree._Element) -> None:
    """Free the nodes of a tree that nobody reads any more."""
    parents, level = [root], [root]
    while level and len(level) < _MANY:
        parents, level = level, [child for each in level for child in each]
    del level
    for parent in parents:
        for _ in range(len(parent)):
            del parent[0]  # a slice would count all that are left each time
