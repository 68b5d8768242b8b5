"""What old clients really put on the wire is served: each oddity by itself, as bytes on a socket."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from tests.end_to_end.messages import (
    ACME,
    ADMIN,
    CLIENT,
    GET_CLIENTS,
    RESELLER,
    SOAP,
    credentials,
    envelope,
    namespace,
    request,
)
from tests.end_to_end.running import Backend, Shim
from tests.end_to_end.wire import (
    Reply,
    answered,
    chunked,
    connected,
    faulted,
    http_post,
    post,
)

XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def logins(reply: Reply, version: str = "2.5.1") -> set[str]:
    """The logins of an answer to GetClients."""
    body = answered(reply, version)
    assert body.name == "GetClientsResponse"
    return {client.get("login") or "" for client in body.children if client.name == "client"}


# ---- the whole message ----


def test_a_perl_script_from_another_age_is_served(backend: Backend, shim: Shim) -> None:
    """HTTP/1.0 over TLS, form content type, no SOAPAction, no prefixes, random order, a misspelt element."""
    fields = {"login": "perl", "password": "Pass-2025", "name": "P", "company": "Perl Ltd", "city": "Albany"}
    fields |= {"addresss": "1 Main St", "parentID": "11", "country": "us"}
    names = sorted(fields)
    random.Random(25).shuffle(names)
    children = "".join(f"<{name}>{fields[name]}</{name}>" for name in names)
    header = "<userCredentials><password>admin-secret</password><username>admin</username></userCredentials>"
    body = envelope(f"<AddClientRequest>{children}</AddClientRequest>", header)
    lines = ("Content-Type: application/x-www-form-urlencoded",)
    since = shim.mark
    with connected(shim.https, shim.tls.authority) as wire, backend.watched() as calls:
        reply = wire.exchange(http_post(body, CLIENT, *lines, version="1.0"))
        assert wire.is_closed(), "HTTP/1.0 has no other end of an answer that old clients know"
    assert answered(reply).get("result") == "success"
    assert shim.found(since) == {("unknown-element", "addresss")}
    looked_then_added = ["Organization.GetOrganizations", "Organization.AddOrganization"]
    assert [(each.operation, each.outcome) for each in calls] == [(each, "ok") for each in looked_then_added]
    added = backend.world.by_login("perl")
    assert added is not None
    assert added.profile["city"] == "Albany"
    assert added.parent == 11


def test_unqualified_children_and_a_url_as_xsi_type_are_taken(shim: Shim) -> None:
    header = (
        f'<ns2:userCredentials xmlns:ns2="{namespace("HeaderData")}" {XSI} E:mustUnderstand="1" '
        'xsi:type="http://4psa.com/HeaderData.xsd/2.5.1">'
        "<username>acme</username><password>acme-secret</password></ns2:userCredentials>"
    )
    fields = f'<filter {XSI} xsi:type="http://4psa.com/nothing">northwind</filter>'
    assert logins(post(shim, envelope(request("GetClientsRequest", fields), header))) == {"northwind"}


def test_versions_mixed_in_one_message_are_answered_in_that_of_the_body(shim: Shim) -> None:
    data = namespace("ClientMessages", "2.1.0")
    fields = f'<a:filter xmlns:a="{data}">northwind</a:filter>'
    message = envelope(request("GetClientsRequest", fields, "2.5.3"), credentials(ACME, "2.0.4"))
    assert logins(post(shim, message), "2.5.3") == {"northwind"}


@pytest.mark.parametrize("version", ["2.0.0", "2.0.6", "2.1.0", "2.5.0", "2.5.5"])
def test_every_version_of_the_dialect_is_answered_in_itself(shim: Shim, version: str) -> None:
    message = envelope(request("GetClientsRequest", version=version), credentials(ACME, version))
    assert logins(post(shim, message), version) == {"northwind", "contoso"}


def test_credentials_twice_in_one_header_are_taken(shim: Shim) -> None:
    message = envelope(request("GetClientsRequest"), credentials(ACME) + credentials(ACME))
    assert logins(post(shim, message)) == {"northwind", "contoso"}


def test_two_headers_are_taken(shim: Shim) -> None:
    header = f"<E:Header>{credentials(ACME)}</E:Header>"
    body = f"<E:Body>{request('GetClientsRequest')}</E:Body>"
    message = f'<E:Envelope xmlns:E="{SOAP}">{header}{header}{body}</E:Envelope>'
    assert logins(post(shim, message.encode())) == {"northwind", "contoso"}


def test_an_unknown_header_is_no_obstacle(shim: Shim) -> None:
    since = shim.mark
    header = credentials(ACME) + '<t:trace xmlns:t="urn:t">1</t:trace>'
    assert logins(post(shim, envelope(request("GetClientsRequest"), header)))
    assert shim.found(since) == {("unknown-header", "trace")}


# ---- bytes ----


def test_a_chunked_body_is_read(shim: Shim) -> None:
    with connected(shim.http) as wire:
        head = http_post(b"", CLIENT, "Transfer-Encoding: chunked")
        assert logins(wire.exchange(head + chunked(GET_CLIENTS))) == {"northwind", "contoso"}


def test_a_caller_that_expects_to_be_told_to_continue_is_told(shim: Shim) -> None:
    whole = http_post(GET_CLIENTS, CLIENT, "Expect: 100-continue")
    head = whole[: -len(GET_CLIENTS)]
    with connected(shim.http) as wire:
        assert wire.exchange(head).status == 100
        assert logins(wire.exchange(GET_CLIENTS)) == {"northwind", "contoso"}


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16", "utf-16-le", "iso-8859-1", "windows-1252"])
@pytest.mark.parametrize("declared", [True, False], ids=["declared", "undeclared"])
def test_encodings_arrive_as_they_were_meant(
    backend: Backend, shim: Shim, charset: str, declared: bool
) -> None:
    company = "Café Zürich"
    text = envelope(request("EditClientRequest", f"<ID>21</ID><company>{company}</company>")).decode()
    named = {"utf-8-sig": "utf-8", "utf-16-le": "utf-16"}.get(charset, charset)
    content_type = "Content-Type: text/xml"
    if declared:
        text = f'<?xml version="1.0" encoding="{named}"?>\r\n{text}'
    else:
        content_type += f"; charset={named}"
    assert answered(post(shim, text.encode(charset), CLIENT, content_type)).get("result") == "success"
    assert backend.world.accounts[21].profile["company"] == company


@pytest.mark.parametrize("before", [b"\r\n\r\n  \t", b"\xef\xbb\xbf\n"], ids=["space", "bom-and-space"])
def test_what_stands_before_the_xml_declaration_is_skipped(shim: Shim, before: bytes) -> None:
    message = before + b'<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n' + GET_CLIENTS
    assert logins(post(shim, message)) == {"northwind", "contoso"}


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(GET_CLIENTS)), ("deflate", zlib.compress(GET_CLIENTS))],
    ids=["gzip", "deflate"],
)
def test_a_compressed_body_is_read(shim: Shim, encoding: str, body: bytes) -> None:
    assert logins(post(shim, body, CLIENT, f"Content-Encoding: {encoding}")) == {"northwind", "contoso"}


# ---- headers of HTTP ----


@pytest.mark.parametrize(
    "line",
    [
        "SOAPAction:",
        'SOAPAction: ""',
        "SOAPAction: http://4psa.com/Client/2.5.1:getClientsIn",
        'SOAPAction: "http://4psa.com/Client/2.5.1:delClientIn"',
        "SOAPAction: %00'<",
    ],
)
def test_the_soap_action_decides_nothing(shim: Shim, line: str) -> None:
    assert logins(post(shim, GET_CLIENTS, CLIENT, line)) == {"northwind", "contoso"}


@pytest.mark.parametrize(
    "content_type", ["application/soap+xml", "text/plain", "multipart/form-data", "nonsense", ""]
)
def test_the_content_type_decides_nothing(shim: Shim, content_type: str) -> None:
    line = f"Content-Type: {content_type}"
    assert logins(post(shim, GET_CLIENTS, CLIENT, line)) == {"northwind", "contoso"}


@pytest.mark.parametrize("endpoint", [RESELLER, "/soap2/pbx_agent.php"])
def test_a_call_on_the_wrong_endpoint_is_served_with_a_finding(shim: Shim, endpoint: str) -> None:
    since = shim.mark
    assert logins(post(shim, GET_CLIENTS, endpoint)) == {"northwind", "contoso"}
    assert shim.found(since) == {("wrong-endpoint", "GetClientsRequest")}
    event = shim.said("finding", since=since, code="wrong-endpoint")
    assert (event["integration"], event["operation"]) == ("acme", "Client.GetClients")
    assert (event["severity"], event["place"]) == ("notice", CLIENT)


def test_an_endpoint_with_a_query_is_served(shim: Shim) -> None:
    assert logins(post(shim, GET_CLIENTS, f"{CLIENT}?session=1")) == {"northwind", "contoso"}


# ---- connections ----


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_one_connection_serves_many_calls(shim: Shim, secure: bool) -> None:
    port, authority = (shim.https, shim.tls.authority) if secure else (shim.http, None)
    resellers = envelope(request("GetResellersRequest"), login=ADMIN)
    with connected(port, authority) as wire:
        assert logins(wire.exchange(http_post(GET_CLIENTS))) == {"northwind", "contoso"}
        assert faulted(wire.exchange(http_post(b"<nothing/>"))).reason == "not-soap"
        answer = answered(wire.exchange(http_post(resellers, RESELLER)))
        assert {each.get("login") for each in answer.children} == {"acme", "fabrikam"}
        assert logins(wire.exchange(http_post(GET_CLIENTS))) == {"northwind", "contoso"}


def test_an_http_10_caller_may_ask_to_keep_the_connection(shim: Shim) -> None:
    message = http_post(GET_CLIENTS, CLIENT, "Connection: keep-alive", version="1.0")
    with connected(shim.http) as wire:
        assert logins(wire.exchange(message)) == logins(wire.exchange(message))


def test_pipelined_calls_are_answered_in_their_order(shim: Shim) -> None:
    other = envelope(request("GetClientDetailsRequest", "<ID>21</ID>"))
    with connected(shim.http) as wire:
        wire.send(http_post(other) + http_post(GET_CLIENTS) + http_post(other))
        names = [answered(wire.read()).name for _ in range(3)]
    assert names == ["GetClientDetailsResponse", "GetClientsResponse", "GetClientDetailsResponse"]
