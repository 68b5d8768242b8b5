"""Serving: listeners, guards, signals, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib.metadata import version
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http_parser import HttpRequestParser, HttpRequestParserPy

from shim.core.errors import StoreError
from shim.edge import memory
from shim.edge.app import AddedRoutes, Application, open_application
from shim.edge.http.connection import Connection, without_server_header
from shim.edge.http.descriptors import ADMIN, descriptors_needed, missing, raise_limit, room
from shim.edge.http.guard import Connections, Guard
from shim.edge.http.tls import arriving, context_of
from shim.edge.reload import Reload, live_only
from shim.edge.settings.load import Config, ConfigError, SettingProblem
from shim.edge.settings.model import Listen
from shim.edge.store.audit import SHIM, record
from shim.edge.supervisor import Notifier, SocketsError
from shim.edge.telemetry.sums import Sums
from shim.edge.workers.member import one_of_several
from shim.edge.workers.place import Worker

log = structlog.get_logger()

Rereading = Callable[[], Config]

Sockets = Mapping[str, Sequence[socket.socket]]
"""Listening sockets that a service manager opened, by the name of the listener."""

PATIENCE = 45.0
"""Seconds that calls under way have once nothing more is accepted. What lasts longer is cut off; if it was
journalled, recovery ends it.

