"""The world: one table of accounts, the extensions under them, objects, tokens, and what has been called.

Accounts share one ID sequence; every other kind of object counts for itself. Nothing here knows an operation.
"""

from __future__ import annotations

import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

from shim.core.message import Element
from shim.emulator.handlers.listing import Memory, Ways

ADMINISTRATOR, SERVICE_PROVIDER, ORGANIZATION, USER = "administrator", "serviceProvider", "organization", "user"
LEVELS = (ADMINISTRATOR, SERVICE_PROVIDER, ORGANIZATION, USER)
_IDENTIFIERS = uuid.UUID("5ad7f3a2-0d0b-4c1e-9a54-9f7d10a1c0de")

Owner = tuple[str, int | str]
"""Whose an object is: ("account", ID), ("extension", extended number), or (kind of object, its key)."""


@dataclass(slots=True)
class EmulatedAccount:
    id: int
    level: str
    parent: int | None
    identifier: str
    created: datetime
    profile: dict[str, str] = field(default_factory=dict)
    limits: dict[str, list[Element]] = field(default_factory=dict)
    status: bool = True
    phone_status: str = "1"
    cp_access: bool = True
    plan: int | None = None
    template: int | None = None
    flags: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    @property
    def login(self) -> str:
        return self.profile.get("login", "")


@dataclass(slots=True)
class EmulatedExtension:
    """`number` is the extended number, such as 0020*001; `user` the ID of the account that it belongs to."""

    number: str
    user: int
    type: str
    label: str
    created: datetime
    password: str = field(default="", repr=False)
    template: int | None = None

    @property
    def local(self) -> str:
        return self.number.partition("*")[2]


@dataclass(slots=True)
class Object:
    """Anything that is added, listed, edited and deleted: `fields` as they were sent."""

    kind: str
    key: int | str
    owner: Owner
    created: datetime
    fields: list[Element] = field(default_factory=list)
    held_by: str | None = None
    """Public numbers only: the extension that has it."""

    def text(self, name: str) -> str | None:
        return next((each.text for each in self.fields if each.name == name), None)


@dataclass(frozen=True, slots=True)
class EmulatedApp:
    client_id: str
    client_secret: str = field(repr=False)
    account: int


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Something that goes wrong once, with the next call of `operation` (`AddUser`, `User.AddUser` or `*`)."""

    operation: str
    action: str


class SeenRequest(NamedTuple):
    """A call that arrived: `outcome` is "ok", the code of the fault ("" for one without), or "drop"."""

    operation: str
    request: Element
    outcome: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The backend as it names itself."""

    edition: str = "Professional"
    version: str = "3.0.0"
    build: str = "300000"
    infrastructure: str = "emulated"
    currency: str = "USD"


