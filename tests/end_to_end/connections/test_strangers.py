"""What anybody can send without a login, and what a backend gone mad can answer: each is told, none breaks."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest
from aiohttp import web

from tests.end_to_end.messages import CLIENT, GET_CLIENTS, envelope, request
from tests.end_to_end.native import FORM, TOKEN, USER, PlainBackend, native
from tests.end_to_end.running import HOST, PATIENCE, Backend, Shim, StartShim, Tls, running_shim
from tests.end_to_end.wire import answered, connected, faulted, get, http_get, http_post, post

REPORT = "/soap2/report_agent.php"
DIGITS = "9" * 5_000


def costs(first: str, last: str = "2011-03-31") -> bytes:
    interval = f"<interval><startDate>{first}</startDate><endDate>{last}</endDate></interval>"
    return envelope(request("CallCostsRequest", f"<userID>10</userID>{interval}"))


# ---- values ----


@pytest.mark.parametrize(
    "date",
    [
        *(f"{DIGITS}-01-01", f"-{DIGITS}-12-31", f"2011-{DIGITS}-01"),
        *("0000-00-00", "2011-02-30", "2011-13-45", "1e999999999", "now", "\u0662\u0660\u0661\u0661-03-31"),
    ],
    ids=lambda date: date[:20],
)
def test_an_odd_date_is_a_bad_value(shim: Shim, date: str) -> None:
    said = faulted(post(shim, costs(date), REPORT))
    assert (said.side, said.reason) == ("Client", "bad-value")
    assert "startDate" in said.text


@pytest.mark.parametrize(
    "number", [DIGITS, f"-{DIGITS}", "1e999999999", f"{DIGITS}.0", f"1.{DIGITS}e99", "inf"]
)
def test_a_huge_number_is_a_bad_value(shim: Shim, number: str) -> None:
    said = faulted(post(shim, envelope(request("GetClientsRequest", f"<parentID>{number}</parentID>"))))
    assert (said.side, said.reason) == ("Client", "bad-value")


# ---- messages that are no SOAP ----


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ('multipart/related; type="application/xop+xml"; boundary=b', b"--b\r\n\r\n%b\r\n--b--\r\n"),
        ("text/xml; charset=utf-8", b"\r\n--b\r\nContent-Type: application/xop+xml\r\n\r\n%b\r\n--b--"),
        ("Multipart/Related; boundary=b", b"This is a message with attachments.\r\n--b\r\n\r\n%b\r\n--b--"),
    ],
)
def test_a_multipart_message_is_called_so_and_what_to_do_is_said(
    shim: Shim, content_type: str, body: bytes
) -> None:
    said = faulted(post(shim, body % GET_CLIENTS, CLIENT, f"Content-Type: {content_type}"))
    assert (said.side, said.reason) == ("Client", "multipart")
    assert "MTOM" in said.text
    assert "base64" in said.text


def test_a_message_that_is_only_called_multipart_is_served(shim: Shim) -> None:
    answered(post(shim, GET_CLIENTS, CLIENT, "Content-Type: multipart/related; boundary=b"))


# ---- what is told of the server ----


def test_no_answer_names_the_http_library_or_its_version(shim: Shim) -> None:
    for reply in (post(shim, GET_CLIENTS), post(shim, b"", USER), get(shim, "/livez"), get(shim, "/nothing")):
        assert "server" not in reply.headers
    for port in (shim.http, shim.admin):
        with connected(port) as wire:
            reply = wire.exchange(b"nonsense\r\n\r\n")
            assert reply.status == 400
            assert b"aiohttp" not in reply.head + reply.body
        with connected(port) as wire:
            assert b"aiohttp" not in wire.exchange(http_get("/livez", "Expect: the-impossible")).head


def test_what_is_no_http_makes_a_line_and_then_sums(start_shim: StartShim) -> None:
    shim = start_shim()
    for _ in range(40):
        with connected(shim.http) as wire:
            assert wire.exchange(b"nonsense\r\n\r\n").status == 400
    lines = summed(shim, "bad http", 40)
    assert len(lines) <= 3


def test_connections_that_are_refused_make_a_line_and_then_sums(start_shim: StartShim) -> None:
    shim = start_shim({"listen.max_connections": 1})
    with connected(shim.http) as wire:
        answered(wire.exchange(http_post(GET_CLIENTS)))
        for _ in range(40):
            with connected(shim.http) as refused:
                assert refused.is_closed()
        lines = summed(shim, "connection refused", 40)
    assert len(lines) <= 3
    assert {each["reason"] for each in lines} == {"too-many-connections"}


def summed(shim: Shim, event: str, count: int) -> list[dict[str, object]]:
    """The lines of an event, once they tell of so many."""
    deadline = time.monotonic() + PATIENCE
    while True:
        lines = [each for each in shim.events if each["event"] == event]
        if sum(each["count"] for each in lines) == count:
            return lines
        assert time.monotonic() < deadline, lines
        time.sleep(0.05)


# ---- the admin listener ----


def test_callers_who_take_all_connections_do_not_keep_probes_out(start_shim: StartShim) -> None:
    shim = start_shim({"listen.max_connections": 8, "listen.header_timeout": 60.0})
    with ExitStack() as opened:
        for _ in range(8):
            wire = opened.enter_context(connected(shim.http))
            answered(wire.exchange(http_post(GET_CLIENTS)))
        assert opened.enter_context(connected(shim.http)).is_closed(), "all are taken"
        for path in ("/livez", "/readyz", "/metrics"):
            with connected(shim.admin) as wire:
                assert wire.exchange(http_get(path)).status == (421 if path == "/metrics" else 200)


@pytest.mark.parametrize("path", ["/metrics", "/status", "/"])
def test_the_admin_listener_answers_under_no_name_that_a_stranger_can_point_at_it(
    shim: Shim, path: str
) -> None:
    with connected(shim.admin) as wire:
        for host in ("evil.example", "127.0.0.1.evil.example", "evil.example:8027", "[", "evil.example."):
            reply = wire.exchange(http_get(path, f"Host: {host}"))
            assert reply.status == 421, host
            assert "evil" not in reply.text
        for host in ("127.0.0.1", f"localhost:{shim.admin}", "[::1]:8027", "shim", "shim.prod.svc:8027", ""):
            assert wire.exchange(http_get(path, f"Host: {host}")).status in (200, 302), host


def test_probes_are_answered_under_any_name_and_tell_strangers_no_reasons(backend: Backend, tls: Tls) -> None:
    with (
        closing(socket.create_server((HOST, 0))) as hung,
        running_shim(
            f"http://{HOST}:{hung.getsockname()[1]}",
            tls,
            {"backend.health": {"every": 3600, "after": 0.25, "timeout": 0.6}},
        ) as shim,
    ):
        faulted(post(shim, GET_CLIENTS))
        with connected(shim.admin) as wire:
            assert wire.exchange(http_get("/livez", "Host: evil.example")).status == 200
            told = wire.exchange(http_get("/readyz?verbose", "Host: evil.example"))
            assert (told.status, told.text) == (503, "not ready\n")
            assert "backend" in wire.exchange(http_get("/readyz?verbose", "Host: 127.0.0.1")).text


# ---- a backend gone mad ----


@pytest.fixture
def plain() -> Iterator[PlainBackend]:
    backend = PlainBackend()
    yield backend
    backend.close()


DEEP = b"[" * 100_000
NO_TOKENS = {
    "deep": DEEP,
    "deep-in-a-token": b'{"access_token": ' + DEEP,
    "array": b"[]",
    "null": b"null",
    "number": b"7",
    "nan": b"NaN",
    "text": b'"token"',
    "nothing": b"",
    "no-utf-8": b'{"access_token": "\xff", "expires_in": 60}',
    "token-null": b'{"access_token": null, "expires_in": 60}',
    "token-number": b'{"access_token": 7, "expires_in": 60}',
    "token-array": b'{"access_token": ["t"], "expires_in": 60}',
    "seconds-nan": b'{"access_token": "t", "expires_in": NaN}',
    "seconds-infinite": b'{"access_token": "t", "expires_in": Infinity}',
    "seconds-huge": b'{"access_token": "t", "expires_in": 1%b}' % (b"0" * 400),
    "seconds-of-many-digits": b'{"access_token": "t", "expires_in": %b}' % DIGITS.encode(),
    "seconds-exponent": b'{"access_token": "t", "expires_in": 1e999999999}',
    "seconds-array": b'{"access_token": "t", "expires_in": [3600]}',
    "seconds-object": b'{"access_token": "t", "expires_in": {}}',
    "seconds-word": b'{"access_token": "t", "expires_in": "soon"}',
    "seconds-negative": b'{"access_token": "t", "expires_in": -1}',
}


def test_what_is_no_token_is_a_fault_that_says_so(plain: PlainBackend, tls: Tls) -> None:
    with running_shim(plain.url, tls) as shim:
        for name, body in NO_TOKENS.items():
            plain.say(TOKEN, body, content_type="application/json")
            said = faulted(post(shim, GET_CLIENTS))
            assert (said.side, said.reason) == ("Server", "backend-nonsense"), name
            assert "no token" in said.text
            plain.say(TOKEN, body, 400, content_type="application/json")
            assert faulted(post(shim, GET_CLIENTS)).reason == "backend-nonsense", name


@pytest.mark.parametrize("seconds", [b'"3600"', b"null", b'""', b"3600.5", b'" 60 "', b"true"])
def test_a_lifetime_in_another_form_is_read(plain: PlainBackend, tls: Tls, seconds: bytes) -> None:
    with running_shim(plain.url, tls) as shim:
        plain.say(TOKEN, b'{"access_token": "t", "expires_in": %b}' % seconds)
        said = faulted(post(shim, GET_CLIENTS))
        assert "no SOAP message" in said.text, "the call was made with the token"


def test_odd_tokens_pass_through_as_they_are(plain: PlainBackend, tls: Tls) -> None:
    form = b"grant_type=client_credentials&client_id=acme-key&client_secret=x"
    with running_shim(plain.url, tls) as shim:
        for body in (*NO_TOKENS.values(), b'{"access_token": "\\ud800", "expires_in": 60}'):
            plain.say(TOKEN, body)
            reply = post(shim, form, TOKEN, FORM)
            assert (reply.status, reply.body) == (200, body)
        for asked in (
            b"client_id=acme-key&x=" + b"%41" * 300_000,
            DEEP,
            b"\xff\0",
            b"&" * 100_000,
            b"client_id=%ff%00",
            b"=" * 100_000,
        ):
            assert post(shim, asked, TOKEN, FORM).status == 200


def test_a_token_that_no_message_can_hold_is_a_fault(plain: PlainBackend, tls: Tls) -> None:
    with running_shim(plain.url, tls) as shim:
        plain.say(TOKEN, b'{"access_token": "\\ud800\\u0000\\n<&", "expires_in": 60}')
        assert faulted(post(shim, GET_CLIENTS)).side == "Server"


@contextmanager
def raw_backend(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """The URL of one that answers a request with these very bytes, and ends the connection."""

    def serve(connection: socket.socket) -> None:
        with closing(connection):
            asked = b""
            while b"\r\n\r\n" not in asked:
                if not (part := connection.recv(65536)):
                    return
                asked += part
            connection.sendall(answer(asked))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with closing(socket.create_server((HOST, 0))) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://{HOST}:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)


REASONS = [b"O\x01K", b"O\x7fK", b"\xff\xfe", "Öl".encode(), b"\x1b[31m", b"", b"O\tK", "\u2028".encode()]


@pytest.mark.parametrize("reason", REASONS)
def test_a_control_character_in_a_reason_phrase_breaks_neither_answer_nor_log(tls: Tls, reason: bytes) -> None:
    body = b"<hello/>"
    head = b"HTTP/1.1 %d " + reason + b"\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n"

    def answer(asked: bytes) -> bytes:
        if TOKEN.encode() in asked:
            granted = b'{"access_token": "t", "expires_in": 60}'
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(granted), granted)
        return head % (418, len(body)) + body

    with raw_backend(answer) as url, running_shim(url, tls) as shim:
        reply = post(shim, native("t", "<GetUsers/>"), USER)
        assert (reply.status, reply.body) in ((418, body), (500, reply.body))
        first = reply.head.split(b"\r\n")[0]
        assert first.decode("ascii").isprintable()
        assert faulted(post(shim, GET_CLIENTS)).side == "Server"
        assert_clean(shim)


@pytest.mark.parametrize("text", ["a\x85b", "a\u2028b", "a\ufffdb", "a\x9bb", "&#13;&#10;x", "&#x9f;"])
def test_a_control_character_in_a_text_of_v3_breaks_neither_answer_nor_log(
    plain: PlainBackend, tls: Tls, text: str
) -> None:
    plain.say(TOKEN, b'{"access_token": "t", "expires_in": 60}')
    with running_shim(plain.url, tls) as shim:
        said = f"<faultcode>x</faultcode><faultstring>It is so that {text} it is</faultstring>"
        fault = f"<E:Fault xmlns:E='urn:e'>{said}</E:Fault>"

        async def reply(request: web.Request) -> web.Response:
            return web.Response(status=500, body=envelope(fault, ""), content_type="text/xml")

        for path in ("/soap2/organization_agent.php", USER):
            plain.replies[path] = reply
        assert faulted(post(shim, GET_CLIENTS)).reason == "backend-fault"
        assert_clean(shim)


@pytest.mark.parametrize("text", ["a\x01b", "&#1;", "a\x00b", "\x1b[31m"])
def test_what_no_xml_holds_is_no_answer_of_v3(plain: PlainBackend, tls: Tls, text: str) -> None:
    plain.say(TOKEN, b'{"access_token": "t", "expires_in": 60}')
    with running_shim(plain.url, tls) as shim:
        fault = f"<Fault><faultcode>x</faultcode><faultstring>{text}</faultstring></Fault>"
        plain.say("/soap2/organization_agent.php", envelope(fault, ""), 500)
        assert faulted(post(shim, GET_CLIENTS)).reason == "backend-nonsense"
        assert_clean(shim)


def assert_clean(shim: Shim) -> None:
    """Each line of the log is an event, and none holds a character that does something to a terminal."""
    for line in shim.log.splitlines():
        assert isinstance(json.loads(line), dict)
        assert line.isprintable()


# ---- what comes late ----


def test_a_late_read_does_not_speak_of_writes_and_a_late_write_does(backend: Backend, tls: Tls) -> None:
    edit = envelope(request("EditClientRequest", "<ID>20</ID><company>Late</company>"))
    with running_shim(backend.url, tls, {"backend.total_timeout": 0.5, "backend.call_timeout": 60}) as shim:
        with backend.held("GetOrganizations"):
            read = faulted(post(shim, GET_CLIENTS))
        with backend.held("EditOrganization"):
            write = faulted(post(shim, edit))
    for each in (read, write):
        assert each.side == "Server"
    assert "too long" in read.text
    assert "Nothing was changed" in read.text
    assert "write" not in read.text
    assert "Whether a write took effect is not known" in write.text


def test_a_late_read_of_v3_does_not_speak_of_changes(tls: Tls) -> None:
    with closing(socket.create_server((HOST, 0), backlog=64)) as hung:
        url = f"http://{HOST}:{hung.getsockname()[1]}"
        changes = {"backend.call_timeout": 0.5, "backend.health": {"every": 3600, "after": 30, "timeout": 30}}
        with running_shim(url, tls, changes) as shim:
            read = post(shim, native("t", "<GetUsers xmlns='urn:u'/>"), USER)
            write = post(shim, native("t", "<DelUser xmlns='urn:u'/>"), USER)
            token = post(shim, b"grant_type=client_credentials", TOKEN, FORM)
    assert "did not answer in time" in read.text
    assert "change" not in read.text
    assert "Whether the change was made is not known" in write.text
    assert "change" not in token.text
