"""The review page and its API on an admin listener, loaded when somebody asks for the first page.

Most starts see no page before thousands of calls: what pages need (templates, charts, letters, what reads the
log) is a tenth of all that there is to load. A thread loads it, so that calls go on; whoever asked waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import web

from shim.edge.app import Application

PREFIXES = ("/review", "/api/v1")
"""Below these stands all that is loaded later; `/` leads to the first."""

_Load = Callable[[], Awaitable[web.Application]]


def review(application: Application, admin: web.Application) -> None:
    """Add the page and the API to the admin listener of a shim."""
    later = _Later(application)
    for prefix in PREFIXES:
        admin.router.register_resource(_LoadedResource(prefix, later.loaded))
    admin.router.add_get("/", _to_page)
    admin.on_cleanup.append(later.close)


class _Later:
    """The application of the page, made once."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._app: web.Application | None = None
        self._loading = asyncio.Lock()

    async def loaded(self) -> web.Application:
        async with self._loading:
            if self._app is None:
                pages = await asyncio.to_thread(_imported)
                self._app = pages(self._application)
                self._app.freeze()
        return self._app

    async def close(self, _: web.Application) -> None:
        if self._app is not None:
            await self._app.cleanup()


class _LoadedResource(web.PrefixedSubAppResource):
    """The paths below a prefix, of an application that is there when it is asked for."""

    def __init__(self, prefix: str, load: _Load) -> None:
        super().__init__(prefix, web.Application())
        self._load = load

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        self._app = await self._load()
        return await super().resolve(request)


def _imported() -> Callable[[Application], web.Application]:
    from shim.review.page.routes import pages  # noqa: PLC0415  # that it is not loaded before is what this is for

    return pages


async def _to_page(request: web.Request) -> NoReturn:
    raise web.HTTPFound(f"{PREFIXES[0]}/")