With `shim.edge.app.CLOSING` for each of three parts and twice `deprecation.patience` for the log, the whole end
takes no more than 75 seconds.
"""

LOOK = 1.0
"""Seconds between two looks at how many file descriptors are left."""
FIRST_REQUEST = 2.0
"""Seconds that connections accepted just before the end have for their first request."""
_BRIEFLY = 2.0
"""Seconds that a busy store is waited for to note a change."""


class Server:
    """One application on its listeners. `addresses` says where, once it is up.

    `patience` is how long stopping waits for calls under way, seconds; `extend` adds to the admin listener;
    `sockets` are listened on in place of the configured addresses.
    """

    def __init__(
        self,
        application: Application,
        patience: float = PATIENCE,
        extend: AddedRoutes | None = None,
        sockets: Sockets | None = None,
    ) -> None:
        self.application = application
        self._extend = extend
        self._sockets = sockets or {}
        self._patience = patience
        listen = application.config.listen
        self._connections = self._counted(
            self._room(application.config), listen.max_connections_per_address, listen.trusted_proxies
        )
        self._admin = self._counted(ADMIN, ADMIN)
        self._bad = Sums("bad http")
        self._runners: list[web.AppRunner] = []
        self._servers: list[asyncio.Server] = []
        self._tls: ssl.SSLContext | None = None
        self._admin_tls: ssl.SSLContext | None = None
        self._notes: set[asyncio.Task[None]] = set()
        self._watching: list[asyncio.Task[None]] = []
        self.addresses: dict[str, tuple[str, int]] = {}

    async def start(self) -> None:
        """Open all listeners.

        Raises OSError when an address is taken, SocketsError when a socket for HTTPS has no certificate.
        """
        config = self.application.config
        listen = config.listen
        if "https" in self._sockets and not listen.tls:
            raise SocketsError("a socket was handed over for https: set listen.tls_cert and listen.tls_key")
        public = await self._runner(self.application.routes())
        await self._listen("http", public, listen.host, listen.port)
        if listen.tls_cert is not None and listen.tls_key is not None:
            self._tls = _tls(config)
            await self._listen("https", public, listen.host, listen.tls_port, self._tls)
        admin = await self._runner(self.application.admin_routes(self._extend))
        watching = self._watch_readers(), self._watch_descriptors()
        self._watching = [asyncio.create_task(each) for each in watching]
        if self.application.worker is not None and not self.application.worker.has_admin:
            return
        self._admin_tls = _admin_tls(config)
        await self._listen("admin", admin, config.admin.host, config.admin.port, self._admin_tls)

    def _counted(
        self, most: int, most_each: int, proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    ) -> Connections:
        """The connections of a listener, with what is counted of them."""
        listen, metrics = self.application.config.listen, self.application.metrics
        return Connections(
            most,
            most_each,
            listen.header_timeout,
            proxies,
            listen.handshake_timeout,
            refused=Sums("connection refused", count=partial(metrics.count, metrics.refused)),
            closed=Sums("connection closed", count=partial(metrics.count, metrics.closed)),
        )

    @staticmethod
    def _room(config: Config) -> int:
        """Connections of callers that there are descriptors for."""
        descriptors = raise_limit(config)
        most = room(config, descriptors)
        if most < config.listen.max_connections:
            log.warning(
                "fewer connections than configured",
                most=most,
                max_connections=config.listen.max_connections,
                descriptors=descriptors,
                wanted=descriptors_needed(config),
            )
        return most

    async def _watch_readers(self) -> None:
        """Look after clients that do not read what they are answered."""
        while True:
            await asyncio.sleep(self.application.config.listen.answer_timeout)
            self._connections.unread()
            self._admin.unread()

    async def _watch_descriptors(self) -> None:
        """Give idle connections up when file descriptors run out, callers' first, whatever uses them.

        The event loop itself would go on accepting connections only to close them unheard.
        """
        while True:
            await asyncio.sleep(LOOK)
            lacking = missing()
            self._admin.shed(lacking - self._connections.shed(lacking))

    async def _runner(self, app: web.Application) -> web.AppRunner:
        app.on_response_prepare.append(without_server_header)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=self._patience / 2)
        await runner.setup()
        assert runner.server is not None
        runner.server.request_handler = self.application.straight(app, runner.server.request_handler)
        self._runners.append(runner)
        return runner

    async def _listen(
        self, name: str, runner: web.AppRunner, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        manager = runner.server
        assert manager is not None
        connections = self._admin if name == "admin" else self._connections

        def guard() -> Guard:
            connection = Connection(manager, loop=loop, **self._http)
            connection.bad = self._bad
            return Guard(connection, connections)

        factory = arriving(guard, tls) if tls else guard
        handed = self._sockets.get(name, ())
        if handed:
            servers = [await loop.create_server(factory, sock=each, backlog=512) for each in handed]
        else:
            servers = [await loop.create_server(factory, host, port, backlog=512)]
        self._servers += servers
        bound = servers[0].sockets[0].getsockname()
        self.addresses[name] = (bound[0], bound[1])
        log.info("listening", name=name, host=bound[0], port=bound[1], handed_over=bool(handed))

    @property
    def _http(self) -> dict[str, Any]:
        """How a connection reads HTTP: the limits, and no decompression behind our back."""
        limits = self.application.config.limits
        return {
            "keepalive_timeout": self.application.config.listen.keepalive_timeout,
            "access_log": None,
            "max_line_size": limits.line,
            "max_field_size": limits.header,
            "max_headers": limits.headers,
            "auto_decompress": False,
        }

    def reconfigure(self, config: Config) -> Reload:
        """Take a configuration over as far as it may change while the shim runs; how that went.

        Raises ConfigError, and changes nothing, when anything in it cannot be meant.
        """
        application = self.application
        application.judge(config)
        chain = _tls(config) if self._tls and config.listen.tls else None
        admin_chain = _admin_tls(config)
        changed, restart = live_only(config, application.config)
        if chain is not None and self._tls is not None:
            self._tls.load_cert_chain(str(config.listen.tls_cert), str(config.listen.tls_key))
        if admin_chain is not None and self._admin_tls is not None:
            self._admin_tls.load_cert_chain(str(config.admin.tls_cert), str(config.admin.tls_key))
        listen = config.listen
        self._connections.most = self._room(config)
        self._connections.most_each = listen.max_connections_per_address
        for each in (self._connections, self._admin):
            each.headers, each.handshake = listen.header_timeout, listen.handshake_timeout
        application.reconfigure(config)
        return Reload(application.reload.number + 1, time.time(), changed, restart)

    async def record(self, action: str, detail: str) -> None:
        """Put a change into the audit log; a store that is away keeps nothing from going on."""
        try:
            await record(
                self.application.store.within(_BRIEFLY),
                SHIM,
                action,
                f"{socket.gethostname()} {os.getpid()}",
                detail,
            )
        except StoreError as error:
            log.warning("audit log not written", action=action, reason=error.reason)

    def note(self, action: str, detail: str) -> None:
        """The same from where nothing can be waited for."""
        task = asyncio.create_task(self.record(action, detail))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def stop(self) -> None:
        """Stop accepting, let calls under way end within the patience, then cut them off.

        A connection that was accepted just before has its first request read: its caller cannot know.
        """
        self.application.ready = False
        for task in self._watching:
            task.cancel()
        for server in self._servers:
            server.close()
        await self._first_requests()
        await asyncio.gather(*(runner.cleanup() for runner in self._runners), *self._notes)
        for each in (self._bad, *(sums for part in (self._connections, self._admin) for sums in part.sums)):
            each.close()

    async def _first_requests(self) -> None:
        """Wait until a request has come on every connection, within `FIRST_REQUEST`."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while loop.time() - began < FIRST_REQUEST:
            await asyncio.sleep(0.01)
            if not self._connections.new:
                return


