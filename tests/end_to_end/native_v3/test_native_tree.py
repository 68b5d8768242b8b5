"""The v3 WSDL on this host: made from interface data, or the backend's own with this host's addresses."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import zeep
from lxml import etree
from zeep.transports import Transport

from shim.core.schema.wsdl import ONE_FILE, ROOT, Publication
from shim.interfaces.load import new
from tests.end_to_end.messages import CLIENT
from tests.end_to_end.native import ORGANIZATION, USER, PlainBackend, fetch_token
from tests.end_to_end.running import HOST, Backend, Shim, StartShim, Tls, running_shim
from tests.end_to_end.wire import get

TREE = "/soap2/schema/3.0.0"
THERE = "https://v3.example:444"
ADDRESS = "{http://schemas.xmlsoap.org/wsdl/soap/}address"


def addresses(document: bytes) -> set[str]:
    """Scheme and host of all endpoints that a WSDL names."""
    found = [str(each.get("location")) for each in etree.fromstring(document).iter(ADDRESS)]
    assert found
    return {each.partition("/soap2/")[0] for each in found}


@pytest.fixture(scope="module")
def theirs() -> Iterator[PlainBackend]:
    """A backend with a tree of its own for 3.2.1, which says where that backend is."""
    backend = PlainBackend()
    publication = Publication(new())
    for name in publication.names():
        document = publication.document(name, "3.2.1", THERE, base=f"{THERE}/soap2/schema/3.2.1")
        assert document is not None
        backend.say(f"/soap2/schema/3.2.1/{name}", document, Content_Type="text/xml")
    described = publication.document("User/User.wsdl", "3.2.1", THERE, base=f"{THERE}/soap2/schema/3.2.1")
    assert described is not None
    backend.say(f"{USER}?wsdl", described)
    backend.say(f"{ORGANIZATION}?wsdl", b"<!DOCTYPE html><html>not here</html>")
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def front(theirs: PlainBackend, tls: Tls) -> Iterator[Shim]:
    with running_shim(theirs.url, tls) as running:
        yield running


# ---- made here ----


def test_the_tree_is_made_when_the_backend_has_none(shim: Shim) -> None:
    for name in Publication(new()).names():
        reply = get(shim, f"{TREE}/{name}", "Host: here.example")
        assert (reply.status, reply.headers["content-type"]) == (200, "text/xml; charset=utf-8"), name
        assert b"2.5.1" not in reply.body
    assert addresses(get(shim, f"{TREE}/{ONE_FILE}", "Host: here.example").body) == {"http://here.example"}
    assert get(shim, f"{TREE}/nothing.xsd").status == 404
    assert get(shim, f"/soap2/schema/3.2.1/{ROOT}").status == 404, "whose schema nobody knows"


@pytest.mark.parametrize("version", ["5.2.5", "4.0.0", "12.10.1"])
def test_a_tree_of_any_version_but_2_is_that_of_v3(theirs: PlainBackend, front: Shim, version: str) -> None:
    path = f"/soap2/schema/{version}/{ROOT}"
    theirs.say(path, b"<definitions/>", Content_Type="text/xml")
    assert get(front, path).body == b"<definitions/>"
    assert b"/2.5.1" in get(front, "/soap2/schema/2.5.1/Client/Client.wsdl").body


@pytest.mark.parametrize("source", ["tree", "?wsdl"])
def test_zeep_loads_it_and_calls_through_it(shim: Shim, backend: Backend, source: str) -> None:
    base = f"http://{HOST}:{shim.http}"
    token = fetch_token(shim, "acme")
    with requests.Session() as session:
        session.trust_env = False
        transport = Transport(session=session)

        def client(service: str, endpoint: str) -> zeep.Client:
            url = f"{base}{endpoint}?wsdl" if source == "?wsdl" else f"{base}{TREE}/{service}/{service}.wsdl"
            return zeep.Client(url, transport=transport)

        users, organizations = client("User", USER), client("Organization", ORGANIZATION)
        login = users.get_element("{http://4psa.com/HeaderData.xsd/3.0.0}userCredentials")
        listed = users.service.GetUsers(parentID=20, _soapheaders=[login(accessToken=token)])
        header = organizations.get_element("{http://4psa.com/HeaderData.xsd/3.0.0}userCredentials")
        added = organizations.service.AddOrganization(
            name="Zeep",
            company="Zeep Ltd",
            login=f"zeep{len(source)}",
            password="Zeep-2025-pw",
            country="us",
            _soapheaders=[header(accessToken=token)],
        )
    assert {each.login for each in listed.body.user} >= {"nw001", "nw002"}
    account = backend.world.by_login(f"zeep{len(source)}")
    assert account is not None
    assert int(added.body.ID) == account.id


# ---- fetched ----


def test_the_backends_tree_comes_with_this_hosts_addresses(front: Shim, theirs: PlainBackend) -> None:
    own = theirs.exchanges
    reply = get(front, f"/soap2/schema/3.2.1/{ONE_FILE}", "Host: here.example:81")
    fetched = next(each.answer for each in own if each.path == f"/soap2/schema/3.2.1/{ONE_FILE}")
    assert reply.status == 200
    assert reply.body == fetched.replace(THERE.encode(), b"http://here.example:81")
    assert addresses(reply.body) == {"http://here.example:81"}
    assert get(front, "/soap2/schema/3.2.1/Common.xsd").status == 200
    assert get(front, "/soap2/schema/3.2.1/nothing.xsd").status == 404
    assert get(front, "/soap2/schema/3.2.1/User/../../../oauth/token.php").status == 404
    assert not any("oauth" in path or ".." in path for path in theirs.hits)
    assert addresses(get(front, f"{TREE}/{ONE_FILE}", "Host: h.example").body) == {"http://h.example"}, (
        "made here"
    )


def test_a_wsdl_of_an_endpoint_is_the_backends_or_made_here(front: Shim) -> None:
    fetched = get(front, f"{USER}?wsdl", "Host: here.example").body
    assert addresses(fetched) == {"http://here.example"}
    assert b"http://here.example/soap2/schema/3.2.1/User/UserMessages.xsd" in fetched
    made = get(front, f"{ORGANIZATION}?WSDL", "Host: here.example").body
    assert addresses(made) == {"http://here.example"}
    assert b"http://here.example/soap2/schema/3.0.0/Organization/OrganizationMessages.xsd" in made


def test_a_browser_on_an_endpoint_of_v3_sees_what_it_is(shim: Shim) -> None:
    reply = get(shim, USER, "Host: here.example")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "http://here.example/soap2/schema/3.0.0/voipnowservice.wsdl" in reply.text


def test_what_latest_is_can_be_chosen(shim: Shim, start_shim: StartShim) -> None:
    latest = f"/soap2/schema/latest/{ROOT}"
    assert b"/2.5.1" in get(shim, latest).body
    other = start_shim({"native_v3.latest": "new"})
    found = get(other, latest).body
    assert b"/3.0.0" in found
    assert b"/2.5.1" not in found
    assert b"/2.5.1" in get(other, f"{CLIENT}?wsdl").body
    assert b"/2.5.1" in get(other, "/soap2/schema/2.5.1/Client/Client.wsdl").body


# ---- latest, of services that only v3 has ----


@pytest.mark.parametrize("service", ["User", "Organization", "ServiceProvider"])
def test_latest_of_a_service_that_2_5_has_not_is_that_of_v3(shim: Shim, service: str) -> None:
    url = f"http://{HOST}:{shim.http}/soap2/schema/latest/{service}/{service}.wsdl"
    with requests.Session() as session:
        session.trust_env = False
        client = zeep.Client(url, transport=Transport(session=session))
    operation = client.get_element(f"{{http://4psa.com/{service}Messages.xsd/3.0.0}}Get{service}s")
    assert operation.name == f"Get{service}s"
    body = get(shim, f"/soap2/schema/latest/{service}/{service}.wsdl", "Host: here.example").body
    assert b"2.5.1" not in body
    assert f"http://here.example/soap2/schema/3.0.0/{service}/{service}Messages.xsd".encode() in body
    assert get(shim, f"/soap2/schema/latest/{service}/nothing.xsd").status == 404
    assert b"/2.5.1" in get(shim, "/soap2/schema/latest/Extension/Extension.wsdl").body


def test_latest_of_the_backend_imports_from_the_tree_of_its_version(front: Shim, theirs: PlainBackend) -> None:
    publication = Publication(new())
    for name in (ROOT, "User/User.wsdl", "User/UserMessages.xsd"):
        document = publication.document(name, "5.2.5", THERE)
        assert document is not None
        theirs.say(f"/soap2/schema/latest/{name}", document, Content_Type="text/xml")
    found = get(front, "/soap2/schema/latest/User/User.wsdl", "Host: here.example").body
    assert addresses(found) == {"http://here.example"}
    assert b'"http://here.example/soap2/schema/5.2.5/User/UserMessages.xsd"' in found
    found = get(front, "/soap2/schema/latest/User/UserMessages.xsd", "Host: here.example").body
    assert b'"http://here.example/soap2/schema/5.2.5/Common.xsd"' in found
    assert b'"../' not in found
