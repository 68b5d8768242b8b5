"""Deadlines and counts for connections, which aiohttp leaves open without end while headers trickle in.

A `Guard` stands between the transport and aiohttp's protocol. It closes a connection whose headers are not
complete in time, and one whose client does not read its answer. Over the limits, and when file descriptors run
out, the connection that has been idle longest goes; only where none is idle, the new one is refused. The
request handler tells when headers are in.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

from aiohttp import web
from aiohttp.typedefs import Handler

from shim.edge.http.descriptors import is_among_the_last
from shim.edge.http.tcp import acknowledged
from shim.edge.telemetry.sums import Sums

IDLE = 1.0
"""Seconds after which a connection counts as idle: its answer has been written by then."""
LEAST_READ = 16384
"""Bytes that a client has to read of an answer in `listen.answer_timeout`, unless less is left."""


@dataclass(slots=True)
class Connections:
    """Who is connected. `most` over all, `most_each` an address; `headers` and `handshake` in seconds.

    The bound for an address does not hold for `proxies`: all callers behind one have its address.
    """

    most: int
    most_each: int
    headers: float
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    handshake: float = 10.0
    open: Counter[str] = field(default_factory=Counter)
    transports: set[asyncio.BaseTransport] = field(default_factory=set)
    new: set[asyncio.BaseTransport] = field(default_factory=set)
    """Those on which no request has come yet, because of their TLS handshake perhaps."""
    guards: set[Guard] = field(default_factory=set)
    idle: OrderedDict[Guard, float] = field(default_factory=OrderedDict)
    """Those whose last request is done and whose next has not begun, since when, the longest first."""
    refused: Sums = field(default_factory=lambda: Sums("connection refused"))
    closed: Sums = field(default_factory=lambda: Sums("connection closed"))

    @property
    def sums(self) -> tuple[Sums, ...]:
        """Tell the sums that are left when the listener ends."""
        return self.refused, self.closed

    @property
    def count(self) -> int:
        return len(self.transports)

    def refusal(self, owner: str, descriptor: int | None) -> str | None:
        """Why there is no room for another connection of `owner`; an idle one goes where that makes room."""
        if self.too_many(owner):
            whose = None if self.count >= self.most else owner
            if not self._one_leaves("idle-made-room", whose) or self.too_many(owner):
                return "too-many-connections"
        short = descriptor is not None and is_among_the_last(descriptor)
        if short and not self.shed(1) and is_among_the_last(descriptor or 0, 2):
            return "no-descriptors"
        return None

    def shed(self, many: int) -> int:
        """Close so many of those that have been idle longest, for their descriptors; how many there were."""
        return sum(1 for _ in range(many) if self._one_leaves("no-descriptors"))

    def _one_leaves(self, reason: str, owner: str | None = None) -> bool:
        """The one that has been idle longest, of all or of `owner`, goes; False when none is idle for long."""
        now = asyncio.get_running_loop().time()
        oldest = next((each for each in self.idle if owner is None or each.owner == owner), None)
        if oldest is None or now - self.idle[oldest] < IDLE or oldest.has_unread():
            return False
        oldest.leave()
        self.closed.add(reason, open=self.count)
        return True

    def unread(self) -> None:
        """Close connections whose client has read too little of its answers since this was asked last."""
        for guard in list(self.guards):
            guard.look_for_progress()

    def too_many(self, owner: str) -> bool:
        """True if another connection of `owner`, as `owner_of` has it, is one too many."""
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
        self.owner = ""
        self._unread = 0
        self._acknowledged: int | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False
        self._counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self.arrive(transport):
            return
        self._connections.guards.add(self)
        self._inner.connection_made(transport)
        self._start()

    @property
    def handshake_seconds(self) -> float:
        """How long a TLS handshake may take."""
        return self._connections.handshake

    def arrive(self, transport: asyncio.BaseTransport) -> bool:
        """Count a connection: when it is accepted, and in place of that when its TLS handshake is done.

        False when there is no room for it: then it is ended.
        """
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "abort")
        before, self._transport = self._transport, transport  # type: ignore[assignment]  # uvloop's have other bases
        if self._counted:
            for those in (self._connections.transports, self._connections.new):
                those.discard(before)
                those.add(transport)
            return True
        peer = transport.get_extra_info("peername")
        self.owner = owner_of(peer[0]) if peer else ""
        connections = self._connections
        plain = transport.get_extra_info("socket")
        why = connections.refusal(self.owner, plain.fileno() if plain is not None else None)
        if why is not None:
            connections.refused.add(why, open=connections.count)
            self._transport.abort()  # type: ignore[union-attr]
            return False
        self._counted = True
        connections.open[self.owner] += 1
        connections.transports.add(transport)
        connections.new.add(transport)
        return True

    def depart(self, late_peer: str | None = None) -> None:
        """Its TLS handshake came to nothing; `late_peer` is whose took too long."""
        self._uncount()
        if late_peer is not None:
            self._connections.closed.add("slow-handshake", peer=late_peer)

    def data_received(self, data: bytes) -> None:
        if not self._counted:
            return
        if self._timer is None and not self._busy:
            self._connections.idle.pop(self, None)
            self._start()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._counted else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        if self._counted:
            self._uncount()
            self._connections.guards.discard(self)
            self._inner.connection_lost(exc)

    def leave(self) -> None:
        """Close the connection, which is idle; it counts no more from now on."""
        self._uncount()
        if self._transport is not None:
            self._transport.close()

    def _uncount(self) -> None:
        connections = self._connections
        if self._transport not in connections.transports:
            return
        connections.transports.discard(self._transport)
        connections.new.discard(self._transport)
        connections.idle.pop(self, None)
        connections.open[self.owner] -= 1
        if not connections.open[self.owner]:
            del connections.open[self.owner]

    def has_unread(self) -> bool:
        """True if the client has not read all that was written for it."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def look_for_progress(self) -> None:
        """Close the connection when its client has read next to nothing of what waits since the last look."""
        if self._transport is None:
            return
        before, self._unread = self._unread, self._transport.get_write_buffer_size()
        acknowledged_before, self._acknowledged = (
            self._acknowledged,
            acknowledged(self._transport) if self._unread else None,
        )
        if not before or not self._unread:
            return
        known = acknowledged_before is not None and self._acknowledged is not None
        read = self._acknowledged - acknowledged_before if known else before - self._unread  # type: ignore[operator]
        if read < LEAST_READ:
            self._connections.closed.add("slow-reader", unread=self._unread)
            self._transport.abort()

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
        if self._transport in self._connections.transports:
            self._connections.idle[self] = asyncio.get_running_loop().time()
            self._connections.idle.move_to_end(self)

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
