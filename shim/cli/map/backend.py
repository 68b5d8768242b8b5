"""The walk behind `shim map verify`: what v3 has, seen with the tokens of the integrations."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from shim.core.aside import finish
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.backend import Call
from shim.core.commands.caller import Caller
from shim.core.commands.extensions import Known
from shim.core.context import CallContext
from shim.core.errors import BackendError, BackendLoginRefused, BackendRefused, says_absent
from shim.core.extensions.evidence import known_from
from shim.core.forward import forward
from shim.core.message import Element
from shim.edge.backend.client import Backend, open_session
from shim.edge.backend.dialect import find_dialect
from shim.edge.backend.tokens import Tokens, open_http
from shim.edge.settings.model import Config, Integration
from shim.interfaces.load import STANDARD, Dialect, new, old

Advance = Callable[[int, int], None]
"""Told about progress: (places read, places in all)."""
T = TypeVar("T")

_AT_ONCE = 8


@dataclass(slots=True)
class View:
    """The extensions that integrations see together. `users` and `prefixes` (of extended numbers) say by whom
    each is seen."""

    extensions: dict[str, Known] = field(default_factory=dict)
    users: dict[str, Integration] = field(default_factory=dict)
    prefixes: dict[str, Integration] = field(default_factory=dict)
    organizations: Counter[str] = field(default_factory=Counter)
    """How many organizations were read with which integration."""
    alone: int = 0
    """How many integrations see no organization, only what is their own."""
    widest: Integration | None = None
    """The one that sees most."""
    unread: list[str] = field(default_factory=list)
    """Organizations that v3 lists and refuses to read."""
    refused: list[BackendError] = field(default_factory=list)
    """Logins that v3 refuses."""


class Asker:
    """Asks v3 in the name of integrations, a few calls at a time. Raises BackendError."""

    def __init__(self, backend: Backend, dialect: Dialect = STANDARD) -> None:
        self._backend = backend
        self._catalogue = Catalogue(old(), new(dialect))
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, integration: Integration, name: str, **parameters: str) -> Element:
        operation = self._catalogue.new.operations[name]
        children = [Element(each, text) for each, text in parameters.items()]
        request = Element(operation.input.name, children=children)
        context = CallContext(self._catalogue, request, Caller(integration.name))
        request_element = forward(context, operation, request, writes=False)
        command = next(request_element)
        assert isinstance(command, Call)
        async with self._places:
            answer = await self._backend.forward(command, integration)
        return finish(request_element, answer)

    async def owner(self, integration: Integration, number: str) -> Known | Literal["unsaid"] | None:
        """Whose extension a number is; None when v3 denies it, `unsaid` when it refuses to tell."""
        try:
            answer = await self.ask(integration, "Extension.GetExtensionDetails", extendedNumber=number)
        except BackendRefused as error:
            return None if says_absent(error) else "unsaid"
        return known_from(answer, number) or "unsaid"

    async def rows(
        self, integration: Integration, name: str, row: str, parent: str | None = None
    ) -> list[Element] | None:
        """The rows of a list below a parent, or of all that the integration has; None when v3 refuses."""
        try:
            answer = await self.ask(integration, name, **({"parentID": parent} if parent else {}))
        except BackendRefused:
            return None
        return answer.all(row)


@asynccontextmanager
async def asking(config: Config) -> AsyncIterator[Asker]:
    """The way to the backend. Raises OSError for a bad `ca_file`."""
    async with AsyncExitStack() as closing:
        session = await closing.enter_async_context(open_session(config.backend))
        http = await closing.enter_async_context(open_http(config.backend))
        tokens = Tokens(http, config.backend.url + config.backend.token_path)
        closing.push_async_callback(tokens.close)
        backend = Backend(session, tokens, config.backend)
        yield Asker(backend, await find_dialect(config, backend))


async def together(parts: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order; the first error ends all the others and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in parts]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [each.result() for each in tasks]


async def walk(asker: Asker, integrations: Sequence[Integration], advance: Advance) -> View:
    """Read every organization once, each with the integration that sees most of those that see it.

    Raises BackendError, also when every login is refused.
    """
    view = View()
    lists = await together(_organizations(asker, each, view) for each in integrations)
    if integrations and len(view.refused) == len(integrations):
        raise view.refused[0]
    places = _places(zip(integrations, lists, strict=True))
    view.alone = sum(organization is None for _, organization in places)
    view.widest = places[0][0] if places else None
    done = 0
    advance(done, len(places))

    async def one(integration: Integration, organization: str | None) -> None:
        nonlocal done
        await _read(asker, integration, organization, view)
        done += 1
        advance(done, len(places))

    await together(one(*place) for place in places)
    return view


def _places(
    seen: Iterable[tuple[Integration, list[str] | None]],
) -> list[tuple[Integration, str | None]]:
    """Which organization to read with which integration; None for all that an integration has."""
    places: dict[str, tuple[Integration, str | None]] = {}
    own: list[tuple[Integration, str | None]] = []
    for integration, organizations in sorted(seen, key=lambda each: -len(each[1] or ())):
        for organization in organizations or ():
            places.setdefault(organization, (integration, organization))
        if organizations == []:
            own.append((integration, None))
    return [*places.values(), *own]


async def _organizations(asker: Asker, integration: Integration, view: View) -> list[str] | None:
    """Empty for an account below organizations; None for one that cannot log in.

    Where a list has only what is directly the account's own, those of its service providers are read as well.
    """
    try:
        rows = await asker.rows(integration, "Organization.GetOrganizations", "organization") or []
        if not rows:
            above = await asker.rows(integration, "ServiceProvider.GetServiceProviders", "serviceProvider")
            for provider in _ids(above):
                rows += (
                    await asker.rows(integration, "Organization.GetOrganizations", "organization", provider)
                    or []
                )
    except BackendLoginRefused as error:
        view.refused.append(error)
        return None
    return _ids(rows)


def _ids(rows: Iterable[Element] | None) -> list[str]:
    return [user_id for row in rows or () if (user_id := row.get("ID"))]


async def _read(asker: Asker, integration: Integration, organization: str | None, view: View) -> None:
    people = await asker.rows(integration, "User.GetUsers", "user", organization)
    devices = await asker.rows(integration, "Extension.GetExtensions", "extension", organization)
    if people is None or devices is None:
        if organization:
            view.unread.append(organization)
        return
    users = {user_id: row.get("identifier") or "" for row in people if (user_id := row.get("ID"))}
    for user in users:
        view.users.setdefault(user, integration)
    if not devices:  # a list may have only what is directly the organization's own
        own = await together(
            asker.rows(integration, "Extension.GetExtensions", "extension", user) for user in users
        )
        devices = [row for rows in own for row in rows or ()]
    extensions = await _extensions(asker, integration, devices, users)
    view.extensions.update({each.number: each for each in extensions})
    if organization:
        view.organizations[integration.name] += 1
        for each in extensions:
            if prefix := split(each.number)[0]:
                view.prefixes.setdefault(prefix, integration)


async def _extensions(
    asker: Asker, integration: Integration, devices: Iterable[Element], users: dict[str, str]
) -> list[Known]:
    """A row says whose it is by the user's identifier; where that is no answer, v3 is asked."""
    times = Counter(users.values())
    owners = {identifier: user for user, identifier in users.items() if identifier and times[identifier] == 1}
    known: list[Known] = []
    unclear: list[str] = []
    for row in devices:
        number, identifier = row.get("extendedNumber") or "", row.get("identifier") or ""
        if number and identifier in owners:
            known.append(Known(owners[identifier], number, identifier))
        elif number:
            unclear.append(number)
    owners_asked = await together(asker.owner(integration, number) for number in unclear)
    return [*known, *(each for each in owners_asked if isinstance(each, Known))]


def split(number: str) -> tuple[str, str]:
    """The part of an extended number that is its organization's, and the rest: `0020` and `001` of
    `0020*001`."""
    prefix, _, local = number.rpartition("*")
    return prefix, local
