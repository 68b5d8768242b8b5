"""Relaying an HTTP answer: its status, headers and bytes as they are, whole when small, as they come when big.

Laws: only headers that belong to one connection are taken off; nothing is added to a body or decompressed; an
answer that breaks off at the backend breaks off at the caller, and is never ended as if it were whole.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, MultiMapping

from shim.core.errors import BackendError

_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "expect"),
    }
)
_REQUEST = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "cache-control", "content-encoding", "content-type"),
        *("if-modified-since", "if-none-match", "pragma", "range", "soapaction", "user-agent"),
        *("traceparent", "tracestate"),
    }
)
"""Headers of requests that go on: any other may be a secret of this host, or mean something to the backend."""

_RESET = struct.pack("ii", 1, 0)

OpenedAnswer = AbstractAsyncContextManager[aiohttp.ClientResponse]


@dataclass(frozen=True, slots=True)
class Sizes:
    """The largest answer, and the largest that is read whole before it is passed on; bytes."""

    most: int
    buffer: int


@dataclass(frozen=True, slots=True)
class Relayed:
    """The answer to the caller, and why it broke off, if it did."""

    response: web.StreamResponse
    broken: str | None = None


class _CallerGone(Exception):
    """The caller does not read on."""


def passed_on(headers: MultiMapping[str], address: str, *also: str) -> CIMultiDict[str]:
    """The headers of a request as the backend gets them; `address` is the caller's, `also` go on besides."""
    names = _REQUEST.union(also)
    kept = CIMultiDict((name, value) for name, value in _end_to_end(headers).items() if name.lower() in names)
    kept["X-Forwarded-For"] = address
    return kept


def _end_to_end(headers: MultiMapping[str]) -> CIMultiDict[str]:
    lines = headers.getall("Connection", [])
    named = {name.strip().lower() for line in lines for name in line.split(",")}
    dropped = _HOP_BY_HOP | named
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in dropped and _can_be_sent(value)
    )


def _can_be_sent(value: str) -> bool:
    """Bytes that are no UTF-8 stand in the text as what cannot be encoded."""
    return value.encode("utf-8", "ignore").decode() == value


def _reason(reason: str | None) -> str | None:
    """The reason phrase to pass on; None, for the usual one, when a status line cannot hold it."""
    return reason if reason and reason.isascii() and reason.isprintable() else None


async def relay(request: web.Request, opened: OpenedAnswer, sizes: Sizes) -> Relayed:
    """Pass the answer of an opened exchange on. Raises BackendError while the caller has got nothing yet."""
    stream: web.StreamResponse | None = None
    try:
        async with opened as answer:
            if (answer.content_length or 0) > sizes.most:
                raise _too_large(sizes.most)
            first, whole = await _first(answer, sizes.buffer)
            headers = _end_to_end(answer.headers)
            reason = _reason(answer.reason)
            if whole:
                body = web.Response(status=answer.status, reason=reason, headers=headers, body=first)
                return Relayed(body)
            stream = web.StreamResponse(status=answer.status, reason=reason, headers=headers)
            stream.content_length = answer.content_length
            await _stream(request, stream, answer, first, sizes.most)
    except BackendError as fault:
        if stream is None:
            raise
        return _cut(request, stream, fault.reason)
    except _CallerGone:
        assert stream is not None
        return _cut(request, stream, "caller-gone")
    return Relayed(stream)


async def _first(answer: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """The beginning of an answer, a little more than `most` bytes at least, and whether that is all."""
    parts: list[bytes] = []
    size = 0
    async for part in answer.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            return b"".join(parts), False
    return b"".join(parts), True


async def _stream(
    request: web.Request, stream: web.StreamResponse, answer: aiohttp.ClientResponse, first: bytes, most: int
) -> None:
    size = len(first)
    await _to_caller(stream.prepare(request))
    await _to_caller(stream.write(first))
    async for part in answer.content.iter_any():
        size += len(part)
        if size > most:
            raise _too_large(most)
        await _to_caller(stream.write(part))
    await _to_caller(stream.write_eof())


async def _to_caller(writing: Awaitable[object]) -> None:
    try:
        await writing
    except OSError:
        raise _CallerGone from None


def _cut(request: web.Request, stream: web.StreamResponse, why: str) -> Relayed:
    """Reset the connection in the midst of the answer: by a plain end, HTTP/1.0 would take it for whole."""
    transport = request.transport
    if transport is not None:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    return Relayed(stream, why)


def _too_large(most: int) -> BackendError:
    return BackendError(
        "answer-too-large", f"The v3 backend answered with more than {most} bytes: ask for less at once."
    )
