"""What cannot be served ends as a SOAP 1.1 fault that says why, and never reaches the backend."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import pytest

from tests.end_to_end.messages import (
    CLIENT,
    GET_CLIENTS,
    SOAP,
    credentials,
    edit_client,
    envelope,
    request,
)
from tests.end_to_end.running import Backend, Shim
from tests.end_to_end.wire import Said, answered, chunked, connected, faulted, http_post, post

MOST = 1 << 20
DOCTYPE = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
MANY_ATTRIBUTES = " ".join(f"b{number}='1'" for number in range(65))
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.fixture(autouse=True)
def _nothing_reaches_the_backend(backend: Backend) -> Iterator[None]:
    with backend.watched() as calls:
        yield
    assert [call for call in calls if call.operation != "Organization.GetOrganizations"] == []


def refused(shim: Shim, body: bytes, *lines: str) -> Said:
    return faulted(post(shim, body, CLIENT, *lines))


def served(shim: Shim) -> None:
    """The shim goes on as before."""
    assert answered(post(shim, GET_CLIENTS)).name == "GetClientsResponse"


def padded(size: int) -> bytes:
    """A good message of that size."""
    return GET_CLIENTS + b" " * (size - len(GET_CLIENTS))


def with_fields(fields: str) -> bytes:
    return envelope(request("GetClientsRequest", fields))


# ---- no message ----


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   \n",
        b"\x00\x01\x02\xff",
        b"GetClients",
        b'{"GetClients": {}}',
        GET_CLIENTS[:-20],
        GET_CLIENTS + b"<more/>",
        GET_CLIENTS.replace(b"</E:Header>", b"</E:Haeder>"),
        GET_CLIENTS.replace(b"acme-secret", b"acme & secret"),
        GET_CLIENTS.replace(b"acme-secret", b"\xff\xfe"),
        b"\xff\xfe" + GET_CLIENTS,
        b'<?xml version="1.0" encoding="UTF-16"?>' + GET_CLIENTS[:-5],
    ],
    ids=lambda body: repr(bytes(body[:12])),
)
def test_what_is_no_xml_is_malformed(shim: Shim, body: bytes) -> None:
    said = refused(shim, body)
    assert (said.side, said.reason, said.code) == ("Client", "malformed-xml", None)
    assert "not well-formed XML" in said.text


@pytest.mark.parametrize(
    "body",
    [
        b"<hello/>",
        b"<html><body>Hello</body></html>",
        b"<GetClientsRequest/>",
        b'<m:E xmlns:m="urn:m"><m:Body/></m:E>',
    ],
)
def test_xml_that_is_no_soap_is_told_apart(shim: Shim, body: bytes) -> None:
    assert refused(shim, body).reason == "not-soap"


def test_an_envelope_without_a_call_is_no_soap_message(shim: Shim) -> None:
    assert refused(shim, envelope("")).reason == "not-soap"
    assert refused(shim, f'<E:Envelope xmlns:E="{SOAP}"/>'.encode()).reason == "not-soap"


@pytest.mark.parametrize("charset", ["utf-7", "utf-32", "ebcdic-cp-us", "iso-2022-jp", "x" * 39])
def test_an_encoding_that_is_not_taken_is_named_with_those_that_are(shim: Shim, charset: str) -> None:
    said = refused(shim, f'<?xml version="1.0" encoding="{charset}"?>'.encode() + GET_CLIENTS)
    assert said.reason == "encoding-refused"
    assert "UTF-8" in said.text
    assert charset not in said.text


def test_a_content_encoding_that_is_not_taken_is_refused(shim: Shim) -> None:
    said = refused(shim, GET_CLIENTS, "Content-Encoding: br")
    assert said.reason == "encoding-refused"
    assert "gzip" in said.text


# ---- hostile messages ----


@pytest.mark.parametrize(
    "doctype", [DOCTYPE, EXTERNAL, b"<!DOCTYPE x>", b'<!DOCTYPE x SYSTEM "http://192.0.2.1/x">']
)
@pytest.mark.parametrize("before", [b"", b'<?xml version="1.0"?>\n', b"<!-- - -->\n<?pi x?> ", b"\xef\xbb\xbf"])
def test_a_doctype_is_never_read(shim: Shim, doctype: bytes, before: bytes) -> None:
    for use in (b"acme-secret", b"&b;", b"&a;"):
        said = refused(shim, before + doctype + GET_CLIENTS.replace(b"acme-secret", use))
        assert (said.side, said.reason) == ("Client", "doctype-refused")


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_doctype_cannot_hide_behind_an_encoding(shim: Shim, charset: str) -> None:
    body = (DOCTYPE + GET_CLIENTS).decode().encode(charset)
    assert refused(shim, body).reason == "doctype-refused"


def test_an_entity_without_a_doctype_is_malformed(shim: Shim) -> None:
    assert refused(shim, GET_CLIENTS.replace(b"acme-secret", b"&a;")).reason == "malformed-xml"


def test_a_message_may_be_as_large_as_the_limit(shim: Shim) -> None:
    assert answered(post(shim, padded(MOST))).name == "GetClientsResponse"


def test_a_message_larger_than_the_limit_is_refused(shim: Shim) -> None:
    said = refused(shim, padded(MOST + 1))
    assert (said.side, said.reason) == ("Client", "too-large")
    assert str(MOST) in said.text


def test_a_chunked_message_without_a_length_is_counted_too(shim: Shim) -> None:
    head = http_post(b"", CLIENT, "Transfer-Encoding: chunked")
    with connected(shim.http) as wire:
        assert faulted(wire.exchange(head + chunked(padded(MOST + 1), 65536))).reason == "too-large"
        assert wire.is_closed(), "what is left of the body must not be taken for another request"


def test_a_caller_who_goes_on_sending_still_gets_the_fault(shim: Shim) -> None:
    with connected(shim.http) as wire:
        assert faulted(wire.exchange(http_post(padded(6 * MOST)))).reason == "too-large"
    served(shim)


def test_a_small_body_that_grows_is_counted_after_growing(shim: Shim) -> None:
    for size in (MOST + 1, 200 * MOST):
        bomb = gzip.compress(b"<" + b" " * size, 9)
        assert refused(shim, bomb, "Content-Encoding: gzip").reason == "too-large"


@pytest.mark.parametrize("body", [gzip.compress(GET_CLIENTS)[:-9], b"nothing of the sort"])
def test_a_body_that_cannot_be_decompressed_is_malformed(shim: Shim, body: bytes) -> None:
    assert refused(shim, body, "Content-Encoding: gzip").reason == "malformed-xml"


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ("<a>" * 80 + "</a>" * 80, 64),
        ("<a/>" * 20_001, 20_000),
        ("<a></a>" * 20_001, 20_000),
        ("<a/>" * 1_001, 1_000),
        (f"<a {MANY_ATTRIBUTES}/>", 64),
        (f"<{'a' * 257}/>", 256),
        (f"<filter>{'x' * ((256 << 10) + 1)}</filter>", 256 << 10),
    ],
    ids=["depth", "elements", "elements-closed", "repeats", "attributes", "name", "text"],
)
def test_a_message_over_a_limit_is_refused_with_the_limit(shim: Shim, fields: str, limit: int) -> None:
    said = refused(shim, with_fields(fields))
    assert (said.side, said.reason) == ("Client", "over-limit")
    assert f"{limit}" in said.text


def test_a_thousand_levels_do_not_exhaust_anything(shim: Shim) -> None:
    deep = "<a>" * 15_000
    assert refused(shim, with_fields(deep + deep.replace("<", "</"))).reason in ("over-limit", "malformed-xml")
    served(shim)


# ---- no call of 2.5 ----


def test_an_unknown_operation_is_refused_with_the_one_that_was_meant(shim: Shim) -> None:
    said = refused(shim, envelope(request("GetClientRequest")))
    assert (said.side, said.reason) == ("Client", "unknown-operation")
    assert "GetClientsRequest" in said.text


def test_an_operation_unlike_any_other_is_not_repeated(shim: Shim) -> None:
    said = refused(shim, envelope("<LaunchRocket/>"))
    assert said.reason == "unknown-operation"
    assert "Rocket" not in said.text


@pytest.mark.parametrize("version", ["1.2", "3.0.0"])
def test_another_version_of_the_protocol_is_refused(shim: Shim, version: str) -> None:
    assert refused(shim, envelope(request("GetClientsRequest", version=version))).reason == "wrong-version"


# ---- who calls ----


@pytest.mark.parametrize(
    "header",
    [
        "",
        "<userCredentials/>",
        "<userCredentials><username>acme</username></userCredentials>",
        "<userCredentials><username>acme</username><password/></userCredentials>",
        "<userCredentials><appKey>acme-key</appKey></userCredentials>",
        credentials(("acme", "wrong")),
        credentials(("nobody", "acme-secret")),
        "<userCredentials><appKey>acme-key</appKey><appSecret>acme-app-secret</appSecret></userCredentials>",
        "<userCredentials><cryptedAuth>acme</cryptedAuth></userCredentials>",
    ],
)
def test_whoever_proves_nothing_is_refused_with_code_100(backend: Backend, shim: Shim, header: str) -> None:
    tokens = len(backend.world.tokens)
    said = refused(shim, envelope(request("GetClientsRequest"), header))
    assert (said.side, said.reason, said.code) == ("Client", "login-refused", "100")
    assert len(backend.world.tokens) == tokens


def test_an_access_token_of_v3_is_no_login_of_2_5_and_the_fault_says_so(backend: Backend, shim: Shim) -> None:
    header = "<userCredentials><accessToken>anything</accessToken></userCredentials>"
    said = refused(shim, envelope(request("GetClientsRequest"), header))
    assert (said.side, said.reason, said.code) == ("Client", "v3-token", "100")
    assert "access token of v3" in said.text
    assert "anything" not in said.text


def test_a_wrong_password_says_nothing_about_the_login(shim: Shim) -> None:
    known = refused(shim, envelope(request("GetClientsRequest"), login=("contoso", "wrong")))
    unknown = refused(shim, envelope(request("GetClientsRequest"), login=("no-such-login", "wrong")))
    assert known.text.partition("reference")[0] == unknown.text.partition("reference")[0]


# ---- what is asked for ----


def test_a_missing_parameter_has_code_117_and_its_path(shim: Shim) -> None:
    said = refused(shim, envelope(request("SetClientCpAccessRequest", "<cpAccess>1</cpAccess>")))
    assert (said.side, said.reason, said.code) == ("Client", "missing-parameter", "117")
    assert "ID or identifier" in said.text


@pytest.mark.parametrize(
    ("body", "code", "told"),
    [
        (with_fields("<parentID>ten</parentID>"), "251", ("parentID", "positive")),
        (edit_client(20, "<region>-1</region>"), "314", ("region", "positive")),
        (
            envelope(request("SetClientStatusRequest", "<ID>20</ID><phoneStatus>5</phoneStatus>")),
            None,
            ("phoneStatus", "1, 16, 32"),
        ),
        (
            envelope(request("SetClientStatusRequest", "<ID>20</ID><status>off</status>")),
            None,
            ("status", "boolean"),
        ),
        (
            envelope(request("SetClientPLRequest", "<ID>20</ID><phoneExtMax>many</phoneExtMax>")),
            None,
            ("phoneExtMax", "unsignedInt"),
        ),
        (
            envelope(request("SetClientPLRequest", '<ID>20</ID><phoneExtMax unlimited="no">1</phoneExtMax>')),
            None,
            ("phoneExtMax/@unlimited", "true or false"),
        ),
    ],
    ids=["parent", "region", "choice", "boolean", "number", "attribute"],
)
def test_a_bad_value_is_told_with_its_path_and_what_is_allowed(
    shim: Shim, body: bytes, code: str | None, told: tuple[str, ...]
) -> None:
    said = refused(shim, body)
    assert (said.side, said.code) == ("Client", code)
    for word in told:
        assert word in said.text
    for value in ("maybe", "many", "-1"):
        assert value not in said.text


def test_all_problems_of_a_request_are_told_at_once(shim: Shim) -> None:
    fields = "<ID>twenty</ID><status>off</status><phoneStatus>5</phoneStatus>"
    said = refused(shim, envelope(request("SetClientStatusRequest", fields)))
    for name in ("ID", "status", "phoneStatus"):
        assert name in said.text
