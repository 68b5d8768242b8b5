"""The arrival of an answer: what is done for an equal call depends on it (docs/journal.md)."""

from __future__ import annotations

import asyncio

from aiohttp import web

from shim.edge.http.connection import Connection
from shim.edge.http.tcp import silent, untaken

_PATIENCE = 2.0
"""Seconds for the system of a client that closed its side to take the answer: some round trips."""
_TOGETHER = 0.5
"""Seconds after a request within which a client that closes its side only has nothing more to send."""


async def arrived(request: web.Request, response: web.StreamResponse) -> bool:
    """Send a response; True if its client was there for it.

    One that has gone, for a timeout of its own perhaps, and one that has only nothing more to send look alike
    until something is sent to them: the system of the first refuses it then, that of the second takes it.
    """
    try:
        await response.prepare(request)
        await response.write_eof()
    except OSError:
        return False
    transport, protocol = request.transport, request.protocol
    if transport is None or transport.is_closing():
        return False
    if not isinstance(protocol, Connection) or protocol.left_at is None:
        return True
    return await _taken(transport)


def has_left(request: web.Request, received: float) -> bool:
    """True if the client has closed the connection since, and gave up waiting by that.

    `received` is when the request was read as a whole, by the clock of the event loop; where the system says
    when its last byte came, that counts, for a process that was stopped reads it later. A client that closes
    its side right behind the request has nothing more to send, or wants no answer, as old scripts do that must
    not wait: both want the call to be made.
    """
    protocol = request.protocol
    if not isinstance(protocol, Connection) or protocol.left_at is None:
        return False
    since_last_byte = silent(request.transport)
    if since_last_byte is not None:
        received = min(received, asyncio.get_running_loop().time() - since_last_byte)
    return protocol.left_at - received > _TOGETHER


async def _taken(transport: asyncio.Transport) -> bool:
    """True once the client has all that was written; False if not in time, or where no system says so."""
    clock = asyncio.get_running_loop().time
    until, pause = clock() + _PATIENCE, 0.001
    while not transport.is_closing():
        waits = transport.get_write_buffer_size() or untaken(transport)
        if waits is None or not waits:
            return waits is not None
        if clock() > until:
            return False
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.05)
    return False
