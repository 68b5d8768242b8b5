"""v3 clients on the same host: what they send and get is what the backend gets and sends, byte for byte."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator

import pytest
from aiohttp import web

from tests.end_to_end.messages import ACME, CLIENT, GET_CLIENTS, SOAP, credentials, envelope, request
from tests.end_to_end.native import (
    EXTENSION,
    FORM,
    ORGANIZATION,
    TOKEN,
    USER,
    PlainBackend,
    call,
    fault_text,
    fetch_token,
    native,
)
from tests.end_to_end.running import HOST, Backend, Shim, StartShim, Tls, running_shim
from tests.end_to_end.wire import Reply, answered, chunked, connected, faulted, http_post, post

GET = '<m:GetUsers xmlns:m="http://4psa.com/UserMessages.xsd/3.0.0"><m:parentID>20</m:parentID></m:GetUsers>'
DELETE = "<DelExtension><extendedNumber>0020*001</extendedNumber></DelExtension>"
DETAILS = "<GetExtensionDetails><extendedNumber>0020*001</extendedNumber></GetExtensionDetails>"


@pytest.fixture(scope="module")
def token(shim: Shim) -> str:
    return fetch_token(shim, "acme")


@pytest.fixture(scope="module")
def plain() -> Iterator[PlainBackend]:
    backend = PlainBackend()
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def front(plain: PlainBackend, tls: Tls) -> Iterator[Shim]:
    """A shim in front of the backend that answers as told, impatient and with a small buffer."""
    changes = {
        "backend.call_timeout": 1.0,
        "backend.total_timeout": 4.0,
        "native_v3": {"buffer": 4096, "max_answer": 1 << 20},
    }
    with running_shim(plain.url, tls, changes) as running:
        yield running


# ---- byte for byte ----


def odd(token: str, operation: str = "GetExtensionDetails") -> bytes:
    """As no serialiser writes it: comments, odd white space, prefixes, single quotes, CDATA, an entity."""
    return (
        "<?xml version='1.0' encoding='UTF-8' ?>\r\n<!-- by hand -->\n"
        f"<_-.e:Envelope\txmlns:_-.e='{SOAP}'\n>\n <_-.e:Header >\r\n  <x:userCredentials xmlns:x='urn:any'>"
        f"<!-- here -->\t<x:accessToken><![CDATA[{token}]]></x:accessToken></x:userCredentials>\n"
        " </_-.e:Header>"
        f"<_-.e:Body\n><n:{operation}   xmlns:n='http://4psa.com/ExtensionMessages.xsd/3.0.0'>"
        f"<!-- <GetClientsRequest/> --><n:extendedNumber>0020&#42;001</n:extendedNumber ></n:{operation}>"
        "</_-.e:Body></_-.e:Envelope>\n\n<!-- the end -->"
    ).encode()


def test_an_odd_message_arrives_and_its_answer_returns_as_it_is(
    shim: Shim, backend: Backend, token: str
) -> None:
    body = odd(token)
    reply = post(shim, body, EXTENSION, 'SOAPAction: "urn:odd"', "Content-Type: application/x-odd; q=1")
    seen = backend.exchanges[-1]
    assert (seen.path, seen.body) == (EXTENSION, body)
    assert (seen.headers["SOAPAction"], seen.headers["Content-Type"]) == ('"urn:odd"', "application/x-odd; q=1")
    assert (reply.status, reply.body) == (200, seen.answer)
    assert b"0020*001" in reply.body


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "utf-8-sig"])
def test_any_encoding_passes_as_it_is(shim: Shim, backend: Backend, token: str, encoding: str) -> None:
    declared = "UTF-8" if "sig" in encoding else encoding
    text = f"<?xml version='1.0' encoding='{declared}'?>" + native(token, DETAILS).decode()
    body = text.encode(encoding)
    reply = post(shim, body, EXTENSION)
    assert backend.exchanges[-1].body == body
    assert (reply.status, reply.body) == (200, backend.exchanges[-1].answer)


def test_a_compressed_and_chunked_message_passes_compressed(front: Shim, plain: PlainBackend) -> None:
    packed = gzip.compress(native("t", DETAILS))
    plain.say(EXTENSION, b"<answer/>", Content_Type="text/xml")
    lines = ("Content-Encoding: gzip", "Transfer-Encoding: chunked")
    with connected(front.http) as wire:
        reply = wire.exchange(http_post(b"", EXTENSION, *lines) + chunked(packed))
    assert (reply.status, reply.body) == (200, b"<answer/>")
    seen = plain.exchanges[-1]
    assert (seen.headers["Content-Encoding"], seen.headers["Content-Length"]) == ("gzip", str(len(packed)))
    assert seen.body == native("t", DETAILS), "the server of this test unpacks it"
    assert "Transfer-Encoding" not in seen.headers


def test_the_backends_fault_is_its_own(shim: Shim, backend: Backend) -> None:
    reply = post(shim, native("no such token", DETAILS), EXTENSION)
    assert reply.status == 500
    assert reply.body == backend.exchanges[-1].answer
    assert "Authentication failed" in fault_text(reply)


def test_of_http_only_known_headers_go_on_and_only_those_of_the_connection_stay_here(
    front: Shim, plain: PlainBackend
) -> None:
    headers = {"Content_Type": "text/odd", "X_Own": "a, b", "Set_Cookie": "c=1", "Keep_Alive": "timeout=9"}
    plain.say(f"{USER}?a=%2Fb&c", b"\x00\xff not XML", status=418, **headers)
    lines = ("User-Agent: PHP-SOAP/8.2", "X-Hop: 1", "Connection: keep-alive", "Connection: X-Hop")
    reply = post(front, b"anything", f"{USER}?a=%2Fb&c", *lines, "X-Forwarded-For: 192.0.2.1", "Cookie: c=2")
    seen = plain.exchanges[-1]
    assert (reply.status, reply.body) == (418, b"\x00\xff not XML")
    assert {name: reply.headers[name] for name in ("content-type", "x-own", "set-cookie")} == {
        "content-type": "text/odd",
        "x-own": "a, b",
        "set-cookie": "c=1",
    }
    assert "keep-alive" not in reply.headers
    assert (seen.path, seen.body) == (f"{USER}?a=%2Fb&c", b"anything")
    assert seen.headers["User-Agent"] == "PHP-SOAP/8.2"
    assert seen.headers["X-Forwarded-For"] == HOST
    assert not {"X-Hop", "Connection", "Accept-Encoding", "Cookie"} & set(seen.headers)


SECRET = b"<password>zqmarkqz</password></h:userCredentials>"


@pytest.mark.parametrize("path", [USER, EXTENSION])
def test_a_login_of_2_5_never_reaches_the_backend(front: Shim, plain: PlainBackend, path: str) -> None:
    """Wherever it stands, on endpoints of v3 alone too, whatever else the message has."""
    inside = native("t", GET).replace(b"</h:userCredentials>", SECRET, 1)
    assert b"zqmarkqz" in inside
    beside = native("t", "<GetUsers><cryptedAuth>zqmarkqz</cryptedAuth></GetUsers>")
    before = len(plain.exchanges)
    for message in (inside, beside, envelope("<GetUsers/>", credentials(ACME))):
        assert post(front, message, path).status == 500
    assert faulted(post(front, inside, USER)).reason == "old-login"
    assert not [each for each in plain.exchanges[before:] if b"zqmarkqz" in each.body or b"acme" in each.body]


def test_a_redirect_is_not_followed_and_a_compressed_answer_stays_so(front: Shim, plain: PlainBackend) -> None:
    plain.say(USER, b"elsewhere", status=302, Location=f"{plain.url}{EXTENSION}")
    reply = post(front, native("t", GET), USER)
    assert (reply.status, reply.headers["location"]) == (302, f"{plain.url}{EXTENSION}")
    packed = gzip.compress(b"<answer/>")
    plain.say(USER, packed, Content_Encoding="gzip")
    reply = post(front, native("t", GET), USER, "Accept-Encoding: gzip")
    assert (reply.body, reply.headers["content-encoding"]) == (packed, "gzip")
    assert plain.exchanges[-1].headers["Accept-Encoding"] == "gzip"


# ---- which messages ----


def test_what_is_not_wholly_v3_gets_the_old_faults(shim: Shim, backend: Backend, token: str) -> None:
    header = f"<userCredentials><accessToken>{token}</accessToken></userCredentials>"
    hits = len(backend.hits)
    details = DETAILS.replace(">", ' xmlns="http://4psa.com/ExtensionMessages.xsd/3.0.0">', 1)
    both = envelope(details, credentials(ACME) + header)
    neither = envelope(details, "")
    old_by_token = envelope(request("GetClientsRequest"), header)
    assert faulted(post(shim, both, EXTENSION)).reason == "wrong-version"
    assert faulted(post(shim, neither, EXTENSION)).reason == "login-refused"
    refused = faulted(post(shim, old_by_token, EXTENSION))
    assert (refused.reason, refused.code) == ("v3-token", "100")
    assert "access token of v3" in refused.text
    assert faulted(post(shim, native(token, DETAILS), CLIENT)).reason == "v3-token"
    assert len(backend.hits) == hits, "the backend saw one of them"
    answered(post(shim, GET_CLIENTS, EXTENSION))


def test_a_message_that_is_too_large_is_refused_here(start_shim: StartShim, backend: Backend) -> None:
    shim = start_shim({"limits.body": 5000})
    hits = len(backend.hits)
    big = native("t", "<GetUsers>" + " " * 5000 + "</GetUsers>")
    for path, event in ((USER, "native call"), (EXTENSION, "call")):
        said = faulted(post(shim, big, path))
        assert said.reason == "too-large"
        assert shim.said(event, reference=said.reference)["reason"] == "too-large"
    assert len(backend.hits) == hits


def test_the_switch_turns_it_off(start_shim: StartShim, backend: Backend) -> None:
    shim = start_shim({"native_v3.enabled": False})
    hits = len(backend.hits)
    assert post(shim, native("t", GET), USER).status == 404
    assert post(shim, b"grant_type=client_credentials", TOKEN, FORM).status == 404
    assert faulted(post(shim, native("t", DETAILS), EXTENSION)).reason == "v3-token"
    assert len(backend.hits) == hits


# ---- big, late and broken answers ----


def stream(plain: PlainBackend, parts: int, *, announced: bool, broken: bool = False) -> bytes:
    part = bytes(range(256)) * 64

    async def reply(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/xml"})
        if announced:
            response.content_length = parts * len(part)
        await response.prepare(request)
        for _ in range(parts):
            await response.write(part)
        if broken:
            assert request.transport is not None
            request.transport.abort()
        return response

    plain.replies[USER] = reply
    return part * parts


@pytest.mark.parametrize("announced", [True, False])
def test_a_big_answer_streams_through(front: Shim, plain: PlainBackend, announced: bool) -> None:
    whole = stream(plain, 40, announced=announced)
    reply = ask(front)
    assert (reply.status, reply.body) == (200, whole)
    assert ("content-length" in reply.headers) == announced


def ask(shim: Shim, version: str = "1.0") -> Reply:
    """A call; by default one whose answer ends with the connection, so that it needs no chunks."""
    with connected(shim.http) as wire:
        return wire.exchange(http_post(native("t", GET), USER, version=version))


def test_an_answer_over_the_limit_is_refused_or_cut_off(front: Shim, plain: PlainBackend) -> None:
    stream(plain, 70, announced=True)
    said = faulted(ask(front))
    assert (said.reason, said.side) == ("answer-too-large", "Server")
    since = front.mark
    stream(plain, 70, announced=False)
    with pytest.raises(ConnectionResetError):
        ask(front)
    cut = front.said("native call", since, reason="answer-too-large")
    assert (cut["fault"], cut["status"]) == (True, 200)


def test_an_answer_that_breaks_off_is_never_ended_as_if_it_were_whole(front: Shim, plain: PlainBackend) -> None:
    stream(plain, 10, announced=False, broken=True)
    for version in ("1.0", "1.1"):
        with pytest.raises(ConnectionResetError):
            ask(front, version)


def test_nothing_is_repeated_when_the_backend_breaks_the_connection(front: Shim, plain: PlainBackend) -> None:
    async def drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    plain.replies[EXTENSION] = drop
    before = plain.hits.count(EXTENSION)
    said = faulted(post(front, native("t", DETAILS), EXTENSION))
    assert said.reason == "backend-cut"
    assert "Try again" in said.text
    assert "not known" in faulted(post(front, native("t", DELETE), EXTENSION)).text
    logged = front.said("native call", reference=said.reference)
    assert (logged["reason"], logged["fault"]) == ("backend-cut", True)
    assert plain.hits.count(EXTENSION) == before + 2


def test_a_backend_that_is_away_is_a_fault_and_an_oauth_error(start_shim: StartShim) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        shim = start_shim(backend_url=f"http://{HOST}:{taken.getsockname()[1]}")
        assert faulted(post(shim, native("t", GET), USER)).reason == "backend-unreachable"
        reply = post(shim, b"grant_type=client_credentials&client_id=a&client_secret=b", TOKEN, FORM)
    assert reply.status == 502
    assert json.loads(reply.body)["error"] == "temporarily_unavailable"


# ---- whose calls they are ----


def test_calls_count_for_whose_app_fetched_the_token(shim: Shim, backend: Backend) -> None:
    token = fetch_token(shim, "northwind")
    since = shim.mark
    call(shim, EXTENSION, token, DETAILS)
    said = shim.said("native call", since, operation="Extension.GetExtensionDetails")
    assert (said["integration"], said["fault"], said["status"]) == ("northwind", False, 200)
    since = shim.mark
    post(shim, native(token, "<GetUsers><parentID>1</parentID></GetUsers>"), USER)
    failed = shim.said("native call", since, operation="User.GetUsers", integration="northwind")
    assert (failed["fault"], failed["status"]) == (True, 500)
    elsewhere = backend.world.issue_token("acme-key", 60)
    since = shim.mark
    call(shim, USER, elsewhere, GET)
    assert shim.said("native call", since)["integration"] == "(unknown)"
    since = shim.mark
    post(shim, b"<no soap", ORGANIZATION)
    nothing = shim.said("native call", since)
    assert (nothing["integration"], nothing["operation"]) == ("(unknown)", "(unknown)")
    for secret in (token, elsewhere, "northwind-app-secret", "northwind-key"):
        assert secret not in shim.log
        assert secret.encode() not in (shim.folder / "shim.db").read_bytes()


def test_the_app_key_may_come_by_basic_authentication(front: Shim, plain: PlainBackend) -> None:
    plain.say(TOKEN, json.dumps({"access_token": "t-basic", "expires_in": 60}).encode())
    basic = "Authorization: Basic YWNtZS1rZXk6c2VjcmV0"  # acme-key:secret
    since = front.mark
    reply = post(front, b"grant_type=client_credentials", TOKEN, FORM, basic, "Accept-Encoding: gzip")
    assert json.loads(reply.body)["access_token"] == "t-basic"
    assert front.said("native token", since)["integration"] == "acme"
    seen = plain.exchanges[-1]
    assert f"Authorization: {seen.headers['Authorization']}" == basic
    assert seen.body == b"grant_type=client_credentials"
    plain.say(USER, b"<answer/>")
    since = front.mark
    post(front, native("t-basic", GET), USER)
    assert front.said("native call", since)["integration"] == "acme"


def test_a_refused_token_request_returns_as_it_is(shim: Shim, backend: Backend) -> None:
    form = b"grant_type=client_credentials&client_id=acme-key&client_secret=wrong"
    reply = post(shim, form, TOKEN, FORM)
    assert (reply.status, json.loads(reply.body)) == (401, {"error": "invalid_client"})
    assert backend.exchanges[-1].body == form


def _form(key: str, secret: str) -> bytes:
    return f"grant_type=client_credentials&client_id={key}&client_secret={secret}".encode()


def test_guessing_app_secrets_is_braked_and_locks_out_nobody_who_has_one(tls: Tls, plain: PlainBackend) -> None:
    """All from one address; of the apps one is configured, one is v3's alone, and one has never been seen."""
    good = {
        _form("acme-key", "acme-app-secret"),
        _form("other-key", "its-secret"),
        _form("new-key", "its-secret"),
    }

    async def reply(request: web.Request) -> web.StreamResponse:
        if await request.read() in good:
            return web.json_response({"access_token": "t", "expires_in": 60})
        return web.json_response({"error": "invalid_client"}, status=401)

    plain.replies[TOKEN] = reply
    with running_shim(plain.url, tls, {"login.address_failures": 10}) as front:
        assert post(front, _form("other-key", "its-secret"), TOKEN, FORM).status == 200
        before = len(plain.exchanges)
        guesses = [post(front, _form("acme-key", f"guess-{number}"), TOKEN, FORM) for number in range(20)]
        assert [each.status for each in guesses] == [401] * 6 + [429] * 14
        assert len(plain.exchanges) == before + 6, "what is braked never reaches v3"
        assert 1 <= int(guesses[-1].headers["retry-after"]) <= 30
        assert json.loads(guesses[-1].body)["error"] == "temporarily_unavailable"
        twice = _form("other-key", "its-secret") + b"&client_id=acme-key&client_secret=guess"
        odd = [twice, _form("other-key", "its-secret") + b"&client.id=acme-key&client.secret=guess"]
        lucky = [post(front, each, TOKEN, FORM).status for each in odd * 10]
        assert 429 in lucky, "a key that is known covers no other key in the same form"
        for each in good - {_form("new-key", "its-secret")}:
            assert post(front, each, TOKEN, FORM).status == 200
        said = front.said("native token", status=429)
        assert (said["integration"], said["reason"]) == ("acme", "too-many-failures")
        assert "guess" not in front.log
        assert "its-secret" not in front.log


