"""A backend of another 3.x, which takes no other and splits names: it is asked what it speaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shim.core.message import Element
from shim.emulator.app import Options
from tests.end_to_end.messages import ACME, ADMIN, CLIENT, NORTHWIND, envelope
from tests.end_to_end.running import Backend, Shim, Tls, running_shim
from tests.end_to_end.wire import answered, faulted, post

EXTENSION = "/soap2/extension_agent.php"
PHONE = "<name>Pia von Phone</name><login>pia</login><password>Pass-2025</password><country>us</country>"


def call(shim: Shim, operation: str, fields: str, path: str = CLIENT, login: tuple[str, str] = ACME) -> Element:
    return answered(post(shim, envelope(f"<{operation}>{fields}</{operation}>", login=login), path))


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend(Options(schema_version="3.6.2", person_names="split"))
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    changes = {"backend.schema_version": "auto", "backend.person_names": "split"}
    with running_shim(backend.url, tls, changes) as running:
        yield running


def test_the_backend_is_asked_once_what_it_speaks(backend: Backend, shim: Shim) -> None:
    call(shim, "GetClientsRequest", "")
    assert shim.said("backend version")["version"] == "3.6.2"
    assert [each.operation for each in backend.calls].count("PBX.GetSchemaVersions") == 1


def test_a_client_has_one_name_for_old_clients_and_two_in_v3(backend: Backend, shim: Shim) -> None:
    since = shim.mark
    names = "<name>Cleo Maria Client</name><company>Client Ltd</company>"
    made = call(
        shim,
        "AddClientRequest",
        f"{names}<login>cleo</login><password>Pass-2025</password><country>us</country>",
    )
    number = made.get("ID") or ""
    assert ("value-converted", "name") in shim.found(since)
    profile = backend.world.accounts[int(number)].profile
    assert (profile["firstName"], profile["lastName"]) == ("Cleo Maria", "Client")
    assert call(shim, "GetClientDetailsRequest", f"<ID>{number}</ID>").get("name") == "Cleo Maria Client"
    call(shim, "EditClientRequest", f"<ID>{number}</ID><name>Cleo</name>")
    assert (profile["firstName"], profile["lastName"]) == ("Cleo", "-")
    listed = call(shim, "GetClientsRequest", "<filter>cleo</filter>").all("client")
    assert [each.get("name") for each in listed] == ["Cleo"]


def test_an_extension_too(backend: Backend, shim: Shim) -> None:
    made = call(shim, "AddExtensionRequest", f"{PHONE}<parentID>20</parentID>", EXTENSION, ADMIN)
    number = made.get("ID") or ""
    profile = backend.world.accounts[int(number)].profile
    assert (profile["firstName"], profile["lastName"]) == ("Pia von", "Phone")
    told = call(shim, "GetExtensionDetailsRequest", f"<ID>{number}</ID>", EXTENSION, ADMIN)
    assert told.get("name") == "Pia von Phone"
    rows = call(shim, "GetExtensionsRequest", "<parentID>20</parentID>", EXTENSION, NORTHWIND)
    by_login = {each.get("login"): each.get("name") for each in rows.all("extension")}
    assert by_login["pia"] == "Pia von Phone"
    assert by_login["nw001"] == "Norma Reception"


def test_by_its_version_it_gets_both_kinds_of_names(tls: Tls) -> None:
    backend = Backend(Options(schema_version="3.5.0", person_names="both"))
    try:
        with running_shim(backend.url, tls, {"backend.schema_version": "auto"}) as shim:
            call(shim, "EditClientRequest", "<ID>20</ID><name>Nora North</name>")
            assert call(shim, "GetClientDetailsRequest", "<ID>20</ID>").get("name") == "Nora North"
        profile = backend.world.accounts[20].profile
        assert [profile[each] for each in ("name", "firstName", "lastName")] == ["Nora North", "Nora", "North"]
    finally:
        backend.close()


def test_a_wrong_version_is_refused_by_such_a_backend(backend: Backend, tls: Tls) -> None:
    with running_shim(backend.url, tls, {"backend.schema_version": "3.0.0"}) as shim:
        said = faulted(post(shim, envelope("<GetClientsRequest/>")))
    assert "not in version 3.6.2" in said.text
