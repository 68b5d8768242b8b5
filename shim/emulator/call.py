"""One call: who asks for what, and how accounts and extensions are named in a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from shim.core.message import Element
from shim.core.schema.interface import Interface, Operation
from shim.emulator.world.refusal import (
    AUTHENTICATION,
    BAD_PARENT,
    BAD_USER,
    CONTEXT_USER,
    Refusal,
    forbidden,
    missing,
)
from shim.emulator.world.shape import Fact, fill
from shim.emulator.world.world import EmulatedAccount, EmulatedExtension, World

_BY_ID, _BY_IDENTIFIER, _BY_LOGIN = "id", "identifier", "login"
_NAMES: dict[str, dict[str, str]] = {
    "account": {"ID": _BY_ID, "identifier": _BY_IDENTIFIER},
    "any": {"ID": _BY_ID, "identifier": _BY_IDENTIFIER, "login": _BY_LOGIN},
    "parent": {"parentID": _BY_ID, "parentIdentifier": _BY_IDENTIFIER, "parentLogin": _BY_LOGIN},
    "user": {
        "userID": _BY_ID,
        "userIdentifier": _BY_IDENTIFIER,
        "userLogin": _BY_LOGIN,
        "login": _BY_LOGIN,
    },
    "owner": {"ownerID": _BY_ID},
    "context": {"fromUser": _BY_ID, "fromUserIdentifier": _BY_IDENTIFIER},
    "serviceProvider": {"serviceProviderID": _BY_ID, "serviceProviderIdentifier": _BY_IDENTIFIER},
}
_BAD = {"parent": BAD_PARENT, "user": BAD_USER, "owner": BAD_USER, "context": CONTEXT_USER}
_BAD["serviceProvider"] = BAD_PARENT


@dataclass(slots=True)
class EmulatedRequest:
    """`actor` is the account of the token, or the context user that it acts for."""

    world: World
    interface: Interface
    operation: Operation
    request: Element
    actor: EmulatedAccount

    def text(self, name: str) -> str | None:
        """A parameter's text without the space around it; None when it is absent or empty."""
        return (self.request.get(name) or "").strip() or None

    def texts(self, name: str) -> list[str]:
        return [(each.text or "").strip() for each in self.request.all(name)]

    def need(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise missing(name)
        return value

    def answer(self, facts: dict[str, Fact]) -> Element:
        return fill(self.operation.output, facts)

    def done(self, **facts: Fact) -> Element:
        return self.answer({"result": "success", **facts})

    def find(self, who: str) -> EmulatedAccount | None:
        """The account that the request names as its parent, user, ...; None when it names none.

        Raises Refusal when there is no such account, or it is not the actor's to touch.
        """
        for name, by in _NAMES[who].items():
            value = self.text(name)
            if value is not None:
                return self.reachable(self.look_up(by, value), _BAD.get(who, AUTHENTICATION), name)
        return None

    def need_account(self, who: str = "account") -> EmulatedAccount:
        account = self.find(who)
        if account is None:
            raise missing(" or ".join(_NAMES[who]))
        return account

    def look_up(self, by: str, value: str) -> EmulatedAccount | None:
        if by == _BY_ID:
            return self.world.accounts.get(int(value)) if value.isdecimal() else None
        return self.world.by_login(value) if by == _BY_LOGIN else self.world.by_identifier(value)

    def reachable(self, account: EmulatedAccount | None, code: str, name: str) -> EmulatedAccount:
        """The account, if the actor may touch it. What lies beside the actor looks as if it did not exist."""
        if account is not None:
            if self.world.is_at_or_below(account, self.actor):
                return account
            if code == BAD_PARENT or self.world.is_at_or_below(self.actor, account):
                raise forbidden(f"the account given as {name} is not below the one that calls")
        raise Refusal(code, f"The value of {name} is invalid: there is no such account.")

    def find_many(self) -> tuple[list[EmulatedAccount], int]:
        """The accounts that ID and identifier name, each once, and how many names led nowhere."""
        accounts: dict[int, EmulatedAccount] = {}
        lost = 0
        many = 0
        for name, by in _NAMES["account"].items():
            for value in self.texts(name):
                many += 1
                account = self.look_up(by, value)
                if account is not None and self.world.is_at_or_below(account, self.actor):
                    accounts[account.id] = account
                else:
                    lost += 1
        if not many:
            raise missing("ID or identifier")
        return list(accounts.values()), lost

    def extension(self, name: str = "extendedNumber") -> EmulatedExtension:
        return self.extension_at(self.need(name), name)

    def extension_at(self, number: str, name: str = "extendedNumber") -> EmulatedExtension:
        extension = self.world.extensions.get(number)
        if extension is None or not self.world.is_at_or_below(self.world.accounts[extension.user], self.actor):
            raise Refusal(AUTHENTICATION, f"The value of {name} is invalid: there is no such extension.")
        return extension


OperationHandler = Callable[[EmulatedRequest], Element]


@cache
def fields_of(interface: Interface, operation: str, output: bool = False) -> frozenset[str]:
    """The local names of the children of a request, or of an answer."""
    op = interface.operations[operation]
    kind = (op.output if output else op.input).complex
    return frozenset(kind.slots) if kind else frozenset()
