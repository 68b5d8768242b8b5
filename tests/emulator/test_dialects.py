"""A backend of another 3.x, and one that has first and last names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shim.core.message import Element
from shim.core.parse import fault_of, parse_answer
from shim.core.serialise import MessageWriter
from shim.emulator.world.shape import elements
from shim.interfaces.load import Dialect, new
from tests.emulator.caller import Backend
from tests.support.schemas import assert_valid

Start = Callable[..., Awaitable[Backend]]
ADD = {"login": "x", "company": "Ltd", "parentID": "10", "country": "us"}


async def post(
    backend: Backend, name: str, fields: dict[str, Any], spoken: Dialect, answered: Dialect
) -> Element:
    """The body of the answer to a call of the administrator in one dialect, judged in another."""
    interface = new(spoken)
    operation = interface.by_input[name]
    writer = MessageWriter(interface, operation.input)
    body, lost = writer.write(next(elements(name, fields)) if fields else Element(name))
    assert not lost, lost
    header = Element("userCredentials", children=[Element("accessToken", backend.token("admin"))])
    path = interface.services[operation.service].endpoint
    response = await backend.http.post(
        path, data=writer.envelope(body, header), headers={"Content-Type": "text/xml"}
    )
    data = await response.read()
    told = parse_answer(data, "text/xml").body
    if fault_of(told) is None:
        assert_valid(data, new(answered))
    return told


async def test_it_speaks_and_takes_the_one_version_that_it_was_told(start: Start) -> None:
    backend = await start(schema_version="3.2.0")
    ours = Dialect("3.2.0")
    told = await post(backend, "GetOrganizations", {}, ours, ours)
    assert told.all("organization")
    refused = fault_of(await post(backend, "GetOrganizations", {}, Dialect("3.0.0"), ours))
    assert refused is not None
    assert "not in version 3.2.0" in refused.text
    listed = await post(backend, "GetSchemaVersions", {}, Dialect("3.0.0"), ours)
    assert [each.text for each in listed.all("versions")] == ["3.2.0"]


@pytest.mark.parametrize(
    ("kind", "names", "needed"),
    [
        ("split", ("firstName", "lastName"), ("firstName", "lastName")),
        ("both", ("name", "firstName", "lastName"), ()),
        ("name", ("name",), ("name",)),
    ],
)
async def test_an_account_needs_its_name(
    start: Start, kind: Any, names: tuple[str, ...], needed: tuple[str, ...]
) -> None:
    backend = await start(person_names=kind)
    ours = Dialect(person_names=kind)
    whole = ADD | dict(zip(names, ("Anna", "Maria", "Acme"), strict=False))
    for left_out in needed:
        fields = {name: text for name, text in whole.items() if name != left_out}
        refused = fault_of(await post(backend, "AddOrganization", fields, ours, ours))
        assert refused is not None
        assert refused.code == "117"
    refused = fault_of(await post(backend, "AddOrganization", ADD, ours, ours))
    assert refused is not None
    assert refused.code == "117"
    made = await post(backend, "AddOrganization", whole, ours, ours)
    told = await post(backend, "GetOrganizationDetails", {"ID": made.get("ID") or ""}, ours, ours)
    assert {name: told.get(name) for name in names} == {name: whole[name] for name in names}


async def test_where_there_are_first_and_last_names_only_a_name_is_refused(start: Start) -> None:
    backend = await start(person_names="split")
    fields = ADD | {"name": "Anna Acme"}
    refused = fault_of(await post(backend, "AddOrganization", fields, Dialect(), Dialect()))
    assert refused is not None
    assert "The element name at name is not known here." in refused.text


async def test_accounts_of_the_seed_have_both_names_and_are_found_by_the_whole(start: Start) -> None:
    backend = await start(person_names="split")
    ours = Dialect(person_names="split")
    told = await post(backend, "GetOrganizations", {"filter": "nora north"}, ours, ours)
    assert [(each.get("firstName"), each.get("lastName")) for each in told.all("organization")] == [
        ("Nora", "Northwind")
    ]


async def test_one_limit_for_all_that_is_stored(start: Start) -> None:
    backend = await start(storage_limits="one")
    ours = Dialect(storage_limits="one")
    for level, number in (("Organization", "21"), ("User", "31")):
        limit = Element("storage", "400", {"unlimited": "false"})
        await post(backend, f"Set{level}PL", {"ID": number, "storage": limit}, ours, ours)
        await post(backend, f"Update{level}PL", {"ID": number, "storage": {"decrease": "150"}}, ours, ours)
        told = await post(backend, f"Get{level}PL", {"ID": number}, ours, ours)
        found = told.children[0]
        assert found.get("storage") == "250"
        assert found.child("mailboxSize") is None


STRICT = {"name": "Anna Acme", "firstName": "Anna", "lastName": "Acme", "email": "anna@acme.example"}


@pytest.mark.parametrize("version", ["3.5.0", "5.2.5"])
async def test_strict_demands_are_what_its_version_may_demand(start: Start, version: str) -> None:
    backend = await start(schema_version=version, demands="strict")
    ours = Dialect(version)
    whole = ADD | STRICT
    for left_out in ("firstName", "lastName", "email", "company"):
        fields = {name: text for name, text in whole.items() if name != left_out}
        refused = fault_of(await post(backend, "AddOrganization", fields, ours, ours))
        assert refused is not None
        assert (refused.code, left_out in refused.text) == ("117", True)
    assert (await post(backend, "AddOrganization", whole, ours, ours)).get("result") == "success"


async def test_surplus_elements_are_refused_or_ignored(start: Start) -> None:
    fields = {"ID": "21", "storage": Element("storage", "400", {"unlimited": "false"}), "phoneExtMax": "3"}
    later, spoken = Dialect("5.2.5"), Dialect("3.0.0")
    refused = fault_of(await post(await start(), "SetOrganizationPL", fields, later, spoken))
    assert refused is not None
    assert "storage" in refused.text
    backend = await start(surplus="ignore")
    assert (await post(backend, "SetOrganizationPL", fields, later, spoken)).get("result") == "success"
    told = (await post(backend, "GetOrganizationPL", {"ID": "21"}, spoken, spoken)).children[0]
    assert told.get("phoneExtMax") == "3"
    assert told.child("storage") is None
