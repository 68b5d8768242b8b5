"""Rows: what 2.5 lists of one extension, put together of its phone and its user in v3. Lists have thousands."""

from __future__ import annotations

from collections.abc import Sequence

from shim.core.commands.extensions import Identity
from shim.core.message import Element

OF_OWNER = frozenset(("name", "email", "identifier"))
"""The elements of a phone that are its user's in 2.5."""


def fill(phone: Element, owner: Sequence[Element], identity: Identity, number: str) -> None:
    """Make a row of a phone that was translated: its type and number, and what `owner` says of its user."""
    number = number.rpartition("*")[2]
    children = [each for each in phone.children if each.name not in OF_OWNER]
    children.append(Element("ID", identity.old_id))
    children.append(Element("extensionID", identity.extension_id))
    children.extend([each.bare() for each in owner if each.name != "ID"])
    if number.isdecimal():
        children.append(Element("extensionNo", number))
    phone.children = children
    phone.nil = False
