"""Elements that a later v3 may demand of a new account beyond its schema, and a call of 2.5 may leave out.

The rules hold where a version says that a server of it may demand an element (`require` in its file). Names
and company are completed of what the call says; an e-mail address only by the setting `complete_email`: an
address that nobody reads is worse than a refusal that says what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.forward import look
from shim.core.message import Element
from shim.core.rules.declare import call
from shim.core.rules.rule import Made, Rule, Taken
from shim.core.rules.table import Direction
from shim.core.schema.interface import Operation
from translations.shared.person_names import FIRST, LAST, NAME, halves

ROLE = "role"
_NAMES = "A later v3 may insist on a name: where the call has none it is the login (setting complete_names)."
_COMPANY = (
    "A later v3 may insist on a company: where the call has none it is the account's name "
    "(setting complete_company)."
)
_EMAIL = (
    "A later v3 may insist on an e-mail address: where the call has none, the setting complete_email makes one "
    "of the login, or leaves it out."
)
_OWNER = "v3 wants one owner an organization: its first user is made that (setting organization_owner)."
MEMBERS = call("User.GetUsers", "Whether the organization has users: with organization_owner: first.")

By = Callable[[Element, CallContext], str]


@dataclass(frozen=True, slots=True)
class Completed(Rule):
    """An element of a new account that is made where the call does not have it."""

    by: By = lambda root, context: ""

    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        name = self.new

        def produce(root: Element, context: CallContext) -> None:
            text = "" if (root.get(name) or "").strip() else self.by(root, context)
            if text:
                root.children = [each for each in root.children if each.name != name]
                root.children.append(Element(name, text))
                context.find("default-added", name, self.because, name)

        return Made("added", name, produce, "default-added", fills=True)


def _name(root: Element, context: CallContext) -> str:
    if context.caller.settings.get("complete_names", "login") == "leave":
        return ""
    return (root.get(NAME) or "").strip() or (root.get("login") or "").strip()


def _company(root: Element, context: CallContext) -> str:
    leave = context.caller.settings.get("complete_company", "name") == "leave"
    return "" if leave else (root.get(NAME) or "").strip() or (root.get("login") or "").strip()


def _email(root: Element, context: CallContext) -> str:
    how = context.caller.settings.get("complete_email", "leave")
    login = (root.get("login") or "").strip()
    return "" if how == "leave" or not login else how.replace("{login}", login)


def _completed(name: str, because: str, by: By) -> Rule:
    where = name if name in (FIRST, LAST) else ""  # a backend may be configured to have no such names
    return Completed("", name, because, "request", by=by, demanded=name, where=where)


PERSON: tuple[Rule, ...] = (
    _completed(FIRST, _NAMES, lambda root, context: halves(_name(root, context))[0]),
    _completed(LAST, _NAMES, lambda root, context: halves(_name(root, context))[1]),
    _completed("email", _EMAIL, _email),
)
"""For every new account; to stand behind the rules about its names."""
ORGANIZATION: tuple[Rule, ...] = (*PERSON, _completed("company", _COMPANY, _company))


def owner(context: CallContext, add: Operation, request: Element) -> Steps[None]:
    """Make the first user of an organization its owner, where that is set and v3 has roles."""
    kind = add.input.complex
    if (
        context.caller.settings.get("organization_owner", "leave") == "leave"
        or kind is None
        or ROLE not in kind.slots
    ):
        return
    parent = [each for each in request.children if each.name in ("parentID", "parentIdentifier") and each.text]
    answer = yield from look(
        context, MEMBERS.operation, *(Element(each.name, each.text) for each in parent[:1])
    )
    if answer is not None and not answer.all("user"):
        request.children.append(Element(ROLE, "owner"))
        context.find("default-added", "parentID", _OWNER, ROLE)
