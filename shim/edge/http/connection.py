"""How a connection speaks HTTP: by aiohttp's protocol, without its name, and with a page of ours for errors."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http import SERVER_SOFTWARE, RawRequestMessage
from aiohttp.web_protocol import RequestHandler

from shim.edge.telemetry.sums import Sums

log = structlog.get_logger()


class _Nameless(web.Response):
    """A response outside of any application, without the header that names our HTTP library."""

    async def _prepare_headers(self) -> None:
        await super()._prepare_headers()
        nameless(self)


async def without_server_header(request: web.Request, response: web.StreamResponse) -> None:
    """The same as a signal of an application."""
    nameless(response)


def nameless(response: web.StreamResponse) -> None:
    """Take off the header in which our HTTP library names itself and its version; the backend's stays."""
    if response.headers.get("Server") == SERVER_SOFTWARE:
        del response.headers["Server"]


class Connection(RequestHandler):
    """aiohttp's protocol with a page of ours for what is no HTTP: the stock one repeats what came in."""

    _newest: Any = None
    """The body of the request that came last."""
    bad: Sums
    """Where what is no HTTP is told."""
    left_at: float | None = None
    """When the client closed its side, for good or that side only, by the clock of the event loop."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._messages and isinstance(self._messages[-1][0], RawRequestMessage):
            self._newest = self._messages[-1][1]

    def eof_received(self) -> bool | None:  # type: ignore[override]  # as asyncio has it
        """A caller that has nothing more to send still gets its answers; over TLS there are no halves."""
        idle = self._waiter is not None and not self._waiter.done()
        if idle or self._newest is None or not self._newest.is_eof():
            return None
        if self.transport is None or self.transport.get_extra_info("sslcontext") is not None:
            return None
        self.left_at = asyncio.get_running_loop().time()
        self.close()
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        if self.left_at is None:
            self.left_at = asyncio.get_running_loop().time()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            log.error("internal error", path=request.path, exc_info=exc)
        else:
            self.bad.add(type(exc).__name__, status=status)
        response = _Nameless(status=status, text=_NOT_HTTP)
        response.force_close()
        return response


_NOT_HTTP = (
    "This is not a request that is served here: send HTTP/1.1 or HTTP/1.0, with headers within bounds.\n"
)