@pytest.mark.parametrize("path", [USER, EXTENSION])
@pytest.mark.parametrize("name", ["username", "password", "appKey", "appSecret", "cryptedAuth"])
@pytest.mark.parametrize("spelt", ["{0}", "x:{0}", "{0} a='b'", "{0}\n", "{0}\t"])
def test_no_part_of_an_old_login_goes_on_from_any_place_of_its_header(
    front: Shim, plain: PlainBackend, path: str, name: str, spelt: str
) -> None:
    """In the header with the token, before and after it, nested, in a header of its own, twice."""
    old = f"<{spelt.format(name)} xmlns:x='urn:x'>zqmarkqz</{spelt.format(name).split()[0]}>"
    token = "<accessToken>t</accessToken>"
    headers = (
        f"<userCredentials>{old}{token}</userCredentials>",
        f"<userCredentials>{token}{old}</userCredentials>",
        f"<userCredentials><userCredentials>{token}{old}</userCredentials></userCredentials>",
        f"<userCredentials>{token}</userCredentials><userCredentials>{old}</userCredentials>",
        f"<userCredentials>{old}</userCredentials><userCredentials>{token}</userCredentials>",
        f"<userCredentials>{token}<deep><deeper>{old}</deeper></deep></userCredentials>",
    )
    before = len(plain.exchanges)
    for header in headers:
        assert post(front, envelope(GET, header), path).status == 500
    assert not [each for each in plain.exchanges[before:] if b"zqmarkqz" in each.body]
