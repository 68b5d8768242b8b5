"""Custom buttons: v3 shows the same, but decides itself what a button tells its page about the account."""

from __future__ import annotations

from dataclasses import dataclass

from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.rules.rule import Rule, Taken
from shim.core.rules.table import Direction
from shim.core.rules.vocabulary import rename

_PROVIDER = "Resellers are service providers in v3."
_TELLS = (
    "2.5 put {0} into the address of the button's page; v3 may call it otherwise, and may mean another ID: "
    "look at what the page is sent."
)


@dataclass(frozen=True, slots=True)
class PageParameter(Rule):
    """Something that a button tells its page. When it is on, the page has to be looked at."""

    def takes(self, direction: Direction) -> Taken | None:
        if direction == "answer":
            return None

        def act(child: Element, into: Element, context: CallContext) -> None:
            text = (child.text or "").strip().lower()
            into.children.append(Element(self.new, text))
            if text in ("1", "true", "t"):
                context.find("effect-may-differ", self.old, self.because, self.new)

        return Taken("carried" if self.old == self.new else "renamed", self.new, act, "effect-may-differ")


def _page_parameter(old: str, parameter: str, new: str | None = None) -> Rule:
    return PageParameter(old, new or old, _TELLS.format(parameter), "request")


SENT = (
    _page_parameter("includeResellerID", "reseller_id", "includeServiceProviderID"),
    _page_parameter("includeClientID", "client_id"),
    _page_parameter("includeExtensionID", "extension_id"),
)
"""A button as requests have it."""

LISTED = rename("button/includeResellerID", "button/includeServiceProviderID", _PROVIDER)
"""A button as it is listed."""
