"""The straight way of a call: POSTs on plain paths reach their handler past the router.

Nearly every request is one of these. What the router would find out about it is known beforehand, so that is
found out once; whatever else comes, a path written in another way or a request with `Expect`, goes through the
application.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.hdrs import EXPECT, METH_POST
from aiohttp.typedefs import Handler, Middleware

from shim.core.endpoints import normal_path

RequestHandler = Callable[[Any], Awaitable[web.StreamResponse]]
"""The function that a server calls with each request."""


def straight(
    app: web.Application, middlewares: Sequence[Middleware], otherwise: RequestHandler
) -> RequestHandler:
    """The same as `otherwise`, which is how `app` handles requests, with a shorter way for plain POSTs.

    `middlewares` are those that they need, the outermost first.
    """
    ways: dict[str, tuple[web.UrlMappingMatchInfo, Handler]] = {}
    for route in app.router.routes():
        resource = route.resource
        if route.method != METH_POST or not isinstance(resource, web.PlainResource):
            continue
        path = resource.canonical
        if path in ways or normal_path(path) != path:
            continue
        handler: Handler = route.handler
        for each in reversed(middlewares):
            handler = partial(each, handler=handler)
        match = web.UrlMappingMatchInfo({}, route)
        match.add_app(app)
        match.freeze()
        match.current_app = app
        ways[path] = match, handler

    def handle(request: web.Request) -> Awaitable[web.StreamResponse]:
        way = ways.get(request.rel_url.raw_path) if request.method == METH_POST else None
        if way is None or EXPECT in request.headers:
            return otherwise(request)
        request._match_info, handler = way  # as the application does with what it found
        return handler(request)

    return handle
