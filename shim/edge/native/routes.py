"""Routes of native v3 on this host: which paths go where."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aiohttp import web

from shim.core.schema.interface import Interface
from shim.edge.backend.client import Backend
from shim.edge.http.peer import Peers
from shim.edge.native.passthrough import PassThrough, PassThroughRules, Ported
from shim.edge.native.relay import Sizes
from shim.edge.native.token_endpoint import PATH, NativeTokens
from shim.edge.native.token_owners import TokenOwners
from shim.edge.native.wsdl import NativePages
from shim.edge.settings.load import Config
from shim.edge.settings.model import Integration
from shim.edge.store.database import Store

_TREE = r"/soap2/schema/{version:(?!2\.)[0-9]{1,4}(?:\.[0-9]{1,4}){1,2}}/{name:.+}"
_LATEST = "/soap2/schema/latest/{name:.+}"


class Native:
    """The parts of native v3. `calls` takes messages, also those on the endpoints that both versions have."""

    def __init__(
        self,
        config: Config,
        old: Interface,
        new: Interface,
        backend: Backend,
        store: Store,
        peers: Peers,
        integrations: Callable[[], Iterable[Integration]],
        count: Ported | None = None,
    ) -> None:
        settings = config.native_v3
        rules = _rules(config)
        owners = TokenOwners(store)
        self.calls = PassThrough(new, backend, owners, peers, rules, count)
        self._tokens = NativeTokens(
            backend, config.backend.token_path, owners, peers, rules, integrations, config.login
        )
        self._pages = NativePages(new, backend, peers)
        self._latest = settings.latest == "new"
        old_endpoints = {service.endpoint for service in old.services.values()}
        self._only_new = [name for name in new.services if name not in old.services]
        self._endpoints = [s.endpoint for s in new.services.values() if s.endpoint not in old_endpoints]

    def bound(self, config: Config) -> None:
        """Take messages of no more than this configuration says from now on."""
        self.calls.rules = self._tokens.rules = _rules(config)

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """To be called before the routes of the old tree, which is less particular about versions."""
        for endpoint in self._endpoints:
            router.add_post(endpoint, self.calls.post)
            router.add_get(endpoint, self._pages.endpoint)
        router.add_post(PATH, self._tokens.post)
        router.add_get(_TREE, self._pages.schema)
        if self._latest:
            router.add_get(_LATEST, self._pages.schema)
            return
        for name in self._only_new:  # 2.5 has no such service: v3's clients load it from there
            router.add_get(f"/soap2/schema/latest/{{name:{name}/.+}}", self._pages.latest)


def _rules(config: Config) -> PassThroughRules:
    sizes = Sizes(config.native_v3.max_answer, config.native_v3.buffer)
    return PassThroughRules(config.limits.body, config.listen.body_timeout, sizes, config.faults.core())
