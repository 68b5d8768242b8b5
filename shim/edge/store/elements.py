"""Elements as the store has them: JSON texts."""

from __future__ import annotations

import json
from typing import Any

from shim.core.message import Element


def to_json(element: Element) -> str:
    """An element as `[name, text, attributes, children]`, with a fifth item `true` when it is nil."""
    return json.dumps(_plain(element), ensure_ascii=False, separators=(",", ":"))


def _plain(element: Element) -> list[Any]:
    plain = [element.name, element.text, element.attributes, [_plain(each) for each in element.children]]
    return [*plain, True] if element.nil else plain


def from_json(text: str) -> Element:
    """The element that `to_json` wrote."""
    return _element(json.loads(text))


def _element(plain: list[Any]) -> Element:
    name, text, attributes, children, *nil = plain
    return Element(name, text, attributes, [_element(each) for each in children], bool(nil))
