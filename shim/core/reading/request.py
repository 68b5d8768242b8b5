"""Reading: a request as the old server understood it, from the form in which it came.

One pass over the message, by the schema of 2.5, before anything looks at its values: arrays become repeated
elements, base64 becomes text, numbers, booleans and dates become what the old server made of them. Each with a
finding, once for a path. What cannot be a value of its element is taken out, never emptied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from shim.core.context import CallContext, Problem
from shim.core.errors import invalid_code
from shim.core.message import Element
from shim.core.reading.conversions import Convert, conversion, truth
from shim.core.reading.encoded_types import decoded
from shim.core.schema.interface import ComplexType, ElementDecl
from shim.core.schema.values import CheckValue, boolean, is_text, reader

_ARRAY = "An array of SOAP encoding; each item was read as an element of its own."
_ENCODED = "Sent as base64 or hexadecimal (xsi:type); what it stands for was read."
_ELSEWHERE = "Sent by reference (href); the value that it refers to was read."
_NOWHERE = "It refers (href) to something that is not in the message: it was read as not sent."
_MAP = "Sent as a map (xsi:type); its keys were read as the names of elements."
_AS_OLD = "It is written as the type does not have it; it was read as the old server read it."
_ITEMS = ("item", "Item")


@dataclass(frozen=True, slots=True)
class _Place:
    """How one child is read."""

    value: bool
    """True if it holds a value, and not elements."""
    any: bool
    """True if that may be elements all the same: rules say what becomes of them."""
    text: bool
    repeated: bool
    binary: bool
    convert: Convert | None
    read: CheckValue | None
    below: ComplexType | None
    limit: bool


@cache
def _places(kind: ComplexType) -> dict[str, _Place]:
    return {name: _place(slot.decl, slot.repeated) for name, slot in kind.slots.items()}


def _place(decl: ElementDecl, repeated: bool) -> _Place:
    simple, kind = decl.simple, decl.complex
    return _Place(
        value=simple is not None,
        any=simple is not None and simple.base in ("anyType", "base64Binary"),
        text=simple is not None and is_text(simple),
        repeated=repeated,
        binary=simple is not None and simple.base == "base64Binary",
        convert=conversion(simple) if simple is not None else None,
        read=reader(simple) if simple is not None else None,
        below=kind if simple is None else None,
        limit=kind is not None and any(each.name == "unlimited" for each in kind.all_attributes),
    )


def read(request: Element, kind: ComplexType | None, context: CallContext) -> None:
    """Read a request in place. Problems and findings go into the context."""
    if "map" in request.sent:
        context.find("value-converted", request.name, _MAP)
    if kind is not None:
        _level(request, kind, "", context)


def _level(parent: Element, kind: ComplexType, path: str, context: CallContext) -> None:
    places = _places(kind)
    replaced: list[Element] | None = None
    for index, child in enumerate(parent.children):
        place = places.get(child.name)
        if place is None:
            kept: tuple[Element, ...] = (child,)
        elif child.sent or (child.children and place.value):
            kept = _unusual(child, place, path + child.name, context)
        else:
            kept = (child,)
            _content(child, place, path + child.name, context)
        if replaced is None and kept != (child,):
            replaced = parent.children[:index]
        if replaced is not None:
            replaced.extend(kept)
    if replaced is not None:
        parent.children = replaced


def _content(child: Element, place: _Place, path: str, context: CallContext) -> None:
    """Read what a child holds, elements or a value."""
    if place.below is not None:
        if child.children:
            _level(child, place.below, path + "/", context)
        return
    text = child.text
    if text and not place.text and text.isspace():
        child.text = text = ""
    if text and place.convert is not None and not child.nil:
        converted = place.convert(text)
        if converted != text:
            child.text = converted
            if converted.strip() and not _fits(text, place) and _fits(converted, place):
                context.find("value-converted", path, _AS_OLD)
    if place.limit and child.attributes:
        _limit(child, place, path, context)


def _fits(text: str, place: _Place) -> bool:
    return place.read is None or place.read(text) is not None


def _limit(child: Element, place: _Place, path: str, context: CallContext) -> None:
    """A limit: its attribute is a boolean like any other, and beside it the number need not be one."""
    attribute = child.attributes.get("unlimited")
    if attribute is None:
        return
    unlimited = truth(attribute)
    if unlimited != attribute.strip():
        child.attributes = {**child.attributes, "unlimited": unlimited}
        context.find("value-converted", f"{path}/@unlimited", _AS_OLD)
    if boolean(unlimited) in ("true", "1") and child.text and not _fits(child.text, place):
        child.text = ""


def _unusual(child: Element, place: _Place, path: str, context: CallContext) -> tuple[Element, ...]:
    """A child that is not simply there: what takes its place."""
    if "nowhere" in child.sent:
        context.find("no-value", path, _NOWHERE)
        return ()
    if "reference" in child.sent:
        context.find("value-converted", path, _ELSEWHERE)
    if "map" in child.sent:
        context.find("value-converted", path, _MAP)
    if _is_array(child, place):
        context.find("value-converted", path, _ARRAY)
        return _items(child, place, path, context)
    structured = bool(child.children) or "array" in child.sent
    if structured and place.value and not place.any and not child.nil and not _has_text(child):
        context.find("no-value", path)
        return ()
    if place.value and not place.binary and child.text and ("base64" in child.sent or "hex" in child.sent):
        _decode(child, path, context)
    _content(child, place, path, context)
    return (child,)


def _has_text(child: Element) -> bool:
    """True if there is a text of its own; what stands beside it is found to be unknown later."""
    return bool((child.text or "").strip())


def _is_array(child: Element, place: _Place) -> bool:
    """True if its children are items, each of which is one of the element.

    Where it may not be repeated, an array of one number counts as the number; of a text that is no safe guess.
    """
    if not place.repeated:
        return "array" in child.sent and len(child.children) == 1 and place.value and not place.text
    if "array" in child.sent:
        return True
    names = {each.name for each in child.children}
    return place.value and len(names) == 1 and bool(names & {child.name, *_ITEMS})


def _items(child: Element, place: _Place, path: str, context: CallContext) -> tuple[Element, ...]:
    items: list[Element] = []
    for item in child.children:
        each = Element(child.name, item.text, item.attributes, item.children, item.nil, item.sent)
        if "array" in item.sent:
            context.find("no-value", path)
            continue
        if each.sent or (each.children and place.value):
            items.extend(_unusual(each, place, path, context))
        else:
            _content(each, place, path, context)
            items.append(each)
    return tuple(items)


def _decode(child: Element, path: str, context: CallContext) -> None:
    text = decoded(child.text or "", child.sent)
    if text is None:
        allowed = "base64 or hexadecimal, as its xsi:type says, or the text without that type"
        context.record.problems.append(Problem("bad-value", path, allowed, invalid_code(path)))
        return
    child.text = text
    context.find("value-converted", path, _ENCODED)
