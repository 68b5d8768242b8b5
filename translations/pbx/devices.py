"""Provisioned devices: v3 assigns them to organizations, and names extensions by extended number.

2.5 names extensions by extensionID here, which the shim issues. EditDevice takes plain texts: an extensionID,
or an extended number, which nobody can mistake for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.extensions.lookup import texts
from shim.core.extensions.messages import of_answer
from shim.core.forward import forward
from shim.core.message import Element
from shim.core.rules.extensions import Refer, account, extension_id
from shim.core.rules.rule import Made, Rule, Taken, split
from shim.core.rules.table import Direction
from shim.core.rules.vocabulary import added, compute, rename, unread

_EXTENSIONS = "assignedExtensions"
_NUMBER = f"{_EXTENSIONS}/extendedNumber"
_ORGANIZATION = "Clients are organizations in v3."
_TIMEZONE = "The time zone of a device is new in v3: it is left as it is."
_LINE = "2.5 let a line be anything, to v3 it is a number: what is none is left to v3."
_LINES = "2.5 does not say lines when a device is changed: they are left to v3."
_SOUGHT = "v3 asks by numbers that no answer of it tells: the shim looks through the list itself."


def _line(text: str) -> str | None:
    stripped = text.strip()
    return stripped if stripped.isascii() and stripped.isdecimal() else None


def _above_zero(text: str) -> str | None:
    return text.strip() if int(text) > 0 else None


@dataclass(frozen=True, slots=True)
class Wrapped(Refer):
    """An extension that 2.5 names by a plain text, and v3 inside an element of that name."""

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            row = Element(self.old)
            self._to_new(child, row, context)
            if row.children:
                into.children.append(row)

        return Taken("computed", self.old, act) if direction == "request" else None

    def produces(self, direction: Direction) -> Made | None:
        return Made("computed", self.new, None) if direction == "request" else None


@dataclass(frozen=True, slots=True)
class Sought(Refer):
    """An extension whose devices are wanted: looked up like any other, and left to `read`."""

    def takes(self, direction: Direction) -> Taken | None:
        def act(child: Element, into: Element, context: CallContext) -> None:
            context.find("value-converted", self.old, self.because)

        return Taken("computed", None, act, "value-converted") if direction == "request" else None


_BASE: tuple[Rule, ...] = (
    account("ownerID", only="request"),
    rename("assignedClientID", "assignedOrganizationID", _ORGANIZATION),
    added("timezoneID", _TIMEZONE),
)
ADDED = (
    *_BASE,
    replace(extension_id(f"{_EXTENSIONS}/extensionID", _NUMBER), only="request"),
    compute(f"{_EXTENSIONS}/line", _line, str, _LINE, finding=None, unfit="drop"),
)
EDITED = (
    *_BASE,
    compute("deviceID", _above_zero, str, "the ID of a device, above 0", finding=None, only="request"),
    Wrapped(_EXTENSIONS, _NUMBER, "v3 knows extensions by extended number.", "request", "extension_id"),
    added(f"{_EXTENSIONS}/line", _LINES),
)
LISTED = (
    account(only="request"),
    account("ownerID", only="request"),
    account("devices/ownerID"),
    rename("assignedClientID", "assignedOrganizationID", _ORGANIZATION),
    rename("devices/assignedClientID", "devices/assignedOrganizationID", _ORGANIZATION),
    extension_id(f"devices/{_EXTENSIONS}/extensionID", f"devices/{_NUMBER}"),
    Sought(_EXTENSIONS, "", _SOUGHT, "request", "extension_id"),
    added(_EXTENSIONS, _SOUGHT),
    unread("devices/timezone", "2.5 knew no time zone of a device."),
)


def read(context: CallContext) -> Steps[Element]:
    """The list as v3 gives it; of devices of certain extensions, those that have one of their numbers."""
    translation = context.translation
    new = translation.to_new(context)
    answer = yield from forward(context, translation.new, new, writes=False)
    sought = texts(context.request, _EXTENSIONS)
    if sought:
        numbers = {
            identity.number
            for each in sought
            if (identity := context.extensions.identities.get(("extension_id", each)))
        }
        answer.children = [each for each in answer.children if each.name != "devices" or _has(each, numbers)]
    yield from of_answer(context, answer)
    return translation.to_old(answer, context)


def _has(device: Element, numbers: set[str]) -> bool:
    name = split(_NUMBER)[1]
    return any((each.get(name) or "").strip() in numbers for each in device.all(_EXTENSIONS))
