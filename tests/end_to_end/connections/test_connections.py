"""Connections that trickle, pile up or speak no HTTP cost the shim little, and nobody else anything."""

from __future__ import annotations

import signal
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.end_to_end.messages import CLIENT, GET_CLIENTS
from tests.end_to_end.running import HOST, Backend, Shim, Tls, running_shim
from tests.end_to_end.sinks import until
from tests.end_to_end.wire import Wire, answered, connected, faulted, get, http_get, http_post, post

HEADERS, BODY, MOST = 1.0, 1.0, 5
TIGHT = {
    "listen.handshake_timeout": HEADERS,
    "listen.header_timeout": HEADERS,
    "listen.body_timeout": BODY,
    "listen.keepalive_timeout": 300,
    "listen.max_connections_per_address": MOST,
}
IN_TIME = 60.0
"""Seconds after which something with those deadlines must have ended, however busy the machine is."""


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    with running_shim(backend.url, tls, TIGHT) as running:
        yield running


@pytest.fixture(params=["http", "https"])
def wire(request: pytest.FixtureRequest, shim: Shim) -> Iterator[Wire]:
    """A connection, plain and over TLS."""
    secure = request.param == "https"
    port, authority = (shim.https, shim.tls.authority) if secure else (shim.http, None)
    with connected(port, authority, IN_TIME) as opened:
        yield opened


def trickled(wire: Wire, data: bytes, seconds: float) -> None:
    """Send byte after byte for so long, or until the other side has had enough."""
    end = time.monotonic() + seconds
    try:
        for number in range(len(data)):
            if time.monotonic() > end:
                return
            wire.send(data[number : number + 1])
            time.sleep(0.05)
    except OSError:
        return


# ---- deadlines ----


def test_headers_that_trickle_are_cut(shim: Shim, wire: Wire) -> None:
    since = shim.mark
    began = time.monotonic()
    trickled(wire, http_post(GET_CLIENTS), IN_TIME)
    assert wire.is_closed()
    assert time.monotonic() - began > HEADERS - 0.1
    shim.said("connection closed", since=since, reason="slow-headers")


def test_a_connection_on_which_nothing_comes_is_cut(wire: Wire) -> None:
    assert wire.is_closed()


def hello() -> bytes:
    """The first message of a TLS client."""
    said = ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), said, server_hostname=HOST).do_handshake()
    return said.read()


@pytest.mark.parametrize("sent", [b"", hello()[:3], hello()], ids=["nothing", "a part", "its first message"])
def test_a_tls_handshake_that_does_not_end_is_cut(shim: Shim, sent: bytes) -> None:
    since = shim.mark
    with connected(shim.https, timeout=IN_TIME) as silent:
        silent.send(sent)
        with suppress(ConnectionError):
            while silent.socket.recv(65536):  # what the shim says in its turn, until it ends
                pass
    assert shim.said("connection closed", since=since, reason="slow-handshake")["peer"] == HOST


def test_handshakes_have_a_deadline_of_their_own_that_a_reload_changes(backend: Backend, tls: Tls) -> None:
    settings = {"listen.header_timeout": 300, "listen.handshake_timeout": 300}
    with running_shim(backend.url, tls, settings) as shim, connected(shim.http, None, IN_TIME) as patient:
        shim.configure(listen={**shim.settings["listen"], "handshake_timeout": HEADERS})
        shim.signal(signal.SIGHUP)
        assert "listen.handshake_timeout" in shim.said("configuration reread")["changed"]
        with connected(shim.https, timeout=IN_TIME) as silent:
            assert silent.is_closed()
        shim.said("connection closed", reason="slow-handshake")
        answered(patient.exchange(http_post(GET_CLIENTS)))


def test_handshakes_count_as_connections(backend: Backend, tls: Tls) -> None:
    settings = {"listen.handshake_timeout": 300, "listen.max_connections_per_address": MOST}
    with running_shim(backend.url, tls, settings) as shim, ExitStack() as opened:
        silent = [opened.enter_context(connected(shim.https, timeout=IN_TIME)) for _ in range(MOST)]
        assert opened.enter_context(connected(shim.http, None, IN_TIME)).is_closed()
        assert shim.said("connection refused", reason="too-many-connections")["open"] == MOST
        silent[0].socket.close()
        until(lambda: taken(shim), "the place of a handshake that was broken off is free again")
        silent[1].send(b"no TLS at all, but plain text that is long enough to be judged\r\n\r\n")
        silent[2].socket.close()
        until(lambda: taken(shim), "and that of one that failed")
        secured = opened.enter_context(connected(shim.https, tls.authority, IN_TIME))
        answered(secured.exchange(http_post(GET_CLIENTS)))


def test_headers_of_a_later_request_that_trickle_are_cut(wire: Wire) -> None:
    answered(wire.exchange(http_post(GET_CLIENTS)))
    trickled(wire, http_post(GET_CLIENTS), IN_TIME)
    assert wire.is_closed()


