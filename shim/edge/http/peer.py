"""Who is at the other end, and how the caller sees us: through trusted proxies or directly."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Peers:
    """The rules for addresses: a configured public URL, and the networks of trusted proxies.

    `forwarded`: the proxies write the header Forwarded (RFC 7239), not X-Forwarded-*. Only the one that they
    write is read: in the other there is what a caller wrote.
    """

    public_url: str | None
    trusted: Sequence[_Network]
    forwarded: bool = False

    def trusts(self, request: web.BaseRequest) -> bool:
        if not self.trusted:
            return False
        try:
            address = ipaddress.ip_address(request.remote or "")
        except ValueError:
            return False
        return any(address in network for network in self.trusted)

    def client(self, request: web.BaseRequest) -> str:
        """The caller's address: the last hop, over all header lines, that is no trusted proxy."""
        remote = request.remote or ""
        if not self.trusts(request):
            return remote
        for hop in reversed(self._hops(request)):
            try:
                address = ipaddress.ip_address(_without_port(hop))
            except ValueError:
                break
            if not any(address in network for network in self.trusted):
                return str(address)
        return remote

    def _as_reached(self, elements: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
        """How the outermost trusted proxy says that it was reached; what stands left of it a caller wrote."""
        for each in reversed(elements):
            try:
                hop = ipaddress.ip_address(_without_port(each.get("for", "")))
            except ValueError:
                return each
            if not any(hop in network for network in self.trusted):
                return each
        return elements[0] if elements else {}

    def _hops(self, request: web.BaseRequest) -> list[str]:
        """Who a call came through, the caller first; a hop that hides itself is one that is no address."""
        if self.forwarded:
            return [each.get("for", "hidden") for each in request.forwarded]
        lines = ",".join(request.headers.getall("X-Forwarded-For", []))
        return [hop.strip() for hop in lines.split(",") if hop.strip()]

    def base_url(self, request: web.BaseRequest) -> str:
        """`scheme://host[:port]` under which the caller reached this endpoint."""
        if self.public_url:
            return self.public_url.rstrip("/")
        scheme, host = request.scheme, request.host
        if self.trusts(request) and self.forwarded:
            reached = self._as_reached(request.forwarded)
            scheme, host = reached.get("proto", scheme).lower(), reached.get("host", host).lower()
        elif self.trusts(request):
            headers = request.headers
            scheme = _first(headers.get("X-Forwarded-Proto")) or scheme
            host = _first(headers.get("X-Forwarded-Host")) or host
            host = _with_port(host, _first(headers.get("X-Forwarded-Port")), scheme)
        if scheme not in ("http", "https"):
            scheme = "https"
        return f"{scheme}://{host if _HOST.fullmatch(host) else _listening(request)}"


def _without_port(hop: str) -> str:
    """The address of a hop: some proxies write a port behind it, and brackets around one of IPv6."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _first(value: str | None) -> str:
    return value.split(",")[0].strip().lower() if value else ""


def _with_port(host: str, port: str, scheme: str) -> str:
    if not port.isdecimal() or len(port) > 5 or re.search(r":[0-9]+$", host):
        return host
    return host if port == {"http": "80", "https": "443"}.get(scheme) else f"{host}:{port}"


def _listening(request: web.BaseRequest) -> str:
    name = request.transport.get_extra_info("sockname") if request.transport else None
    return f"{name[0]}:{name[1]}" if name else "localhost"