@dataclass(slots=True)
class World:
    facts: Facts = field(default_factory=Facts)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    accounts: dict[int, EmulatedAccount] = field(default_factory=dict)
    extensions: dict[str, EmulatedExtension] = field(default_factory=dict)
    objects: dict[str, dict[int | str, Object]] = field(default_factory=dict)
    settings: dict[tuple[str, str], list[Element]] = field(default_factory=dict)
    catalogue: dict[str, list[Element]] = field(default_factory=dict)
    apps: dict[str, EmulatedApp] = field(default_factory=dict)
    tokens: dict[str, tuple[str, datetime]] = field(default_factory=dict, repr=False)
    calls: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=10_000))
    faults: list[FaultPlan] = field(default_factory=list)
    ways: Ways = field(default_factory=Ways)
    listed: Memory = field(default_factory=Memory, repr=False)
    next_id: int = 1
    _children: dict[int, dict[int, None]] = field(default_factory=dict)
    _numbers: dict[int, dict[str, None]] = field(default_factory=dict)
    _logins: dict[str, int] = field(default_factory=dict)
    _identifiers: dict[str, int] = field(default_factory=dict)
    _picked: dict[int, int] = field(default_factory=dict)

    # accounts

    def enter(self, account: EmulatedAccount) -> None:
        """Put an account into the table. Its login and identifier must be free."""
        self.accounts[account.id] = account
        self._logins[account.login] = account.id
        self._identifiers[account.identifier] = account.id
        if account.parent is not None:
            self._children.setdefault(account.parent, {})[account.id] = None
        self.next_id = max(self.next_id, account.id + 1)

    def leave(self, account: EmulatedAccount) -> None:
        """Take an account away with all that is below it."""
        for child in list(self._children.get(account.id, ())):
            self.leave(self.accounts[child])
        for number in list(self._numbers.get(account.id, ())):
            self.drop_extension(number)
        self.forget(("account", account.id))
        for client_id in [key for key, app in self.apps.items() if app.account == account.id]:
            del self.apps[client_id]
        del self.accounts[account.id], self._logins[account.login], self._identifiers[account.identifier]
        self._children.pop(account.id, None)
        if account.parent is not None:
            del self._children[account.parent][account.id]

    def move(self, account: EmulatedAccount, parent: EmulatedAccount) -> None:
        if account.parent is not None:
            del self._children[account.parent][account.id]
        account.parent = parent.id
        self._children.setdefault(parent.id, {})[account.id] = None

    def rename(self, account: EmulatedAccount, login: str) -> None:
        del self._logins[account.login]
        account.profile["login"] = login
        self._logins[login] = account.id

    def by_login(self, login: str) -> EmulatedAccount | None:
        return self.accounts.get(self._logins.get(login, 0))

    def by_identifier(self, identifier: str) -> EmulatedAccount | None:
        return self.accounts.get(self._identifiers.get(identifier, 0))

    def chain(self, account: EmulatedAccount) -> Iterator[EmulatedAccount]:
        """The account and those above it, upwards."""
        at: EmulatedAccount | None = account
        while at is not None:
            yield at
            at = self.accounts.get(at.parent) if at.parent is not None else None

    def is_at_or_below(self, account: EmulatedAccount, top: EmulatedAccount) -> bool:
        return any(each is top for each in self.chain(account))

    def at_or_below(self, top: EmulatedAccount) -> Iterator[EmulatedAccount]:
        """The account and all below it, in the order of their IDs within each parent."""
        yield top
        for child in sorted(self._children.get(top.id, ())):
            yield from self.at_or_below(self.accounts[child])

    # extensions

    def enter_extension(self, extension: EmulatedExtension) -> None:
        self.extensions[extension.number] = extension
        self._numbers.setdefault(extension.user, {})[extension.number] = None

    def drop_extension(self, number: str) -> None:
        """The extension goes, its public numbers are free again, what was set or kept for it is forgotten."""
        extension = self.extensions.pop(number)
        del self._numbers[extension.user][number]
        for public in self.objects.get("PublicNo", {}).values():
            if public.held_by == number:
                public.held_by = None
        for key in [key for key in self.settings if key[1] == number]:
            del self.settings[key]
        self.forget(("extension", number))
        agents = self.objects.get("QueueAgent", {})
        for agent in [key for key, each in agents.items() if each.text("agentExtendedNumber") == number]:
            del agents[agent]

    def listed_below(self, top: EmulatedAccount) -> Iterator[EmulatedAccount]:
        """The accounts that a list under a parent reaches; the parent may be among them, where all below is."""
        if self.ways.lists == "subtree":
            yield from self.at_or_below(top)
            return
        for child in sorted(self._children.get(top.id, ())):
            yield self.accounts[child]

    def listed_extensions(self, top: EmulatedAccount) -> Iterator[EmulatedExtension]:
        """The extensions that a list under a parent reaches: of all below it, or its own."""
        if self.ways.lists == "subtree":
            yield from self.extensions_of(top)
            return
        for number in self._numbers.get(top.id, ()):
            yield self.extensions[number]

    def extensions_of(self, top: EmulatedAccount) -> Iterator[EmulatedExtension]:
        for account in self.at_or_below(top):
            for number in self._numbers.get(account.id, ()):
                yield self.extensions[number]

    def organization_of(self, account: EmulatedAccount) -> EmulatedAccount:
        return next(each for each in self.chain(account) if each.level == ORGANIZATION)

    def extended(self, organization: EmulatedAccount, local: str) -> str:
        return f"{organization.id:04d}*{local}"

    def free_number(self, organization: EmulatedAccount) -> str:
        for number in count(self._picked.get(organization.id, 1)):
            extended = self.extended(organization, f"{number:03d}")
            if extended not in self.extensions:
                self._picked[organization.id] = number
                return extended
        raise AssertionError("counting never ends")

    # objects

    def kept(self, kind: str) -> dict[int | str, Object]:
        return self.objects.setdefault(kind, {})

    def new_key(self, kind: str) -> int:
        return max((key for key in self.kept(kind) if isinstance(key, int)), default=0) + 1

    def forget(self, owner: Owner) -> None:
        """Drop every object of an owner, and what those own in turn."""
        for kind, objects in list(self.objects.items()):
            for key in [key for key, each in objects.items() if each.owner == owner]:
                del objects[key]
                self.forget((kind, key))

    # tokens and disturbances

    def issue_token(self, client_id: str, seconds: int) -> str:
        token = secrets.token_urlsafe(24)
        self.tokens[token] = (client_id, self.clock() + timedelta(seconds=seconds))
        return token

    def interfere(self, operation: str, action: str) -> None:
        """Let the next call of an operation go wrong. See `shim.emulator.disturb` for the actions."""
        self.faults.append(FaultPlan(operation, action))

    def disturbance(self, full_name: str) -> str | None:
        """The action planned for this call, which is used up by asking."""
        names = {full_name, full_name.partition(".")[2], "*"}
        for plan in self.faults:
            if plan.operation in names:
                self.faults.remove(plan)
                return plan.action
        return None


def identifier(kind: str, number: int | str) -> str:
    """The identifier that the server gives: stable, so that two runs of one seed agree."""
    return uuid.uuid5(_IDENTIFIERS, f"{kind}/{number}").hex


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def switched_on(text: str | None) -> bool:
    return (text or "").strip().lower() in ("1", "true", "t")
