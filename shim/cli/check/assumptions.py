"""Assumptions about v3 that `shim check` looks into: see docs/assumptions.md. It makes reads only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from shim.cli.common.console import ExitCode
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.backend import Call
from shim.core.commands.caller import Caller
from shim.core.context import CallContext
from shim.core.errors import BackendError
from shim.core.forward import forward
from shim.core.message import Element
from shim.core.parse import fault_of, parse_answer
from shim.core.schema.interface import Interface, paths
from shim.edge.backend.client import Backend
from shim.edge.backend.dialect import find_dialect
from shim.edge.settings.load import SettingProblem
from shim.edge.settings.model import Config, Integration
from shim.interfaces.load import new, old
from translations.shared.one_storage import FIVE, STORAGE

_ORGANIZATIONS, _USERS = 5, 20
"""How many are looked at to find an extension below an organization."""
_NOBODY = "nobody-has-this-name-8f2c"
_UNKNOWN = "not found out: the integration sees no organization whose users have extensions"

_NO_ORGANIZATION = "not found out: the integration sees no organization"
_DAYS = 30
"""How far back calls are looked for."""

AssumptionCheck = tuple[str, ExitCode, str, list[SettingProblem]]


@dataclass(frozen=True, slots=True)
class _Asker:
    """Reads of v3 with the login of one integration."""

    catalogue: Catalogue
    backend: Backend
    integration: Integration

    async def ask(self, name: str, *children: Element) -> Element:
        """The answer's body element. Raises BackendError."""
        operation = self.catalogue.new.operations[name]
        request = Element(operation.input.name, children=list(children))
        context = CallContext(self.catalogue, request, Caller(self.integration.name))
        request_element = forward(context, operation, request, writes=False)
        command = next(request_element)
        assert isinstance(command, Call)
        try:
            request_element.send(await self.backend.forward(command, self.integration))
        except StopIteration as stop:
            reply: Element = stop.value
            return reply
        raise AssertionError("forward is one call")

    async def takes(self, name: str, soap_action: str | None = None) -> bool:
        """True if v3 serves a call that has nothing in it, with another SOAPAction if one is given."""
        operation = self.catalogue.new.operations[name]
        writer = self.catalogue.new_writer(operation)
        body, _ = writer.write(Element(operation.input.name))

        def envelope(token: str) -> bytes:
            return writer.envelope(body, Element("userCredentials", children=[Element("accessToken", token)]))

        endpoint = self.catalogue.new.services[operation.service].endpoint
        action = soap_action or operation.soap_action
        call = Call(operation.service, operation.name, endpoint, action, envelope, False)
        answer = await self.backend.forward(call, self.integration)
        return fault_of(parse_answer(answer.body, answer.content_type).body) is None


async def check_assumptions(
    config: Config, where: str, backend: Backend, integration: Integration
) -> AsyncIterator[AssumptionCheck]:
    """The behaviour of v3 where no source tells. What cannot be found out is said, and is no problem."""
    dialect = await find_dialect(config, backend)
    asker = _Asker(Catalogue(old(), new(dialect)), backend, integration)
    probes: tuple[tuple[str, Callable[[], Awaitable[tuple[str, str | None]]]], ...] = (
        ("lists", lambda: _lists(asker)),
        ("row identifier", lambda: _row_identifier(asker)),
        ("empty list", lambda: _empty_list(asker)),
        ("required", lambda: _required(asker)),
        ("soap action", lambda: _soap_action(asker)),
        ("unlimited", lambda: _unlimited(asker)),
        ("names", lambda: _names(asker)),
        ("storage", lambda: _storage(asker)),
        ("report filter", lambda: _report_filter(asker, datetime.now(UTC).date())),
    )
    conduct, new_side = config.conduct, asker.catalogue.new
    settings = {
        "lists": ("conduct.lists", conduct.lists),
        "row identifier": ("conduct.row_identifier", conduct.row_identifier),
        "names": ("backend.person_names", spoken_names(new_side)),
        "storage": ("backend.storage_limits", spoken_storage(new_side)),
        "report filter": ("backend.schema_version", "heeded"),
    }
    for name, probe in probes:
        try:
            sentence, shown = await probe()
        except BackendError as error:
            sentence, shown = f"not found out: {error.text.rstrip('.')}", None
        setting, configured = settings.get(name, ("", "auto"))
        differs = shown is not None and configured not in ("auto", shown)
        problems = [_otherwise(where, setting, configured, shown or "", dialect.version)] if differs else []
        yield name, ExitCode.BACKEND, sentence, problems


