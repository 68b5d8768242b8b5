"""Deadlines and counts for connections, which aiohttp leaves open without end while headers trickle in.

A `Guard` stands between the transport and aiohttp's protocol. It closes a connection whose headers are not
complete in time, and refuses connections over the limits. The request handler tells it when headers are in.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web
from aiohttp.typedefs import Handler

from shim.edge.sums import Sums


@dataclass(slots=True)
class Connections:
    """Who is connected. `most` over all, `most_each` an address; `headers` in seconds.

    The bound for an address does not hold for `proxies`: all callers behind one have its address.
    """

    most: int
    most_each: int
    headers: float
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    open: Counter[str] = field(default_factory=Counter)
    transports: set[asyncio.BaseTransport] = field(default_factory=set)
    new: set[asyncio.BaseTransport] = field(default_factory=set)
    """Those on which no request has come yet."""
    refused: Sums = field(default_factory=lambda: Sums("connection refused"))
    closed: Sums = field(default_factory=lambda: Sums("connection closed"))

    @property
    def sums(self) -> tuple[Sums, ...]:
        """What is still to be told when the listener ends."""
        return self.refused, self.closed

    @property
    def count(self) -> int:
        return len(self.transports)

    def too_many(self, owner: str) -> bool:
        """Whether another connection of `owner`, as `owner_of` has it, is one too many."""
        if self.count >= self.most:
            return True
        return self.open[owner] >= self.most_each and not self._is_proxy(owner)

    def _is_proxy(self, owner: str) -> bool:
        network = ip_network(owner) if owner else None
        return network is not None and any(network.overlaps(each) for each in self.proxies)


def owner_of(address: str) -> str:
    """By what connections of an address are counted: itself, or its /64 with IPv6, which one caller has whole.

    An IPv4 address that is mapped into IPv6 is the IPv4 address; a text that is no address has no owner.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ip) if ip.is_loopback else str(IPv6Network((ip, 64), strict=False))


class Guard(asyncio.Protocol):
    """Wraps the protocol of one connection."""

    def __init__(self, inner: asyncio.Protocol, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        self._address = ""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "abort")
        self._transport = transport  # type: ignore[assignment]  # uvloop's transports have other bases
        peer = transport.get_extra_info("peername")
        self._address = owner_of(peer[0]) if peer else ""
        connections = self._connections
        if connections.too_many(self._address):
            connections.refused.add("too-many-connections", open=connections.count)
            self._transport.abort()  # type: ignore[union-attr]
            return
        self._counted = True
        connections.open[self._address] += 1
        connections.transports.add(transport)
        connections.new.add(transport)
        self._inner.connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        if not self._counted:
            return
        if self._timer is None and not self._busy:
            self._start()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._counted else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        if self._counted:
            self._connections.open[self._address] -= 1
            if not self._connections.open[self._address]:
                del self._connections.open[self._address]
            self._connections.transports.discard(self._transport)
            self._connections.new.discard(self._transport)
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def request_started(self) -> None:
        """The headers of a request are complete."""
        self._busy = True
        self._connections.new.discard(self._transport)
        self._stop()

    def request_done(self) -> None:
        self._busy = False

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._connections.headers, self._too_slow)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        self._connections.closed.add("slow-headers")
        if self._transport is not None:
            self._transport.abort()


def guard_of(transport: asyncio.BaseTransport | None) -> Guard | None:
    """The guard of a request's connection; None where there is none, as in tests."""
    protocol = transport.get_protocol() if isinstance(transport, asyncio.Transport) else None
    if protocol is None and transport is not None and hasattr(transport, "get_protocol"):
        protocol = transport.get_protocol()
    return protocol if isinstance(protocol, Guard) else None


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tells the guard of a connection that headers are in, and when the request is done."""
    guard = guard_of(request.transport)
    if guard:
        guard.request_started()
    try:
        return await handler(request)
    finally:
        if guard:
            guard.request_done()