async def serve(
    config: Config,
    *,
    reload: Rereading | None = None,
    started: Callable[[Server], Awaitable[None]] | None = None,
    extend: AddedRoutes | None = None,
    sockets: Sockets | None = None,
    notifier: Notifier | None = None,
    new_store: bool = False,
    worker: Worker | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. SIGHUP calls `reload` and takes over what may change. `extend` adds to
    the admin listener; `sockets` were opened by a service manager, which `notifier` tells of our state.

    On SIGTERM readiness goes 503 first and `listen.drain` seconds pass, so that a balancer sends no more calls;
    answers meanwhile ask callers to open a new connection for the next call.
    `new_store` is passed on to `open_application`. `worker` says which of several processes this is: it ends
    with its parent, and tells its metrics to the first one.
    """
    if HttpRequestParser is HttpRequestParserPy:
        raise RuntimeError("aiohttp runs without its C parser, which the limits rely on: install its wheel")
    loop = asyncio.get_running_loop()
    ending: asyncio.Queue[signal.Signals] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        application = await stack.enter_async_context(open_application(config, new_store=new_store))
        if worker is not None:
            await stack.enter_async_context(one_of_several(worker, application))
        notifier = notifier or Notifier({})
        server = Server(application, extend=extend, sockets=sockets)
        memory.when_it_stands()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ending.put_nowait, number)
        if reload is not None:
            loop.add_signal_handler(signal.SIGHUP, _reload, server, reload, notifier)
        try:
            await server.start()
            await server.record("started", version("systemapi-shim"))
            if started is not None:
                await started(server)
            notifier.ready()
            if worker is not None:
                worker.tell_ready()
            number = await ending.get()
            log.info("stopping", signal=number.name)
            notifier.stopping()
            application.ready = False
            if number is signal.SIGTERM:
                with suppress(TimeoutError):  # a second signal ends the waiting
                    await asyncio.wait_for(ending.get(), application.config.listen.drain)
        finally:
            await server.stop()
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
    log.info("stopped")


def _reload(server: Server, reload: Rereading, notifier: Notifier) -> None:
    """Reread the configuration and take over what may change; a bad one leaves everything as it is."""
    application = server.application
    notifier.reloading()
    try:
        done = server.reconfigure(reload())
    except Exception as error:  # noqa: BLE001  # a bad file must not stop what runs with the good one
        problems = tuple(map(str, error.problems)) if isinstance(error, ConfigError) else (str(error),)
        done = Reload(application.reload.number + 1, time.time(), problems=problems)
        log.error("configuration not reread: the old one stays", problem="\n".join(problems))
    else:
        about = {"changed": done.changed, "needs_restart": done.restart}
        log.info("configuration reread", integrations=len(application.config.integrations), **about)
    finally:
        notifier.ready()
    application.reload = done
    changed = ", ".join(done.changed) or "nothing had changed"
    server.note("configuration refused" if done.problems else "configuration taken over", changed)
    application.metrics.config_read(done.at, worked=not done.problems)


def _tls(config: Config) -> ssl.SSLContext:
    """The certificate chain and key of the public listener. Raises ConfigError when they cannot be used."""
    try:
        context = context_of(config.listen)
    except ssl.SSLError as error:
        what, fix = "OpenSSL knows none of these", "Give a cipher list of OpenSSL, such as HIGH:!aNULL"
        raise ConfigError([SettingProblem("listen.tls_ciphers", what, None, fix)]) from error
    _load(context, config.listen.tls_cert, config.listen.tls_key, "listen")
    return context


def _admin_tls(config: Config) -> ssl.SSLContext | None:
    """The same for the admin listener, whose clients are of today; None where it speaks plain HTTP."""
    if config.admin.tls_cert is None:
        return None
    context = context_of(Listen())
    _load(context, config.admin.tls_cert, config.admin.tls_key, "admin")
    return context


def _load(context: ssl.SSLContext, certificate: Path | None, key: Path | None, section: str) -> None:
    try:
        context.load_cert_chain(str(certificate), str(key), password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        what = "they cannot be read, or do not belong together"
        fix = "Give a PEM file with the chain, its own certificate first, and one with its key, unencrypted"
        raise ConfigError(
            [SettingProblem(f"{section}.tls_cert, {section}.tls_key", what, None, fix)]
        ) from error
