"""The SOAP endpoints: from an HTTP request to an HTTP response, around the core's exchange."""

from __future__ import annotations

import asyncio
import secrets
import time
import zlib
from dataclasses import dataclass, replace

import structlog
from aiohttp import web

from shim.core.catalogue import Catalogue
from shim.core.errors import BackendError, CallerError
from shim.core.parse import too_large
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.serialise import CONTENT_TYPE, fault_message
from shim.edge.drive import Performer, Performers, drive
from shim.edge.peer import Peers
from shim.edge.telling import Telling

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the endpoint behaves: seconds for a whole body and for a whole call, and the fault layout."""

    body_seconds: float
    call_seconds: float
    fault_layout: str


class SoapEndpoint:
    """Answers POSTs on every endpoint of the old services."""

    def __init__(
        self, shim: Shim, performers: Performers, peers: Peers, conduct: Conduct, telling: Telling
    ) -> None:
        self._shim = shim
        self.tell(telling)
        self._performers = performers
        self._peers = peers
        self._conduct = conduct

    @property
    def catalogue(self) -> Catalogue:
        """The translations by which calls are served."""
        return self._shim.catalogue

    def replace(self, shim: Shim) -> None:
        """Serve later calls with other rules; those under way end with theirs."""
        self._shim = shim

    def tell(self, telling: Telling) -> None:
        """Tell callers this of 2.5 from now on."""
        self._telling = telling
        self._shim = replace(self._shim, deprecation=telling.deprecation)

    async def post(self, request: web.Request) -> web.StreamResponse:
        reference = secrets.token_hex(8)
        began = time.perf_counter()
        try:
            outcome = await self._outcome(request)
        except Exception:  # a defect of ours still has to end as a fault that can be found
            log.exception("internal error", reference=reference, path=request.path)
            outcome = Outcome(fault=_INTERNAL)
        self._log(outcome, reference, began, request)
        return self._response(outcome, reference)

    async def _outcome(self, request: web.Request) -> Outcome:
        try:
            body = await self._body(request)
        except CallerError as fault:
            return Outcome(fault=fault)
        under_way = exchange(self._shim, Request(request.path, request.headers.get("Content-Type", ""), body))
        performer = Performer(self._performers, self._peers.client(request))
        try:
            async with asyncio.timeout(self._conduct.call_seconds):
                return await drive(under_way, performer)
        except TimeoutError:
            return Outcome(fault=_TOO_LATE)

    async def _body(self, request: web.Request) -> bytes:
        """The whole body within its deadline and size. Raises CallerError."""
        most = self._shim.limits.bytes
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._conduct.body_seconds):
                async for part in request.content.iter_any():
                    size += len(part)
                    if size > most:
                        raise too_large(most)
                    parts.append(part)
        except ConnectionError:
            raise CallerError("caller-gone", "The connection ended before the body was complete.") from None
        except TimeoutError:
            raise CallerError(
                "slow-body", f"The body was not complete after {self._conduct.body_seconds:g} seconds."
            ) from None
        return _decoded(b"".join(parts), request.headers.get("Content-Encoding", ""), most)

    def _response(self, outcome: Outcome, reference: str) -> web.Response:
        fault = outcome.fault
        headers = {"Content-Type": CONTENT_TYPE, **self._telling.headers(outcome.caller)}
        if fault is None:
            return web.Response(body=outcome.answer, headers=headers)
        body = fault_message(fault, reference, self._conduct.fault_layout)
        response = web.Response(status=500, body=body, headers=headers)
        if fault.reason in ("too-large", "slow-body"):
            response.force_close()
        return response

    def _log(self, outcome: Outcome, reference: str, began: float, request: web.Request) -> None:
        integration = outcome.caller.name if outcome.caller else None
        about = {"reference": reference, "integration": integration, "operation": outcome.operation}
        for found in outcome.findings:
            log.info(
                "finding",
                **about,
                code=found.code,
                severity=found.severity,
                path=found.path,
                because=found.because,
                place=found.place,
                count=found.count,
            )
        fault = outcome.fault
        log.info(
            "call",
            **about,
            result="fault" if fault else "answer",
            reason=fault.reason if fault else None,
            code=fault.code if fault else None,
            path=request.path,
            calls=outcome.calls,
            version=outcome.schema_version,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )


_INTERNAL = BackendError(
    "internal-error", "The shim failed on this call: tell its operator the reference, it is in the log."
)
_TOO_LATE = BackendError(
    "backend-late",
    "The v3 backend took too long. Whether a write took effect is not known: look before repeating it.",
)


def _decoded(body: bytes, encoding: str, most: int) -> bytes:
    """The body without its content encoding, never larger than `most`. Raises CallerError."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise CallerError("encoding-refused", "The content encoding is not taken: send gzip, deflate or none.")
    try:
        stream = zlib.decompressobj(wbits=47)
        plain = stream.decompress(body, most + 1)
    except zlib.error:
        raise CallerError("malformed-xml", "The body cannot be decompressed.") from None
    if len(plain) > most:
        raise too_large(most)
    if not stream.eof:
        raise CallerError("malformed-xml", "The compressed body is incomplete.")
    return plain
