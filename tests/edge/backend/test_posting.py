"""What is posted past the session is what the session would have sent, and fails as the session would have."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from shim.edge.backend.breaker import Breaker
from shim.edge.backend.client import open_session
from shim.edge.backend.posting import Posting, post_headers
from shim.edge.settings.backend import BackendSettings

LONG = aiohttp.ClientTimeout(total=60, connect=30)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 2\r\n\r\nhi"


class Answering:
    """A server that answers each request with the bytes that are next, and keeps what was asked.

    None for an answer: it says nothing and keeps the connection; b"" closes it.
    """

    def __init__(self) -> None:
        self.answers: list[bytes | None] = []
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [each for each in head.split(b"\r\n") if each.lower().startswith(b"content-length:")]
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(lengths[0].split(b":")[1])))
                answer = self.answers.pop(0)
                if answer is None:
                    continue
                if not answer:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.fixture
async def backend() -> AsyncIterator[tuple[Answering, str]]:
    answering = Answering()
    server = await asyncio.start_server(answering.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield answering, f"http://127.0.0.1:{port}/soap2/client_agent.php"
    server.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(BackendSettings(url="http://127.0.0.1:1")) as opened:
        yield opened


async def answered(posting: Posting, url: str, limits: aiohttp.ClientTimeout = LONG) -> tuple[int, str, bytes]:
    async with posting.post(url, "urn:x", {}, b"<a/>", limits) as post:
        return post.status, post.headers["Content-Type"], await post.content.read()


async def test_it_sends_the_headers_that_a_session_sends(
    backend: tuple[Answering, str], session: aiohttp.ClientSession
) -> None:
    server, url = backend
    server.answers = [OK, OK, OK]
    async with session.post(url, data=b"<a/>", headers=post_headers("urn:x")) as response:
        assert await response.read() == b"hi"
    assert await answered(Posting(session), url) == (200, "text/xml", b"hi")
    async with Posting(session).post(url, "urn:x", {"traceparent": "00-1"}, b"<a/>", LONG) as post:
        assert await post.content.read() == b"hi"
    theirs, ours, traced = (sorted(each.strip().split(b"\r\n")) for each in server.heads)
    assert theirs == ours
    assert set(traced) - set(ours) == {b"traceparent: 00-1"}
    assert server.bodies == [b"<a/>"] * 3
    assert server.connections == 1, "it has the connections of the session"


async def test_an_answer_that_is_not_read_to_its_end_costs_the_connection(
    backend: tuple[Answering, str], session: aiohttp.ClientSession
) -> None:
    server, url = backend
    server.answers = [OK[:-1], OK, OK]
    posting = Posting(session)
    async with posting.post(url, "urn:x", {}, b"<a/>", LONG) as post:
        assert post.status == 200
    for _ in range(2):
        assert (await answered(posting, url))[2] == b"hi"
    assert server.connections == 2


async def test_what_comes_before_the_answer_is_passed_over(
    backend: tuple[Answering, str], session: aiohttp.ClientSession
) -> None:
    server, url = backend
    server.answers = [b"HTTP/1.1 100 Continue\r\n\r\n" + OK]
    assert await answered(Posting(session), url) == (200, "text/xml", b"hi")


@pytest.mark.parametrize(
    ("answer", "limits", "kind"),
    [
        (b"", LONG, aiohttp.ServerDisconnectedError),
        (b"220 mail.example.com\r\n\r\n", LONG, aiohttp.ClientResponseError),
        (None, aiohttp.ClientTimeout(total=0.05), TimeoutError),
        (None, aiohttp.ClientTimeout(total=60, sock_read=0.05), aiohttp.SocketTimeoutError),
    ],
)
async def test_what_goes_wrong_is_what_a_session_raises(
    backend: tuple[Answering, str],
    session: aiohttp.ClientSession,
    answer: bytes | None,
    limits: aiohttp.ClientTimeout,
    kind: type[Exception],
) -> None:
    server, url = backend
    server.answers = [answer, answer, OK]
    raised: list[type[Exception]] = []
    ways: list[Callable[[], object]] = [
        lambda: answered(Posting(session), url, limits),
        lambda: session.post(url, data=b"<a/>", timeout=limits),
    ]
    for way in ways:
        with pytest.raises(kind) as failed:
            await way()  # type: ignore[misc]  # both can be waited for
        raised.append(failed.type)
    assert raised == [kind, kind]
    assert (await answered(Posting(session), url))[2] == b"hi", "nothing of it is left behind"


async def test_nobody_there_is_told_from_nothing_said(
    unused_tcp_port: int, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(aiohttp.ClientConnectorError):
        await answered(Posting(session), f"http://127.0.0.1:{unused_tcp_port}/")


async def test_a_header_cannot_become_two(
    backend: tuple[Answering, str], session: aiohttp.ClientSession
) -> None:
    _, url = backend
    with pytest.raises(ValueError, match="line break"):
        Posting(session).post(url, "urn:x", {"traceparent": "1\r\nX: 2"}, b"<a/>", LONG)


async def test_a_cut_is_over_even_if_the_connection_cannot_be_given_back(
    backend: tuple[Answering, str], session: aiohttp.ClientSession
) -> None:
    """Else it would end, with the next failed health check, whatever the task does by then."""
    server, url = backend
    server.answers = [OK]
    breaker = Breaker("http://127.0.0.1", BackendSettings(url="http://127.0.0.1").breaker)
    post = Posting(session).post(url, "", {}, b"<x/>", LONG, breaker.waiting())

    async def read() -> None:
        async with post:
            assert breaker.waits(0)
            await post.content.read()
            connection = post._connection
            assert connection is not None

            def no_way_back() -> None:
                connection.close()
                raise RuntimeError("no way back")

            connection.release = no_way_back  # type: ignore[method-assign]

    with pytest.raises(RuntimeError, match="no way back"):
        await read()
    assert not breaker.waits(0)
