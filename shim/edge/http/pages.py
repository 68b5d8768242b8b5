"""Answers to a GET: the published WSDL tree, and a page that helps people who open an endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from html import escape

from aiohttp import web

from shim.core.reading.flat_call_rules import is_earlier
from shim.core.schema.interface import Interface
from shim.core.schema.wsdl import ONE_FILE, ROOT, Publication
from shim.edge.http.paths import parts_of
from shim.edge.http.peer import Peers

_A_VERSION = "0.version.0"
_AN_ADDRESS = "http://address.invalid"
_VERSION = re.compile(r"2\.[0-9]{1,2}\.[0-9]{1,2}")
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:42em;margin:3em auto;padding:0 1em}}
code{{background:#8882;padding:.1em .3em}}</style></head><body><h1>{title}</h1>{body}</body></html>
"""


class WsdlPages:
    """The WSDL tree below /soap2/schema, `?wsdl` of the endpoints, and their help pages."""

    def __init__(self, interface: Interface, peers: Peers, latest: str) -> None:
        self._interface = interface
        self._peers = peers
        self._latest = latest
        self._services = {service.endpoint: service for service in interface.services.values()}
        self._document = _documents(interface)

    async def schema(self, request: web.Request) -> web.Response:
        """One file of the tree: /soap2/schema/<version>/<name>."""
        parts = parts_of(request)
        version = parts["version"]
        if version == "latest":
            version = self._latest
        body = None
        if _VERSION.fullmatch(version):
            body = self._document(parts["name"], version, self._peers.base_url(request))
        if body is None:
            return page(404, "Not in the schema tree", f"<p>The tree begins at {self._link(request)}.</p>")
        return xml(body)

    async def endpoint(self, request: web.Request) -> web.Response:
        """GET on an endpoint: its WSDL with ?wsdl, else a page that says what this is."""
        service = self._services[request.path]
        base = self._peers.base_url(request)
        if "wsdl" in {key.lower() for key in request.query}:
            name = f"{service.name}/{service.name}.wsdl"
            body = self._document(name, self._latest, base, base=f"{base}/soap2/schema/{self._latest}")
            assert body is not None
            return xml(body)
        operations = ", ".join(escape(name) for name in service.operations)
        return page(
            200,
            f"SystemAPI 2.5: {service.name}",
            "<p>This is a SOAP 1.1 endpoint: post SystemAPI 2.5 calls here. Old calls are served by a v3 "
            "backend behind it; each that does not map cleanly is on record, to be ported.</p>"
            f'<p>WSDL: <a href="{escape(request.path)}?wsdl">{escape(base + request.path)}?wsdl</a>, '
            f"whole tree: {self._link(request)}.</p><p>Operations: {operations}</p>",
        )

    async def missing(self, request: web.Request) -> web.Response:
        """Anything else: a page that never repeats what was asked for."""
        endpoints = "".join(f"<li><code>{escape(path)}</code></li>" for path in self._services)
        return page(
            404,
            "Nothing here",
            f"<p>SystemAPI 2.5 is served on</p><ul>{endpoints}</ul><p>WSDL: {self._link(request)}</p>",
        )

    def _link(self, request: web.Request) -> str:
        return tree_link(f"{self._peers.base_url(request)}/soap2/schema/latest")


def tree_link(tree: str) -> str:
    """HTML that names both roots of a published tree; `tree` is its URL."""
    root, whole = (
        f'<a href="{url}">{url}</a>' for url in (escape(f"{tree}/{name}") for name in (ROOT, ONE_FILE))
    )
    return f"{root} (imports each service's WSDL), or all in one file, for zeep, suds and others: {whole}"


Make = Callable[..., bytes | None]
"""Makes a file of a tree as `Publication.document` does."""


def _documents(interface: Interface) -> Make:
    """The writer of the files of a version: versions before 2.5 had some messages in another form."""
    tree = filled_in(Publication(interface).document)
    before = filled_in(Publication(interface.earlier).document) if interface.earlier is not None else tree

    def document(name: str, version: str, address: str, *, base: str = "") -> bytes | None:
        return (before if is_earlier(version) else tree)(name, version, address, base=base)

    return document


def filled_in(make: Make) -> Make:
    """The same files, each made once and kept with gaps, into which version and address are put.

    Callers choose both: a file for each would be made anew for whoever writes another Host header, and kept.
    """
    kept = lru_cache(maxsize=512)(make)

    def document(name: str, version: str, address: str, *, base: str = "") -> bytes | None:
        before, marked, after = base.partition(address)
        tree = f"{before}{_AN_ADDRESS}{after.replace(version, _A_VERSION)}" if marked else base
        template = kept(name, _A_VERSION, _AN_ADDRESS, base=tree)
        if template is None:
            return None
        whole = template.replace(_A_VERSION.encode(), version.encode())
        return whole.replace(_AN_ADDRESS.encode(), escape(address).encode())

    return document


def xml(body: bytes) -> web.Response:
    """A WSDL or schema document."""
    return web.Response(body=body, headers={"Content-Type": "text/xml; charset=utf-8"})


def page(status: int, title: str, body: str) -> web.Response:
    """A page for people; `body` is HTML."""
    return web.Response(
        status=status, text=_PAGE.format(title=escape(title), body=body), content_type="text/html"
    )
