"""Which call a message means whose body element does not say it as the WSDL has it.

Toolkits send an empty Body when a call has no arguments, leave `Request` away, or name the element after the
part of the message. The rest of the name tells the call, or SOAPAction does; what neither tells is not guessed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache

from shim.core.message import Element, Envelope
from shim.core.schema.interface import Interface, Operation

_PARTS = frozenset({"", "messagepart", "body", "parameters", "request", "input", "in"})
"""The names of a body element in toolkits that have none for it, in small letters; none for an empty Body."""
_LAST = re.compile(r"([A-Za-z0-9]+)[\"'\s]*$")
_ENDS = ("request", "in", "")


def as_called(interface: Interface, envelope: Envelope, action: str) -> Envelope:
    """The message with the body element of the call that it means; as it is where that is unknown or plain."""
    name = envelope.body.name
    if name in interface.by_input:
        return envelope
    small = name.lower()
    operation = _named(interface, small)
    if operation is None and (small in _PARTS or small.endswith("messagepart")):
        operation = _by_action(interface, action)
    if operation is None:
        return envelope
    body = _unwrapped(envelope.body, operation)
    notes = (*envelope.notes, ("call-told-otherwise", ""))
    return replace(envelope, body=body, notes=notes)


def _unwrapped(body: Element, operation: Operation) -> Element:
    """The body under its right name; a wrapper of the real body element is taken away."""
    inside = body.children[0] if len(body.children) == 1 else None
    if inside is not None and inside.name == operation.input.name:
        return inside
    name = operation.input.name
    return Element(name, body.text, body.attributes, body.children, body.nil, body.sent)


def _named(interface: Interface, small: str) -> Operation | None:
    names = _names(interface)
    stem = next((small.removesuffix(end) for end in _ENDS if small.endswith(end)), small)
    return names.get(small) or names.get(stem)


def _by_action(interface: Interface, action: str) -> Operation | None:
    """The operation that a SOAPAction ends with, such as `"http://4psa.com/Client/2.5.1:getClientsIn"`."""
    match = _LAST.search(action[:300])
    if match is None:
        return None
    action_name = match[1].lower()
    return _actions(interface).get(action_name) or _named(interface, action_name)


@lru_cache(maxsize=4)
def _actions(interface: Interface) -> dict[str, Operation]:
    """Operations by the end of their SOAPAction in small letters: some are not named after their operation."""
    return {each.soap_action.rpartition(":")[2].lower(): each for each in interface.operations.values()}


@lru_cache(maxsize=4)
def _names(interface: Interface) -> dict[str, Operation]:
    """Operations by their name in small letters, where that is the name of one alone."""
    operations: dict[str, Operation | None] = {}
    for operation in interface.operations.values():
        small = operation.name.lower()
        operations[small] = None if small in operations else operation
    return {name: operation for name, operation in operations.items() if operation is not None}