def test_a_kept_connection_may_be_idle_for_longer_than_headers_may_take(wire: Wire) -> None:
    answered(wire.exchange(http_post(GET_CLIENTS)))
    time.sleep(HEADERS + 0.1)
    answered(wire.exchange(http_post(GET_CLIENTS)))


def test_a_connection_that_asked_for_a_page_is_kept_too(wire: Wire) -> None:
    for target in (CLIENT, f"{CLIENT}?wsdl", "/soap2/schema/latest/Common.xsd"):
        assert wire.exchange(http_get(target)).status == 200
    time.sleep(HEADERS + 0.1)
    answered(wire.exchange(http_post(GET_CLIENTS)))


def test_a_call_that_takes_longer_than_headers_may_is_answered(backend: Backend, wire: Wire) -> None:
    backend.world.interfere("GetOrganizations", f"late:{HEADERS + 0.2}")
    answered(wire.exchange(http_post(GET_CLIENTS)))


def test_a_body_that_stops_gets_its_fault(wire: Wire) -> None:
    wire.send(http_post(GET_CLIENTS)[:-10])
    began = time.monotonic()
    reply = wire.read()
    assert time.monotonic() - began > BODY - 0.1
    said = faulted(reply)
    assert (said.side, said.reason) == ("Client", "slow-body")
    assert reply.headers["connection"] == "close"


def test_a_body_that_trickles_gets_its_fault(wire: Wire) -> None:
    head = http_post(GET_CLIENTS)[: -len(GET_CLIENTS)]
    wire.send(head)
    trickled(wire, GET_CLIENTS, BODY + 0.2)
    assert faulted(wire.read()).reason == "slow-body"


def test_a_chunked_body_that_never_ends_gets_its_fault(wire: Wire) -> None:
    wire.send(http_post(b"", CLIENT, "Transfer-Encoding: chunked") + b"5\r\n<a/>\n\r\n")
    assert faulted(wire.read()).reason == "slow-body"


def test_a_caller_who_has_nothing_more_to_send_gets_the_answer(shim: Shim) -> None:
    """Hand-written clients close their half of the connection to say that the request is whole."""
    for version in ("1.0", "1.1"):
        with connected(shim.http) as wire:
            wire.send(http_post(GET_CLIENTS, version=version))
            wire.socket.shutdown(socket.SHUT_WR)
            answered(wire.read())


# ---- numbers ----


def taken(shim: Shim) -> bool:
    """Whether a connection is taken just now, and answered."""
    try:
        answered(post(shim, GET_CLIENTS))
    except OSError:
        return False
    return True


def test_an_address_has_so_many_connections_and_no_more(backend: Backend, tls: Tls) -> None:
    settings = {"listen.header_timeout": 300, "listen.max_connections_per_address": MOST}
    with running_shim(backend.url, tls, settings) as shim, ExitStack() as opened:
        wires = [opened.enter_context(connected(shim.http, None, IN_TIME)) for _ in range(MOST)]
        for _ in range(2):
            with connected(shim.http, None, IN_TIME) as one_more:
                assert one_more.is_closed()
        wires[0].socket.close()
        until(lambda: taken(shim), "the place that one left is free again")
        shim.said("connection refused", reason="too-many-connections")


@pytest.mark.parametrize("bound", ["max_connections", "max_connections_per_address"])
def test_the_connection_that_is_idle_longest_makes_room(backend: Backend, tls: Tls, bound: str) -> None:
    with running_shim(backend.url, tls, {f"listen.{bound}": 2}) as shim, ExitStack() as opened:
        idle, young = (opened.enter_context(connected(shim.https, tls.authority, IN_TIME)) for _ in range(2))
        answered(idle.exchange(http_post(GET_CLIENTS)))
        answered(young.exchange(http_post(GET_CLIENTS)))
        until(lambda: taken(shim), "a connection is idle, and gives its place to a new one")
        assert idle.is_closed()
        shim.said("connection closed", reason="idle-made-room")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_client_that_does_not_read_its_answers_is_cut_off(backend: Backend, tls: Tls, scheme: str) -> None:
    asked = http_get("/soap2/schema/2.5.1/voipnowservice-all.wsdl")
    with running_shim(backend.url, tls, {"listen.answer_timeout": 0.5}) as shim:
        port, authority = (shim.https, tls.authority) if scheme == "https" else (shim.http, None)
        with connected(port, authority, IN_TIME) as wire:
            with suppress(OSError):
                for _ in range(200):  # far more than the system keeps for a client that does not read
                    wire.send(asked)
            shim.said("connection closed", reason="slow-reader")
        answered(post(shim, GET_CLIENTS))


def test_the_number_of_all_connections_is_bounded(backend: Backend, tls: Tls) -> None:
    with running_shim(backend.url, tls, {"listen.max_connections": 2}) as shim, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(connected(shim.http))
        assert opened.enter_context(connected(shim.http, None, IN_TIME)).is_closed()
        assert get_admin(shim) == 200, "the admin port has to answer when the public one is full"


