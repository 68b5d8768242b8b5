"""The application: which path goes where, and what opens and closes with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from shim.core.catalogue import Catalogue, compile_catalogue
from shim.core.pipeline import ServerInfo, Shim
from shim.edge.backend import Backend, open_session
from shim.edge.config import Config
from shim.edge.drive import Performers
from shim.edge.endpoint import Conduct, SoapEndpoint
from shim.edge.integrations import Integrations
from shim.edge.pages import Pages
from shim.edge.peer import Peers
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
        self.ready = True
        self.integrations = performers.integrations
        self.store = performers.store
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
        app = web.Application(client_max_size=self.config.limits.body)
        for service in old().services.values():
            app.router.add_post(service.endpoint, self.soap.post)
            app.router.add_get(service.endpoint, self.pages.endpoint)
        app.router.add_get("/soap2/schema/{version}/{name:.+}", self.pages.schema)
        app.router.add_get("/readyz", self.readiness)
        app.router.add_route("*", "/{anything:.*}", self.pages.missing)
        return app

    def admin_routes(self) -> web.Application:
        """The admin listener: health and readiness."""
        app = web.Application()
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
        tokens = Tokens(http, config.backend.url + config.backend.token_path)
        closing.push_async_callback(tokens.close)
        integrations = Integrations(config.integrations, config.login)
        closing.push_async_callback(integrations.close)
        backend = Backend(session, tokens, config.backend)
        yield Application(config, compiled, Performers(integrations, backend, store))
