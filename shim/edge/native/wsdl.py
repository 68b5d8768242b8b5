"""The v3 WSDL on this host: the backend's own tree with this host's addresses, or one made from interface data.

A version's tree comes from one of the two as a whole: from the backend if it has the root. What was fetched is
kept for a minute.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from html import escape
from urllib.parse import urljoin

from aiohttp import web

from shim.core.errors import BackendError
from shim.core.schema.interface import Interface
from shim.core.schema.wsdl import ROOT, Publication
from shim.edge.backend.client import Backend
from shim.edge.http.pages import filled_in, page, tree_link, xml
from shim.edge.http.paths import parts_of
from shim.edge.http.peer import Peers

_NAME = re.compile(r"(?:[A-Za-z0-9_-]+/){0,3}[A-Za-z0-9_-]+\.(?:wsdl|xsd)")
_ADDRESS = re.compile(rb"""(\b(?:schemaLocation|location)\s*=\s*["'])https?://[^/"'\s<>]+(?=/soap2/)""")
_RELATIVE = re.compile(rb"""(\bschemaLocation\s*=\s*["'])(?!/|\w+:)([^"'\s<>]+)""")
_VERSION = re.compile(rb"""4psa\.com/\w+(?:\.xsd)?/((?:[3-9]|[1-9][0-9])\.[0-9]{1,4}(?:\.[0-9]{1,4})?)["'/]""")
_LARGEST = 8 << 20
_FRESH = 60.0
_MOST = 512


class NativePages:
    """The v3 tree below /soap2/schema, and GET on the endpoints that only v3 has."""

    def __init__(self, interface: Interface, backend: Backend, peers: Peers) -> None:
        self._interface = interface
        self._backend = backend
        self._peers = peers
        self._services = {service.endpoint: service for service in interface.services.values()}
        self._document = filled_in(Publication(interface).document)
        self._fetched: OrderedDict[str, tuple[float, bytes | None]] = OrderedDict()

    async def schema(self, request: web.Request) -> web.Response:
        """One file of the tree: /soap2/schema/<version>/<name>."""
        version = parts_of(request).get("version", "latest")
        body = await self._file(version, parts_of(request)["name"], self._peers.base_url(request))
        if body is None:
            return page(404, "Not in the schema tree", f"<p>The tree begins at {self._link(request)}.</p>")
        return xml(body)

    async def latest(self, request: web.Request) -> web.Response:
        """A file of a service that only v3 has, from a tree `latest` that is 2.5's but for those.

        What it imports is looked for in the tree of its own version, where all of it is v3's.
        """
        base, name = self._peers.base_url(request), parts_of(request)["name"]
        body = await self._file("latest", name, base)
        if body is None:
            return page(404, "Not in the schema tree", f"<p>The tree begins at {self._link(request)}.</p>")
        match = _VERSION.search(body)
        version = match[1].decode() if match else self._interface.version
        return xml(_absolute(body, f"{base}/soap2/schema/{version}/{name}"))

    async def endpoint(self, request: web.Request) -> web.Response:
        """GET on an endpoint: its WSDL with ?wsdl, else a page that says what this is."""
        service = self._services[request.path]
        base = self._peers.base_url(request)
        if "wsdl" not in {key.lower() for key in request.query}:
            return page(
                200,
                f"SystemAPI {self._interface.version}: {service.name}",
                "<p>This is a SOAP 1.1 endpoint of v3: calls pass through to the v3 backend.</p>"
                f'<p>WSDL: <a href="{escape(request.path)}?wsdl">{escape(base + request.path)}?wsdl</a>, '
                f"whole tree: {self._link(request)}</p>",
            )
        fetched = await self._document_of(f"{service.endpoint}?wsdl")
        if fetched is not None:
            return xml(_here(fetched, base))
        version = self._interface.version
        tree = f"{base}/soap2/schema/{version}"
        document = self._document(f"{service.name}/{service.name}.wsdl", version, base, base=tree)
        assert document is not None
        return xml(document)

    async def _file(self, version: str, name: str, base: str) -> bytes | None:
        if not _NAME.fullmatch(name):
            return None
        if await self._document_of(f"/soap2/schema/{version}/{ROOT}") is not None:
            fetched = await self._document_of(f"/soap2/schema/{version}/{name}")
            return None if fetched is None else _here(fetched, base)
        if version not in ("latest", self._interface.version):
            return None
        return self._document(name, self._interface.version, base)

    async def _document_of(self, path: str) -> bytes | None:
        """The document that the backend has there, if it is XML."""
        kept = self._fetched.get(path)
        if kept is not None and time.monotonic() < kept[0]:
            return kept[1]
        try:
            body = await self._fetch(path)
        except BackendError:  # it is counted as a v3 call; the tree as we know it is given instead
            body = None
        self._fetched[path] = time.monotonic() + _FRESH, body
        self._fetched.move_to_end(path)
        if len(self._fetched) > _MOST:
            self._fetched.popitem(last=False)
        return body

    async def _fetch(self, path: str) -> bytes | None:
        async with self._backend.passing("GET", path, {"Accept-Encoding": "identity"}, writes=False) as answer:
            if answer.status != 200:
                return None
            body = bytearray()
            async for part in answer.content.iter_any():
                body += part
                if len(body) > _LARGEST:
                    return None
        head = bytes(body[:256]).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return bytes(body) if head.startswith(b"<") and not head.startswith((b"<!doctype", b"<html")) else None

    def _link(self, request: web.Request) -> str:
        return tree_link(f"{self._peers.base_url(request)}/soap2/schema/{self._interface.version}")


def _here(document: bytes, base: str) -> bytes:
    """A fetched document with all addresses below /soap2/ being this host's."""
    return _ADDRESS.sub(lambda match: match[1] + base.encode(), document)


def _absolute(document: bytes, url: str) -> bytes:
    """A document with the relative addresses of its imports being absolute, from where it stands itself."""
    return _RELATIVE.sub(lambda match: match[1] + urljoin(url, match[2].decode()).encode(), document)