def _otherwise(where: str, setting: str, configured: str, shown: str, version: str) -> SettingProblem:
    """The problem of a v3 that does not behave as it is spoken to."""
    if setting.startswith("conduct."):
        what = f"{setting} is {configured}, and v3 does otherwise: {shown}"
        return SettingProblem(f"{where}: {setting}", what, None, f"Set it to {shown}, or to auto")
    what = f"schema {version} is spoken with {configured}, and v3 does otherwise: {shown}"
    hint = "It may be of another version than the one that is spoken."
    if setting == "backend.schema_version":
        what = f"v3 does not heed the filter of a call report as schema {version} spells it"
        return SettingProblem(f"{where}: {setting}", what, hint, "Set the version that it speaks")
    fix = f"Set backend.schema_version to the version that it speaks, or this to {shown}"
    return SettingProblem(f"{where}: {setting}", what, hint, fix)


async def _below(asker: _Asker) -> tuple[str, Element] | None:
    """An organization, and the row of an extension of one of its users; None when none is found."""
    organizations = (await asker.ask("Organization.GetOrganizations")).all("organization")
    for organization in organizations[:_ORGANIZATIONS]:
        this = organization.get("ID") or ""
        people = (await asker.ask("User.GetUsers", Element("parentID", this))).all("user")
        for user in people[:_USERS]:
            parent = Element("parentID", user.get("ID") or "")
            rows = (await asker.ask("Extension.GetExtensions", parent)).all("extension")
            if rows:
                return this, rows[0]
    return None


async def _lists(asker: _Asker) -> tuple[str, str | None]:
    below = await _below(asker)
    if below is None:
        return _UNKNOWN, None
    organization, row = below
    rows = (await asker.ask("Extension.GetExtensions", Element("parentID", organization))).all("extension")
    if row.get("extendedNumber") in {each.get("extendedNumber") for each in rows}:
        return "lists have all below a parent", "subtree"
    return "lists have only what is directly a parent's own", "direct"


async def _row_identifier(asker: _Asker) -> tuple[str, str | None]:
    rows = await _below(asker)
    if rows is None:
        return _UNKNOWN, None
    row = rows[1]
    number = Element("extendedNumber", row.get("extendedNumber") or "")
    owner = (await asker.ask("Extension.GetExtensionDetails", number)).get("parentIdentifier")
    identifier = row.get("identifier")
    if not identifier or not owner:
        return "not found out: rows or details have no identifier", None
    if identifier == owner:
        return "the identifier in a row of extensions is its user's", "user"
    return "the identifier in a row of extensions is its own", "extension"


async def _empty_list(asker: _Asker) -> tuple[str, str | None]:
    try:
        answer = await asker.ask("User.GetUsers", Element("filter", _NOBODY))
    except BackendError as error:
        if error.code != "030":
            raise
        return "a list without rows is a fault with code 030", None
    code = answer.get("notice/code")
    return f"a list without rows {f'has a notice with code {code}' if code else 'is bare'}", None


async def _required(asker: _Asker) -> tuple[str, str | None]:
    taken = await asker.takes("PBX.GetRegions")
    return f"requests that lack what the schema requires are {'taken' if taken else 'refused'}", None


async def _soap_action(asker: _Asker) -> tuple[str, str | None]:
    other = asker.catalogue.new.operations["PBX.GetTimezone"].soap_action
    taken = await asker.takes("PBX.Ping", other)
    return f"{'the body' if taken else 'SOAPAction'} says which operation it is", None


async def _unlimited(asker: _Asker) -> tuple[str, str | None]:
    organization = await _an_organization(asker)
    if organization is None:
        return _NO_ORGANIZATION, None
    return describe_limits(
        asker.catalogue, await asker.ask("Organization.GetOrganizationPL", organization)
    ), None


