"""The application: which path goes where, and what opens and closes with it."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from importlib.metadata import version

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from shim.core.catalogue.translation import Catalogue
from shim.core.errors import Fault
from shim.core.pipeline import ServerInfo, Shim
from shim.core.reading.known_names import Familiar, names_of
from shim.edge.backend.breaker import Addresses
from shim.edge.backend.client import Backend, open_session
from shim.edge.backend.dialect import find_dialect
from shim.edge.backend.tokens import Tokens, open_http, tls_context
from shim.edge.callers.integrations import Integration, Integrations
from shim.edge.callers.proofs import Proofs
from shim.edge.catalogue import catalogue
from shim.edge.deprecation.log import DeprecationLog
from shim.edge.exchange.endpoint import DELIVERIES, AfterCalls, EndpointConduct, SoapEndpoint
from shim.edge.exchange.performer import Performers
from shim.edge.exchange.recovery import Recovery
from shim.edge.health import HealthState, checks
from shim.edge.http.arrival import arrived
from shim.edge.http.deprecation_headers import DeprecationHeaders
from shim.edge.http.guard import guarded
from shim.edge.http.host_names import is_known, under_known_names
from shim.edge.http.pages import WsdlPages
from shim.edge.http.paths import by_normal_path
from shim.edge.http.peer import Peers
from shim.edge.http.straight import RequestHandler, straight
from shim.edge.identities.map import IdentityMap
from shim.edge.journal.journal import JournalStore
from shim.edge.native.routes import Native
from shim.edge.notify.watch import Watcher
from shim.edge.porting.ladder import Porting
from shim.edge.rehearsal.compare_mode import Comparer, comparing
from shim.edge.reload import Reload, taken_over
from shim.edge.settings.check_policies import require_policies
from shim.edge.settings.load import Config
from shim.edge.settings.model import StoreSettings
from shim.edge.store.database import Clock, Store, utc_now
from shim.edge.store.place import Marker, held, mark_path
from shim.edge.telemetry.log import set_level
from shim.edge.telemetry.metrics import CONTENT_TYPE, Metrics
from shim.edge.telemetry.tracing import Tracing, open_tracing
from shim.edge.workers.place import Worker
from shim.edge.workers.scrape import of_all
from shim.interfaces.load import new, old

log = structlog.get_logger()


class Application:
    """The running parts. Built by `open_application`, used by the server and by tests."""

    def __init__(
        self,
        config: Config,
        compiled: Catalogue,
        performers: Performers,
        deprecation: DeprecationLog,
        comparer: Comparer | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self.config = config
        self.catalogue = compiled
        deprecation.speaks(compiled.new)
        self.performers = performers
        self.ready = True
        self.health = HealthState({})
        self.reload = Reload(1, time.time())
        self.worker: Worker | None = None
        """Which of several processes this is; None when it is alone."""
        self.integrations = performers.integrations
        self.store = performers.store
        self.journal = performers.journal
        self.porting = performers.porting
        self.deprecation = deprecation
        self.metrics = deprecation.metrics
        self.metrics.config_read(self.reload.at, worked=True)
        listen = config.listen
        peers = Peers(listen.public_url, listen.trusted_proxies, listen.forwarded == "forwarded")
        info = config.server_info
        shim = Shim(
            compiled,
            config.limits.parse(),
            ServerInfo(info.edition, info.version, info.infrastructure_id),
            familiar=Familiar(names_of(compiled.old)),
        )
        backend = config.backend
        longest = backend.total_timeout, backend.longest_read
        conduct = EndpointConduct(listen.body_timeout, *longest, config.faults.core())
        self.comparer = comparer
        self.native = self._native(peers, performers) if config.native_v3.enabled else None
        calls = self.native.calls if self.native is not None else None
        beside = AfterCalls(deprecation, comparer, calls, tracing)
        self.soap = SoapEndpoint(shim, performers, peers, conduct, DeprecationHeaders(config), beside)
        self.pages = WsdlPages(compiled.old, peers, config.schema_versions.latest)

    def _native(self, peers: Peers, performers: Performers) -> Native:
        backend, store = performers.backend, performers.store
        return Native(
            self.config,
            old(),
            self.catalogue.new,
            backend,
            store,
            peers,
            lambda: self.config.integrations,
            self.deprecation,
        )

    def routes(self) -> web.Application:
        """The public listener: SOAP endpoints, their help, the WSDL tree."""
        app = web.Application(
            client_max_size=self.config.limits.body, middlewares=[guarded, self.deliver, by_normal_path]
        )
        if self.native is not None:
            self.native.add_routes(app.router)
        for service in old().services.values():
            app.router.add_post(service.endpoint, self.soap.post)
            app.router.add_get(service.endpoint, self.pages.endpoint)
        app.router.add_get("/soap2/schema/{version}/{name:.+}", self.pages.schema)
        app.router.add_get("/livez", self.alive)
        app.router.add_get("/readyz", self.readiness)
        app.router.add_route("*", "/{anything:.*}", self.pages.missing)
        app.on_response_prepare.append(self._close_when_stopping)
        return app

    def straight(self, app: web.Application, otherwise: RequestHandler) -> RequestHandler:
        """How the listener of `app` handles requests: plain POSTs of the public one past its router, through
        its middlewares but the one for paths written in another way."""
        if self.deliver not in app.middlewares:
            return otherwise
        return straight(app, [each for each in app.middlewares if each is not by_normal_path], otherwise)

    async def _close_when_stopping(self, request: web.Request, response: web.StreamResponse) -> None:
        """While the shim ends, the next call of a kept connection has to go to another one."""
        if not self.ready:
            response.force_close()
            response.headers["Connection"] = "close"

    @web.middleware
    async def deliver(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Send the answer of a journalled call here, and note whether the client was still there for it."""
        deliveries = request[DELIVERIES] = []
        response = await handler(request)
        if deliveries and self.journal is not None:
            received = response.status == 200 and await arrived(request, response)
            for entry in deliveries:
                with suppress(Fault):  # then the answer is kept, and an equal call gets it
                    await self.journal.delivered(entry, received)
        return response

    def integration(self, name: str) -> Integration | None:
        """The integration of that name, as configured now."""
        return next((each for each in self.config.integrations if each.name == name), None)

    def admin_routes(self, extend: AddedRoutes | None = None) -> web.Application:
        """The admin listener: health, readiness, metrics, and what `extend` adds."""
        known = under_known_names(lambda: self.config.admin.names)
        app = web.Application(middlewares=[guarded, known])
        app.router.add_get("/healthz", self.alive)
        app.router.add_get("/livez", self.alive)
        app.router.add_get("/readyz", self.readiness_with_reasons)
        app.router.add_get("/metrics", self.counted)
        app.router.add_get("/status", self.status)
        if extend is not None:
            extend(self, app)
        return app

    async def counted(self, request: web.Request) -> web.Response:
        text = await self.own_metrics()
        if self.worker is not None:
            text = await of_all(self.worker, text)
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})

    async def own_metrics(self) -> bytes:
        """The metrics of this process, as Prometheus has them."""
        await self._count_identities()
        return self.metrics.text()

    async def _count_identities(self) -> None:
        """As the store has them now; as they were when it does not tell soon."""
        with suppress(Fault, TimeoutError):
            async with asyncio.timeout(_COUNTING):
                states = await self.performers.identities.states()
            for state, many in states.items():
                self.metrics.identities.labels(state).set(many)

    async def alive(self, request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readiness(self, request: web.Request) -> web.Response:
        return await self.health.readiness(request, stopping=not self.ready, reasons=False)

    async def readiness_with_reasons(self, request: web.Request) -> web.Response:
        reasons = is_known(request.headers.get("Host", ""), self.config.admin.names)
        return await self.health.readiness(request, stopping=not self.ready, reasons=reasons)

    def judge(self, config: Config) -> None:
        """Raises ConfigError when policies of this configuration cannot be meant; changes nothing."""
        require_policies(config, self.soap.catalogue)

    def reconfigure(self, config: Config) -> None:
        """Take over what may change while the shim runs (`reload.LIVE`); everything else goes on as it is."""
        config = taken_over(self.config, config)
        set_level(config.log.level)
        self.integrations.replace(config.integrations)
        self.soap.use_headers(DeprecationHeaders(config))
        self.soap.bound(config.limits.parse(), config.listen.body_timeout)
        if self.native is not None:
            self.native.bound(config)
        self.deprecation.replace(config)
        self.config = config

    async def status(self, request: web.Request) -> web.Response:
        """Which process this is and how the last reading of its configuration went, as JSON."""
        about = {"pid": os.getpid(), "version": version("systemapi-shim"), "ready": self.ready}
        if self.worker is not None:  # signals go to the parent of all
            about |= {"pid": self.worker.parent, "workers": self.worker.count}
        return web.json_response({**about, "configuration": self.reload.plain()})


CLOSING = 3.0
_COUNTING = 1.0
"""Seconds that a part which waits for others has for its end."""

AddedRoutes = Callable[[Application, web.Application], None]
"""Adds routes to the admin listener of an application; the review page is one."""


@asynccontextmanager
async def open_application(
    config: Config, clock: Clock = utc_now, *, new_store: bool = False, tracing: Tracing | None = None
) -> AsyncIterator[Application]:
    """Open the store and the ways to the backend. Raises Fault when the store cannot be opened, or is another
    shim's, or another one than was served here before (unless `new_store` says that one is meant).

    `clock` gives the time by which calls are counted, rungs and brownouts hold, and findings live. Raises
    ConfigError when policies cannot be meant, or the traces that are wanted cannot be made; `tracing` takes the
    place of what `telemetry` wants.
    """
    async with AsyncExitStack() as closing:
        tracing = tracing or open_tracing(config)
        if tracing is not None:
            closing.push_async_callback(within(CLOSING, "traces", partial(asyncio.to_thread, tracing.close)))
        tls = tls_context(config.backend)  # once: it reads the certificates of the system, which takes long
        session = await closing.enter_async_context(open_session(config.backend, tls))
        http = await closing.enter_async_context(open_http(config.backend, tls))
        store = await _open_store(config.store, clock)
        closing.push_async_callback(store.close)
        await closing.enter_async_context(held(store, store.now()))
        marker = Marker(store, mark_path(config, store), new_store=new_store)
        await marker.start()
        closing.push_async_callback(within(CLOSING, "mark of the store", marker.stop))
        metrics = Metrics()
        metrics.watch_process()
        deprecation = DeprecationLog(store, config, old(), new(), metrics)
        await deprecation.start()
        closing.push_async_callback(deprecation.stop)
        identities = IdentityMap(store, config.identity)
        await identities.start()
        addresses = Addresses(config.backend, metrics)
        tokens = Tokens(http, config.backend.token_path, metrics=metrics, addresses=addresses)
        closing.push_async_callback(tokens.close)
        proofs = Proofs(store)
        await proofs.start()
        closing.push_async_callback(within(CLOSING, "login proofs", proofs.close))
        integrations = Integrations(config.integrations, config.login, proofs=proofs)
        closing.push_async_callback(integrations.close)
        backend = Backend(session, tokens, config.backend, metrics=metrics, addresses=addresses)
        checking = asyncio.create_task(addresses.checking(session))
        closing.callback(checking.cancel)
        compiled = catalogue(await find_dialect(config, backend))
        require_policies(config, compiled)
        journal = JournalStore(store, config.journal, metrics=metrics)
        porting = Porting(store)
        await porting.start()
        closing.push_async_callback(porting.stop)
        performers = Performers(integrations, backend, store, identities, journal, porting)
        comparer = await closing.enter_async_context(comparing(compiled, config.compare, deprecation))
        application = Application(config, compiled, performers, deprecation, comparer, tracing)
        if application.native is not None:
            closing.push_async_callback(within(CLOSING, "native calls", application.native.calls.close))
        recovery = Recovery(compiled, performers, journal, application.integration)
        await recovery.start()
        closing.push_async_callback(within(CLOSING, "recovery", recovery.stop))
        watcher = await Watcher(store, lambda: application.config.notify, metrics).start()
        closing.push_async_callback(within(CLOSING, "notifications", watcher.stop))
        application.health = HealthState(checks(lambda: application.config, store, marker, addresses, recovery))
        yield application


async def _open_store(settings: StoreSettings, clock: Clock) -> Store:
    return await Store.open(
        settings.url, settings.journal_mode, settings.busy_timeout, clock, settings.answer_timeout
    )


def within(seconds: float, what: str, close: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    """The same, given up and logged when it takes longer: the end of the shim is bounded."""

    async def closing() -> None:
        try:
            async with asyncio.timeout(seconds):
                await close()
        except TimeoutError:
            log.error("not ended in time", what=what, seconds=seconds)

    return closing
