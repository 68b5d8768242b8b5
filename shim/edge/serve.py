"""Serving: listeners, guards, signals, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import signal
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from aiohttp import web

from shim.edge.app import Application, open_application
from shim.edge.config import Config
from shim.edge.guard import Connections, Guard

log = structlog.get_logger()

Reload = Callable[[], Config]


class Server:
    """One application on its listeners. `addresses` says where, once it is up."""

    def __init__(self, application: Application) -> None:
        self.application = application
        listen = application.config.listen
        self._connections = Connections(
            listen.max_connections, listen.max_connections_per_address, listen.header_timeout
        )
        self._runners: list[web.AppRunner] = []
        self._servers: list[asyncio.Server] = []
        self.addresses: dict[str, tuple[str, int]] = {}

    async def start(self) -> None:
        """Open all listeners. Raises OSError when an address is taken."""
        config = self.application.config
        listen = config.listen
        public = await self._runner(self.application.routes(), listen.keepalive_timeout)
        await self._listen("http", public, listen.host, listen.port)
        if listen.tls_cert is not None and listen.tls_key is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(listen.tls_cert, listen.tls_key)
            await self._listen("https", public, listen.host, listen.tls_port, tls)
        admin = await self._runner(self.application.admin_routes(), 75.0)
        await self._listen("admin", admin, config.admin.host, config.admin.port)

    async def _runner(self, app: web.Application, keepalive: float) -> web.AppRunner:
        runner = web.AppRunner(
            app, access_log=None, keepalive_timeout=keepalive, auto_decompress=False, handle_signals=False
        )
        await runner.setup()
        self._runners.append(runner)
        return runner

    async def _listen(
        self, name: str, runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        handler = runner.server
        assert handler is not None
        server = await asyncio.get_running_loop().create_server(
            lambda: Guard(handler(), self._connections), host, port, ssl=tls, backlog=512
        )
        self._servers.append(server)
        bound = server.sockets[0].getsockname()
        self.addresses[name] = (bound[0], bound[1])
        log.info("listening", name=name, host=bound[0], port=bound[1])

    async def stop(self, patience: float) -> None:
        """Stop accepting, let calls under way end for `patience` seconds, then close."""
        self.application.ready = False
        for server in self._servers:
            server.close()
        for runner in self._runners:
            if runner.server is not None:
                with suppress(TimeoutError):
                    async with asyncio.timeout(patience):
                        await runner.server.shutdown(patience)
            await runner.cleanup()


async def serve(
    config: Config,
    *,
    reload: Reload | None = None,
    started: Callable[[Server], Awaitable[None]] | None = None,
    drain: float = 10.0,
) -> None:
    """Serve until SIGTERM or SIGINT. SIGHUP calls `reload` and takes over what may change.

    On SIGTERM readiness goes 503 first and `drain` seconds pass, so that a balancer sends no more calls.
    """
    loop = asyncio.get_running_loop()
    ending: asyncio.Queue[signal.Signals] = asyncio.Queue()
    async with open_application(config) as application:
        server = Server(application)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.put_nowait, number)
        if reload is not None:
            loop.add_signal_handler(signal.SIGHUP, _reload, application, reload)
        try:
            await server.start()
            if started is not None:
                await started(server)
            number = await ending.get()
            log.info("stopping", signal=number.name)
            application.ready = False
            if number is signal.SIGTERM:
                with suppress(TimeoutError):  # a second signal ends the waiting
                    await asyncio.wait_for(ending.get(), drain)
        finally:
            await server.stop(patience=60.0)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
    log.info("stopped")


def _reload(application: Application, reload: Reload) -> None:
    try:
        application.reconfigure(reload())
    except Exception as error:  # noqa: BLE001  # a bad file must not stop what runs with the good one
        log.error("configuration not reread: the old one stays", problem=str(error))
    else:
        log.info("configuration reread", integrations=len(application.config.integrations))
