"""TLS of the public listener: which versions and ciphers it takes, and a log line where a handshake fails.

A handshake is begun by hand on the accepted connection, so that its peer is known when it fails: event loops
end such connections in silence.
"""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any

import structlog

from shim.edge.http.client_hello import offered
from shim.edge.http.guard import Guard
from shim.edge.settings.model import Listen

log = structlog.get_logger()

OLD_CIPHERS = "ALL:!aNULL:!eNULL:@SECLEVEL=0"
"""Taken with TLS 1.0 and 1.1 unless `listen.tls_ciphers` says otherwise: those have none at a higher level."""

_MINIMUM = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2}
_MOST_KEPT = 16384
_UNFAMILIAR = {
    "UNSUPPORTED_PROTOCOL": "it offers no version that listen.tls_minimum allows",
    "VERSION_TOO_LOW": "it offers no version that listen.tls_minimum allows",
    "NO_SHARED_CIPHER": "it offers no cipher that is allowed: see listen.tls_ciphers",
    "HTTP_REQUEST": "it speaks plain HTTP on the TLS port",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust the certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not trust the certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not trust the certificate",
}


class HandshakeFailed(ssl.SSLError):
    """A handshake that OpenSSL ended, and what the client had sent by then."""

    def __init__(self, error: ssl.SSLError, heard: bytes) -> None:
        super().__init__(*error.args)
        self.why = error.reason or ""
        self.heard = heard


class _Hearing(ssl.SSLObject):
    """One side of a connection that keeps what came before the handshake was done."""

    incoming: ssl.MemoryBIO
    heard: bytes = b""

    def do_handshake(self) -> None:
        if len(self.heard) < _MOST_KEPT and self.incoming.pending:
            waiting = self.incoming.read()
            self.incoming.write(waiting)
            self.heard += waiting
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            raise HandshakeFailed(error, self.heard) from error
        self.heard = b""


class Context(ssl.SSLContext):
    """A context whose connections remember the client's first message until they are established."""

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *how: Any, **more: Any
    ) -> ssl.SSLObject:
        connection = super().wrap_bio(incoming, outgoing, *how, **more)
        if isinstance(connection, _Hearing):
            connection.incoming = incoming
        return connection


def context_of(listen: Listen) -> Context:
    """An empty context with the versions and ciphers of the settings. Raises ssl.SSLError for bad ciphers."""
    context = Context(ssl.PROTOCOL_TLS_SERVER)
    context.sslobject_class = _Hearing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # allowing an old version is the point of it
        context.minimum_version = _MINIMUM[listen.tls_minimum]
    ciphers = listen.tls_ciphers or (OLD_CIPHERS if listen.tls_minimum != "1.2" else None)
    if ciphers is not None:
        context.set_ciphers(ciphers)
    return context


class _Begun:
    """A coroutine whose first step was made; awaiting it goes on from there."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        self._first = coroutine.send(None)

    def __await__(self) -> Generator[Any, Any, Any]:
        waited = self._first
        while True:
            try:
                yield waited
            except BaseException as error:  # noqa: BLE001  # it is the coroutine's to handle
                step = partial(self._coroutine.throw, error)
            else:
                step = partial(self._coroutine.send, None)
            try:
                waited = step()
            except StopIteration as ended:
                return ended.value


class Arrival(asyncio.Protocol):
    """A connection whose handshake is under way; the guard counts it from the start, bounds the handshake, and
    gets the connection, with what came early, once it is secured."""

    def __init__(self, guard: Guard, context: ssl.SSLContext) -> None:
        self._guard = guard
        self._context = context
        self._raw = bytearray()
        """The bytes that came before the handshake took over: uvloop reads on, though it was told to pause."""
        self._secured = False
        self._early: list[bytes] = []
        self._eof = False
        self._lost = False
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._secured:
            self._secured = True
            if not self._guard.arrive(transport):
                return
            transport.pause_reading()  # type: ignore[attr-defined]
            self._task = asyncio.get_running_loop().create_task(self._secure(transport))

    def data_received(self, data: bytes) -> None:
        if self._took_over:
            self._early.append(data)
        else:
            self._raw += data

    def eof_received(self) -> bool | None:
        self._eof = True
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True

    _took_over = False

    async def _secure(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        address, late = peer[0] if peer else "", False
        secured = None
        try:
            if not self._lost and not self._eof:
                secured = await self._handshake(transport)
        except (OSError, asyncio.CancelledError) as error:
            late = isinstance(error, ConnectionAbortedError)
            _failed(error, address)
        finally:
            if secured is None or self._lost:
                self._guard.depart(address if late else None)
                transport.abort()  # type: ignore[attr-defined]
            else:
                self._hand_over(secured)

    async def _handshake(self, transport: asyncio.BaseTransport) -> asyncio.Transport | None:
        """The secured connection. Raises OSError when it does not come to be."""
        loop = asyncio.get_running_loop()
        begun = _Begun(
            loop.start_tls(
                transport,  # type: ignore[arg-type]  # uvloop's transports have other bases
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._guard.handshake_seconds,
            )
        )
        self._took_over = True
        loop.call_soon(_feed, transport, bytes(self._raw))
        secured: asyncio.Transport | None = await begun
        return secured

    def _hand_over(self, secured: asyncio.Transport) -> None:
        secured.set_protocol(self._guard)
        self._guard.connection_made(secured)
        for data in self._early:
            self._guard.data_received(data)
        if self._eof:
            self._guard.eof_received()


def _feed(transport: asyncio.BaseTransport, data: bytes) -> None:
    """Give the handshake what came before it began. It runs right after the loop's own first callbacks."""
    handshake: Any = transport.get_protocol()
    while data:
        room = handshake.get_buffer(len(data))
        taken = min(len(room), len(data))
        room[:taken] = data[:taken]
        handshake.buffer_updated(taken)
        data = data[taken:]


def _failed(error: BaseException, peer: str) -> None:
    """Log a handshake that OpenSSL ended, not those that nothing was sent for (probes)."""
    if isinstance(error, HandshakeFailed):
        offer = offered(error.heard)
        log.warning(
            "tls handshake failed",
            peer=peer,
            reason=error.why,
            meaning=_UNFAMILIAR.get(error.why, offer.problem),
            versions=list(offer.versions),
            ciphers=list(offer.ciphers),
        )


def arriving(make: Callable[[], Guard], context: ssl.SSLContext) -> Callable[[], asyncio.Protocol]:
    """A factory of protocols for plain connections that are to be secured first."""
    return lambda: Arrival(make(), context)
