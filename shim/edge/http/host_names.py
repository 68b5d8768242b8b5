"""Host names under which the admin listener answers: none that a stranger can make point here (DNS rebinding).

A page of a foreign site that has its name resolve to this address would be of the same origin as what stands
here, and could read it along.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

_PROBES = frozenset({"/livez", "/healthz", "/readyz"})
"""The paths that a probe asks for, under whatever name it has: the answers tell no more than the public
listener's."""
_INSIDE = (".svc", ".cluster.local", ".internal", ".localhost")
"""Ends of names that nobody can register."""


def _name(host: str) -> str | None:
    """The name in a Host header, small; None when it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return None


def is_ours(host: str, names: Iterable[str]) -> bool:
    """True if a Host header is what browsers have for us: an IP address, localhost, a configured name."""
    name = _name(host)
    if name is None:
        return False
    if name == "localhost" or name in (each.lower() for each in names):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_known(host: str, names: Iterable[str]) -> bool:
    """The same for what machines ask for, which may say no name, or one of their own network: `shim`,
    `shim.production.svc`."""
    name = _name(host)
    if name == "" or is_ours(host, names):
        return True
    return name is not None and ("." not in name or name.endswith(_INSIDE))


def under_known_names(names: Callable[[], Iterable[str]]) -> Middleware:
    """Refuses (421) what is asked for under another name; probes are answered all the same."""

    @web.middleware
    async def judge(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in _PROBES or is_known(request.headers.get("Host", ""), names()):
            return await handler(request)
        return web.Response(
            status=421,
            text="Nothing is served here under that host name: use an IP address or localhost, or add the name "
            "to admin.names in the configuration.\n",
        )

    return judge
