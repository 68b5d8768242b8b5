"""Posting: short messages to the v3 backend, over the connections that a session of aiohttp keeps.

A session makes a URL, a request, a task that writes it, a response and three timers for each message. All
messages to one address and operation begin with the same head: that is made once, and what is left is to take a
connection, to write and to read. Connecting, pooling, TLS and parsing are the session's own, and so are the
errors: whoever posts hears what the session would have raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

import aiohttp
from aiohttp import hdrs
from aiohttp.connector import Connection
from multidict import CIMultiDictProxy
from yarl import URL

from shim.edge.exchange.cut import Cut

SHORT = 1 << 15
"""Bytes up to which a message is posted here: a connection takes it at once, so that nothing drains it."""
_MOST_HEADS = 4096


@dataclass(frozen=True, slots=True)
class _Head:
    """How messages to one URL begin: the request that a session would make, and its lines up to the length."""

    request: aiohttp.ClientRequest
    lines: bytes


class Posting:
    """Posts over one session, whose owner closes it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._heads: dict[tuple[str, str], _Head] = {}

    def post(
        self,
        url: str,
        action: str,
        more: Mapping[str, str],
        body: bytes,
        timeout: aiohttp.ClientTimeout,
        cut: Cut | None = None,
    ) -> Post:
        """A context in which a message is answered; `action` is its SOAPAction, `more` are other headers.

        It may be cut off from outside: by whoever has `cut`.
        Raises what `ClientSession.post` does: aiohttp.ClientError, TimeoutError, OSError.
        """
        head = self._heads.get((url, action))
        if head is None:
            head = self._head(url, action)
        return Post(self._session, head.request, _written(head, more, body), timeout, cut or Cut())

    def _head(self, url: str, action: str) -> _Head:
        """The head of all messages to a URL with an action."""
        own = {**self._session.headers, **post_headers(action)}
        request = aiohttp.ClientRequest(
            "POST", URL(url), headers=own, loop=asyncio.get_running_loop(), session=self._session
        )
        request.headers.popall(hdrs.CONTENT_LENGTH, None)
        lines = [f"POST {request.url.raw_path_qs} HTTP/1.1", *_lines(request.headers), "Content-Length: "]
        head = _Head(request, "\r\n".join(lines).encode())
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        self._heads[url, action] = head
        return head


def post_headers(action: str) -> dict[str, str]:
    """The headers that say what a message is."""
    return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}


def _lines(headers: Mapping[str, str]) -> list[str]:
    """Header lines. Raises ValueError when one would become two."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header has a line break")
    return lines


def _written(head: _Head, more: Mapping[str, str], body: bytes) -> bytes:
    """A whole request."""
    if not more:
        return b"%b%d\r\n\r\n%b" % (head.lines, len(body), body)
    return b"%b%d\r\n%b\r\n\r\n%b" % (head.lines, len(body), "\r\n".join(_lines(more)).encode(), body)


class Post:
    """One message under way. Within its context there are `status`, `headers` and `content` of the answer.

    The connection is kept for the next one when the answer was read to its end.
    """

    status: int
    headers: CIMultiDictProxy[str]
    content: aiohttp.StreamReader

    def __init__(
        self,
        session: aiohttp.ClientSession,
        request: aiohttp.ClientRequest,
        whole: bytes,
        timeout: aiohttp.ClientTimeout,
        cut: Cut,
    ) -> None:
        self._session = session
        self._request = request
        self._bytes = whole
        self._timeout = timeout
        self._connection: Connection | None = None
        self._cut = cut
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Post:
        self._cut.__enter__()
        total = self._timeout.total
        if total is not None:
            self._timer = asyncio.get_running_loop().call_later(total, self._cut.end)
        try:
            await self._answered()
        except BaseException as error:
            self._end(type(error), error)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(kind, error)

    def _end(self, kind: type[BaseException] | None, error: BaseException | None) -> None:
        """Give the connection back. Raises TimeoutError when the time was over."""
        if self._timer is not None:
            self._timer.cancel()
        connection, self._connection = self._connection, None
        try:
            if connection is not None:
                if kind is None:
                    connection.release()  # which closes it when the answer was not read to its end
                else:
                    connection.close()
        finally:  # whoever has the cut must not end what the task does next
            self._cut.__exit__(kind, error, None)

    async def _answered(self) -> None:
        connector = self._session.connector
        if connector is None:
            raise RuntimeError("Session is closed")
        timeout = self._timeout
        try:
            connection = self._connection = await connector.connect(self._request, [], timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"Connection timeout to host {self._request.url}") from error
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or transport.is_closing():
            raise aiohttp.ClientOSError(None, "the connection was closed before anything was written")
        protocol.set_response_params(read_until_eof=True, read_timeout=timeout.sock_read)
        transport.write(self._bytes)
        protocol.start_timeout()
        while True:
            try:
                message, self.content = await protocol.read()
            except aiohttp.http.HttpProcessingError as error:
                raise aiohttp.ClientResponseError(
                    self._request.request_info,
                    (),
                    status=error.code,
                    message=error.message,
                    headers=error.headers,
                ) from error
            if not 100 <= message.code < 200 or message.code == 101:
                break
        self.status, self.headers = message.code, message.headers
