"""Evidence: what v3 says of extensions when it is asked for each by itself.

A list without a row, or with another one, is no proof of anything: it may be late, short or empty by mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from shim.core.commands.extensions import Known
from shim.core.commands.steps import Steps, Together, ask
from shim.core.context import CallContext
from shim.core.errors import BackendError, says_absent
from shim.core.forward import read_v3
from shim.core.message import Element


@dataclass(frozen=True, slots=True)
class Evidence:
    """Details of the extensions that there are, by number, and the numbers that v3 denies. Of others it said
    neither: it refused for another reason, or did not answer."""

    there: dict[str, Element] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()

    def known(self, number: str, user: str = "") -> Known:
        """Whose the extension is; `user` counts where v3 does not say."""
        return known_from(self.there[number], number) or Known(user, number)


def known_from(details: Element, number: str) -> Known | None:
    """The owner of an extension as its details say; None where they do not."""
    user = (details.get("parentID") or "").strip()
    return Known(user, number, details.get("parentIdentifier")) if user else None


def ask_each(context: CallContext, numbers: Iterable[str]) -> Steps[Evidence]:
    """Ask v3 for extensions, each by itself and side by side."""
    distinct = list(dict.fromkeys(numbers))
    if not distinct:
        return Evidence()
    replies = yield from ask(Together(tuple(_details(context, each) for each in distinct)))
    answers = list(zip(distinct, replies, strict=True))
    return Evidence(
        {number: reply for number, reply in answers if isinstance(reply, Element)},
        frozenset(number for number, reply in answers if reply is False),
    )


def _details(context: CallContext, number: str) -> Steps[Element | bool]:
    """The details; False when v3 denies the number, True when it says neither."""
    try:
        request = Element("extendedNumber", number)
        return (yield from read_v3(context, "Extension.GetExtensionDetails", request))
    except BackendError as fault:
        return not says_absent(fault)
