"""The cheap ends of the benchmark: a load generator and a backend, both on bare asyncio protocols."""

from __future__ import annotations

import asyncio
import random
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from shim.core.message import Element
from shim.core.serialise import MessageWriter
from shim.interfaces.load import new, old
from tests.support.messages import Messages
from translations.services import SERVICES

_LEFT_OUT = ("notifyOnly", "MyVoipNowManag")
"""A random decimal is no mask, and what the store costs is another question."""
_OPERATION = re.compile(rb":Body[^>]*>\s*<(?:\w+:)?(\w+)")
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class WireCall:
    path: str
    request: bytes
    answer: bytes


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@cache
def call_of(name: str) -> tuple[WireCall, WireCall]:
    """An old call of middling size and the v3 call that it becomes, each with its answer.

    Raises ValueError for what does not become one v3 call of the service that the old one became.
    """
    old_operation = old().operations.get(name)
    if old_operation is None:
        raise ValueError(f"{name} is no operation of 2.5: write Service.Operation.")
    service = next(each for each in SERVICES if each.name == old_operation.service)
    declared = next(each for each in service.operations if each.name == old_operation.name)
    new_operation = new().operations.get(f"{service.becomes}.{declared.becomes}")
    if new_operation is None:
        raise ValueError(f"{name} cannot be measured so: it is not one v3 call of the same service.")
    source = random.Random(7)
    request = Messages(source, full=0.6, most=1).message(old_operation.input)
    request.children = [each for each in request.children if each.name not in _LEFT_OUT]
    answer = Messages(source, full=0.6, most=3).message(new_operation.output)
    if name.endswith("GetClients"):
        row = answer.children[0]
        answer.children = [Element(row.name, children=row.children) for _ in range(10)]
    elif answer.child("ID") is None:
        answer.children.append(Element("ID", "77"))
    login = Element("userCredentials", children=[Element("username", "bench"), Element("password", "bench-pw")])
    token = Element("userCredentials", children=[Element("accessToken", "0123456789abcdef")])
    old_call = _envelope(MessageWriter(old(), old_operation.input), request, login)
    new_request = Element(new_operation.input.name, children=[])
    new_call = _envelope(MessageWriter(new(), new_operation.input), new_request, token)
    new_call = new_call.ljust(len(old_call))
    told = _envelope(MessageWriter(new(), new_operation.output), answer, None)
    return (
        WireCall(old().services[old_operation.service].endpoint, old_call, b""),
        WireCall(new().services[new_operation.service].endpoint, new_call, told),
    )


def _envelope(writer: MessageWriter, body: Element, header: Element | None) -> bytes:
    return writer.envelope(writer.write(body)[0], header)


Answering = Callable[[bytes], bytes]
"""Makes the body of an answer out of the body of a request."""


class Backend:
    """Answers a POST by the operation that it calls, others with the same bytes, and the token endpoint.

    `asked` has the last request of each operation.
    """

    def __init__(self) -> None:
        self._answer = b""
        self._by_operation: dict[bytes, Answering] = {}
        self.asked: dict[bytes, bytes] = {}
        token = b'{"access_token":"0123456789abcdef","expires_in":3600,"token_type":"bearer"}'
        self._token = _response(token, b"application/json")

    def answer(self, body: bytes) -> None:
        """What every operation is answered with that has no answer of its own."""
        self._answer = _response(body, b"text/xml; charset=utf-8")

    def answers(self, by_operation: Mapping[str, Answering]) -> None:
        """What operations are answered with, by the name of their request element."""
        self._by_operation = {name.encode(): make for name, make in by_operation.items()}

    async def start(self) -> int:
        server = await asyncio.get_running_loop().create_server(lambda: _Answering(self), "127.0.0.1", 0)
        self._server = server
        port: int = server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        self._server.close()

    def response(self, head: bytes, body: bytes) -> bytes:
        if b"/oauth/" in head[:60]:
            return self._token
        found = _OPERATION.search(body)
        name = found[1] if found else b""
        self.asked[name] = body
        make = self._by_operation.get(name)
        return self._answer if make is None else _response(make(body), b"text/xml; charset=utf-8")


def _response(body: bytes, kind: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (kind, len(body), body)


class _Messages(asyncio.Protocol):
    """Cuts a stream into HTTP messages with a content length."""

    def __init__(self) -> None:
        self._buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self.message(head, body)

    def message(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


class _Answering(_Messages):
    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self._backend = backend

    def message(self, head: bytes, body: bytes) -> None:
        assert self.transport is not None
        self.transport.write(self._backend.response(head, body))


class _Asking(_Messages):
    def __init__(self) -> None:
        super().__init__()
        self.told: asyncio.Future[tuple[bytes, bytes]] | None = None

    def message(self, head: bytes, body: bytes) -> None:
        if self.told is not None:
            self.told.set_result((head, body))


class Load:
    """`connections` keep-alive connections that each send the next request when the answer is there.

    Of several bodies each is sent in its turn; a function makes the body of the call with that number.
    """

    def __init__(
        self,
        port: int,
        path: str,
        body: bytes | Sequence[bytes] | Callable[[int], bytes],
        expect: bytes,
        connections: int = 16,
    ) -> None:
        bodies = (body,) if isinstance(body, bytes) else body
        self._body = bodies if callable(bodies) else lambda number: bodies[number % len(bodies)]
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml; charset=utf-8\r\n".encode()
        )
        self._port = port
        self._expect = expect
        self._connections = connections
        self._number = 0

    async def run(self, requests: int) -> None:
        """Send that many requests. Raises RuntimeError on any answer that is not as expected."""
        left = [requests]
        await asyncio.gather(*(self._worker(left) for _ in range(min(self._connections, requests))))

    def _message(self) -> bytes:
        body = self._body(self._number)
        self._number += 1
        return self._head + b'SOAPAction: ""\r\nContent-Length: %d\r\n\r\n' % len(body) + body

    async def _worker(self, left: list[int]) -> None:
        loop = asyncio.get_running_loop()
        transport, asking = await loop.create_connection(_Asking, "127.0.0.1", self._port)
        try:
            while left[0] > 0:
                left[0] -= 1
                asking.told = loop.create_future()
                transport.write(self._message())
                head, body = await asking.told
                if not head.startswith(b"HTTP/1.1 200") or self._expect not in body:
                    raise RuntimeError(f"unexpected answer: {(head + body)[:900]!r}")
        finally:
            transport.close()