def get_admin(shim: Shim, path: str = "/readyz") -> int:
    with connected(shim.admin) as wire:
        return wire.exchange(http_get(path, "Host: localhost")).status


# ---- no HTTP ----

MARK = "zqmarkqz"
LONG = "x" * 8200


@pytest.mark.parametrize(
    "data",
    [
        f"{MARK}\r\n\r\n",
        f"{MARK} {CLIENT} HTTP/1.1 {MARK}\r\n\r\n",
        f"GET /{MARK} HTTP/7.1\r\n\r\n",
        f"GET /{MARK} HTTP/1.1\r\n{MARK}\r\n\r\n",
        f"GET /{MARK} HTTP/1.1\r\n{MARK} : 1\r\n\r\n",
        f"GET /{MARK} HTTP/1.1\r\nHost: a\r\nHost: {MARK}\r\n\r\n",
        f"GET /{MARK}{LONG} HTTP/1.1\r\n\r\n",
        f"GET / HTTP/1.1\r\nX: {MARK}{LONG}\r\n\r\n",
        "GET / HTTP/1.1\r\n" + "".join(f"X-{n}: {MARK}\r\n" for n in range(70)) + "\r\n",
        f"POST /{MARK} HTTP/1.1\r\nContent-Length: {MARK}\r\n\r\n",
        f"POST /{MARK} HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        f"POST /{MARK} HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"PRI * HTTP/2.0\r\n\r\n{MARK}\r\n\r\n",
        f"\x16\x03\x01\x02\x00\x01\x00{MARK}\r\n\r\n",
    ],
    ids=lambda data: data[:24].replace(MARK, "MARK").encode("unicode_escape").decode(),
)
def test_what_is_no_http_gets_a_page_that_repeats_nothing(shim: Shim, data: str) -> None:
    since = shim.mark
    with connected(shim.http, None, IN_TIME) as wire:
        wire.send(data.encode("latin-1"))
        reply = wire.read()
        assert wire.is_closed()
    assert reply.status == 400
    assert reply.text.startswith("This is not a request that is served here")
    assert MARK.encode() not in reply.head + reply.body
    assert MARK not in "".join(str(event) for event in shim.events[since:])


@pytest.mark.parametrize("size", ["zz", "-1", "ffffffffffffffffffff"])
def test_a_chunk_that_is_none_ends_the_call(shim: Shim, size: str) -> None:
    with connected(shim.http, None, IN_TIME) as wire:
        wire.send(http_post(b"", CLIENT, "Transfer-Encoding: chunked") + f"{size}{MARK}\r\n<a/>\r\n".encode())
        reply = wire.read()
        assert reply.status in (400, 500)
        assert MARK not in reply.text
        if reply.status == 500:
            assert faulted(reply).reason != "internal-error"
        assert wire.is_closed()


def test_a_chunk_that_is_none_ends_a_call_that_has_begun(shim: Shim) -> None:
    with connected(shim.http) as wire:
        wire.send(http_post(b"", CLIENT, "Transfer-Encoding: chunked") + b"5\r\n<a/>\n\r\n")
        time.sleep(0.1)
        wire.send(f"zz{MARK}\r\n".encode())
        reply = wire.read()
    assert reply.status in (400, 500)
    assert MARK not in reply.text
    if reply.status == 500:
        assert faulted(reply).reason != "internal-error"


@pytest.mark.parametrize("length", [10, -10], ids=["early", "late"])
def test_a_caller_who_goes_away_in_the_middle_is_no_error_of_the_shim(shim: Shim, length: int) -> None:
    since = shim.mark
    with connected(shim.http) as wire:
        wire.send(http_post(GET_CLIENTS)[:length])
    answered(post(shim, GET_CLIENTS))
    time.sleep(0.1)
    assert [event for event in shim.events[since:] if event["level"] in ("error", "critical")] == []
    assert "Traceback" not in shim.log


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_other_methods_get_a_page_that_repeats_nothing(shim: Shim, method: str) -> None:
    with connected(shim.http) as wire:
        reply = wire.exchange(
            http_get(f"{CLIENT}?{MARK}", f"X-Mark: {MARK}").replace(b"GET", method.encode(), 1)
        )
    assert reply.status in (404, 405)
    assert MARK not in reply.text


def test_a_head_request_has_no_body(shim: Shim) -> None:
    with connected(shim.http) as wire:
        wire.send(http_get(CLIENT).replace(b"GET", b"HEAD", 1) + http_get("/readyz"))
        assert wire.socket.recv(15) == b"HTTP/1.1 200 OK"


def test_the_admin_port_serves_no_calls(shim: Shim) -> None:
    assert get_admin(shim, "/healthz") == 200
    assert get_admin(shim, CLIENT) == 404
    assert get(shim, "/healthz").status == 404
