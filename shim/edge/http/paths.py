"""Paths that are written in another way than the routes are: served as ordinary web servers serve them.

The old server stood behind one that joined slashes, followed dots and handed what stands behind an endpoint to
PHP, which never looked at it. No redirect is sent: SOAP clients do not follow it with a POST.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler

from shim.core.endpoints import normal_path

AS_SENT = web.RequestKey("path as sent", str)
_PARTS = web.RequestKey("parts of the path", dict[str, str])


@web.middleware
async def by_normal_path(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve a request whose path is written in another way as the path is meant."""
    sent = request.rel_url.raw_path
    path = normal_path(sent)
    if path == sent:
        return await handler(request)
    query = request.rel_url.raw_query_string
    again = request.clone(rel_url=f"{path}?{query}" if query else path)
    match = await request.app.router.resolve(again)
    again[AS_SENT] = sent
    again[_PARTS] = dict(match)
    return await match.handler(again)


def parts_of(request: web.Request) -> Mapping[str, str]:
    """The variable parts of the path of a request."""
    parts = request.get(_PARTS)
    return request.match_info if parts is None else parts