def describe_limits(catalogue: Catalogue, answer: Element) -> str:
    """How many limits in an answer of GetOrganizationPL lack `unlimited`, and which setting reads those."""
    bounded = _limits(catalogue)
    limits = [each for row in answer.children for each in row.children if each.name in bounded]
    bare = [each.name for each in limits if "unlimited" not in each.attributes]
    if not limits:
        return "not found out: the organization that was asked for has no limits"
    if not bare:
        return f"each of {len(limits)} limits says whether it is unlimited"
    advice = "conduct.unlimited_absent_in_v3 decides: compare them with the panel"
    return f"{len(bare)} of {len(limits)} limits lack the attribute unlimited, {bare[0]} first. {advice}"


def _limits(catalogue: Catalogue) -> frozenset[str]:
    """Names of what has the attribute `unlimited` in the rows of GetOrganizationPL."""
    output = catalogue.new.operations["Organization.GetOrganizationPL"].output
    return frozenset(path.split("/")[-2] for path, _ in paths(output) if path.endswith("/@unlimited"))


def spoken_names(interface: Interface) -> str:
    """How accounts have the names of their holders in an interface, as `backend.person_names` says it."""
    output = interface.operations["Organization.GetOrganizationDetails"].output
    return _form_of_names({path for path, _ in paths(output)}) or "name"


def _form_of_names(names: set[str]) -> str | None:
    halves = not names.isdisjoint(("firstName", "lastName"))
    if "name" in names:
        return "both" if halves else "name"
    return "split" if halves else None


async def _names(asker: _Asker) -> tuple[str, str | None]:
    organization = await _an_organization(asker)
    if organization is None:
        return _NO_ORGANIZATION, None
    answer = await asker.ask("Organization.GetOrganizationDetails", organization)
    form = _form_of_names({each.name for each in answer.children})
    names = {
        "name": "accounts have name alone",
        "both": "accounts have firstName and lastName beside name",
        "split": "accounts have firstName and lastName, and no name",
    }
    return (
        (names[form], form)
        if form
        else ("not found out: the organization that was asked for has no name", None)
    )


def spoken_storage(interface: Interface) -> str:
    """How storage is bounded in an interface, as `backend.storage_limits` says it."""
    output = interface.operations["Organization.GetOrganizationPL"].output
    return "one" if f"userPL/{STORAGE}" in {path for path, _ in paths(output)} else "five"


async def _storage(asker: _Asker) -> tuple[str, str | None]:
    organization = await _an_organization(asker)
    if organization is None:
        return _NO_ORGANIZATION, None
    answer = await asker.ask("Organization.GetOrganizationPL", organization)
    names = {each.name for row in answer.children for each in row.children}
    if STORAGE in names:
        return "accounts have one limit for all that they store", "one"
    if names.isdisjoint(FIVE):
        return "not found out: the organization that was asked for has no limit of storage", None
    return "accounts have five limits for what they store", "five"


async def _report_filter(asker: _Asker, today: date) -> tuple[str, str | None]:
    """The filter of a call report, heeded or not: where it has another name, all calls come."""
    rows = await _below(asker)
    if rows is None:
        return _UNKNOWN, None
    number = Element("extendedNumber", rows[1].get("extendedNumber") or "")
    user = (await asker.ask("Extension.GetExtensionDetails", number)).get("parentID")
    since = today - timedelta(days=_DAYS)
    interval = [Element("startDate", since.isoformat()), Element("endDate", today.isoformat())]
    operation = asker.catalogue.new.operations["Report.CallReport"]
    names = {path for path, _ in paths(operation.input)}
    name = next(each for each in ("disposition", "disposion") if each in names)
    children = (Element("userID", user), Element("interval", children=interval), Element(name, "BUSY"))
    return describe_filter(await asker.ask("Report.CallReport", *children))


def describe_filter(answer: Element) -> tuple[str, str | None]:
    """The calls in an answer of CallReport, asked for those that were busy: all of them are, or not."""
    ended = [(each.get("disposition") or each.get("disposion") or "").strip() for each in answer.all("call")]
    others = sum(each not in ("", "BUSY") for each in ended)
    if others:
        return f"{others} of {len(ended)} calls in a report of busy ones are not", "not heeded"
    if not any(ended):
        return "not found out: the user who was asked for had no busy call in a month", None
    return "a report of busy calls has no others", "heeded"


async def _an_organization(asker: _Asker) -> Element | None:
    """The ID of an organization that the integration sees."""
    organizations = (await asker.ask("Organization.GetOrganizations")).all("organization")
    return Element("ID", organizations[0].get("ID") or "") if organizations else None
