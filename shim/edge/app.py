"""The application: which path goes where, and what opens and closes with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from aiohttp import web
from aiohttp.typedefs import Handler

from shim.core.catalogue import Catalogue, compile_catalogue
from shim.core.errors import Fault
from shim.core.pipeline import ServerInfo, Shim
from shim.edge.backend import Backend, open_session
from shim.edge.config import Config
from shim.edge.drive import Performers
from shim.edge.endpoint import Conduct, SoapEndpoint
from shim.edge.guard import guarded
from shim.edge.identity_map import IdentityMap
from shim.edge.integrations import Integration, Integrations
from shim.edge.journal import Journal, delivering
from shim.edge.pages import Pages
from shim.edge.peer import Peers
from shim.edge.recovery import Recovery
from shim.edge.store import Store
from shim.edge.tokens import Tokens, open_http
from shim.interfaces.load import new, old
from translations.services import SERVICES


def catalogue() -> Catalogue:
    """All declarations, judged and compiled. Raises DeclarationError."""
    return compile_catalogue(old(), new(), SERVICES)


class Application:
    """The running parts. Built by `open_application`, used by the server and by tests."""

    def __init__(self, config: Config, compiled: Catalogue, performers: Performers) -> None:
        self.config = config
        self.catalogue = compiled
        self.performers = performers
        self.ready = True
        self.integrations = performers.integrations
        self.store = performers.store
        self.journal = performers.journal
        listen = config.listen
        peers = Peers(listen.public_url, listen.trusted_proxies)
        info = config.server_info
        shim = Shim(
            compiled, config.limits.parse(), ServerInfo(info.edition, info.version, info.infrastructure_id)
        )
        conduct = Conduct(listen.body_timeout, config.backend.total_timeout, config.faults.layout)
        self.soap = SoapEndpoint(shim, performers, peers, conduct)
        self.pages = Pages(compiled.old, peers, config.schema_versions.latest)

    def routes(self) -> web.Application:
        """The public listener: SOAP endpoints, their help, the WSDL tree."""
        app = web.Application(client_max_size=self.config.limits.body, middlewares=[guarded, self.deliver])
        for service in old().services.values():
            app.router.add_post(service.endpoint, self.soap.post)
            app.router.add_get(service.endpoint, self.pages.endpoint)
        app.router.add_get("/soap2/schema/{version}/{name:.+}", self.pages.schema)
        app.router.add_get("/readyz", self.readiness)
        app.router.add_route("*", "/{anything:.*}", self.pages.missing)
        return app

    @web.middleware
    async def deliver(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Send the answer of a journalled call here, and note whether the client was still there for it."""
        with delivering() as pending:
            response = await handler(request)
        if pending and self.journal is not None:
            received = response.status == 200 and await _sent(request, response)
            for entry in pending:
                with suppress(Fault):  # then the answer is kept, and an equal call gets it
                    await self.journal.delivered(entry, received)
        return response

    def integration(self, name: str) -> Integration | None:
        """The integration of that name, as configured now."""
        return next((each for each in self.config.integrations if each.name == name), None)

    def admin_routes(self) -> web.Application:
        """The admin listener: health and readiness."""
        app = web.Application(middlewares=[guarded])
        app.router.add_get("/healthz", self.health)
        app.router.add_get("/readyz", self.readiness)
        return app

    async def health(self, request: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readiness(self, request: web.Request) -> web.Response:
        return web.Response(text="ready\n") if self.ready else web.Response(status=503, text="stopping\n")

    def reconfigure(self, config: Config) -> None:
        """Take over integrations and their rules of conduct; listeners and limits need a restart."""
        self.integrations.replace(config.integrations)
        self.config = config


@asynccontextmanager
async def open_application(config: Config) -> AsyncIterator[Application]:
    """Open the store and the ways to the backend. Raises Fault when the store cannot be opened."""
    compiled = catalogue()
    async with AsyncExitStack() as closing:
        session = await closing.enter_async_context(open_session(config.backend))
        http = await closing.enter_async_context(open_http(config.backend))
        store = await Store.open(config.store.url, config.store.journal_mode)
        closing.push_async_callback(store.close)
        identities = IdentityMap(store, config.identity)
        await identities.start()
        tokens = Tokens(http, config.backend.url + config.backend.token_path)
        closing.push_async_callback(tokens.close)
        integrations = Integrations(config.integrations, config.login)
        closing.push_async_callback(integrations.close)
        backend = Backend(session, tokens, config.backend)
        journal = Journal(store, config.journal)
        performers = Performers(integrations, backend, store, identities, journal)
        application = Application(config, compiled, performers)
        recovery = Recovery(compiled, performers, journal, application.integration)
        await recovery.start()
        closing.push_async_callback(recovery.stop)
        yield application


async def _sent(request: web.Request, response: web.StreamResponse) -> bool:
    """Send a response; whether the connection was still there afterwards."""
    try:
        await response.prepare(request)
        await response.write_eof()
    except (ConnectionError, OSError):
        return False
    return request.transport is not None and not request.transport.is_closing()
