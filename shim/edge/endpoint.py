"""The SOAP endpoints: from an HTTP request to an HTTP response, around the core's exchange."""

from __future__ import annotations

import asyncio
import secrets
import time
import zlib
from dataclasses import dataclass

import structlog
from aiohttp import web

from shim.core.errors import BackendError, CallerError
from shim.core.parse import too_large
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.serialise import CONTENT_TYPE, fault_message
from shim.edge.deprecation_log import DeprecationLog, Seen
from shim.edge.drive import Performer, Performers, drive
from shim.edge.peer import Peers
from shim.edge.toolkits import HEAD, clean_agent, toolkit

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
        self,
        shim: Shim,
        performers: Performers,
        peers: Peers,
        conduct: Conduct,
        deprecation: DeprecationLog,
    ) -> None:
        self._shim = shim
        self._performers = performers
        self._peers = peers
        self._conduct = conduct
        self._deprecation = deprecation

    def replace(self, shim: Shim) -> None:
        """Serve later calls with other rules; those under way end with theirs."""
        self._shim = shim

    async def post(self, request: web.Request) -> web.StreamResponse:
        reference = secrets.token_hex(8)
        began = time.perf_counter()
        outcome = Outcome()
        call = Ended(outcome, Performer(self._performers, self._peers.client(request)))
        try:
            await self._serve(request, call)
        except CallerError as fault:
            outcome.fault = fault
        except asyncio.CancelledError:
            outcome.fault = _STOPPED
            self._log(call, reference, began, request)
            raise
        except Exception:  # a defect of ours still has to end as a fault that can be found
            log.exception("internal error", reference=reference, path=request.path)
            outcome.fault = _INTERNAL
        self._log(call, reference, began, request)
        return self._response(outcome, reference)

    async def _serve(self, request: web.Request, call: Ended) -> None:
        """Fill the call's outcome. Raises CallerError when there is no whole body."""
        body = await self._body(request)
        call.head = body[:HEAD]
        asked = Request(request.path, request.headers.get("Content-Type", ""), body)
        under_way = exchange(self._shim, asked, call.outcome)
        try:
            async with asyncio.timeout(self._conduct.call_seconds):
                await drive(under_way, call.performer)
        except TimeoutError:
            call.outcome.fault = _TOO_LATE

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
        if fault is None:
            return web.Response(body=outcome.answer, headers={"Content-Type": CONTENT_TYPE})
        body = fault_message(fault, reference, self._conduct.fault_layout)
        response = web.Response(status=500, body=body, headers={"Content-Type": CONTENT_TYPE})
        if fault.reason in ("too-large", "slow-body"):
            response.force_close()
        return response

    def _log(self, call: Ended, reference: str, began: float, request: web.Request) -> None:
        outcome = call.outcome
        seconds = time.perf_counter() - began
        seen = call.seen(request, seconds)
        self._deprecation.called(seen)
        about = {"reference": reference, "integration": seen.integration, "operation": outcome.operation}
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
            toolkit=seen.toolkit,
            milliseconds=round(seconds * 1000, 1),
        )


@dataclass(slots=True)
class Ended:
    """A call, what carries it out and the beginning of its body, as far as it has come."""

    outcome: Outcome
    performer: Performer
    head: bytes = b""

    def seen(self, request: web.Request, seconds: float) -> Seen:
        """What the deprecation log is told of it."""
        outcome, fault = self.outcome, self.outcome.fault
        agent = clean_agent(request.headers.get("User-Agent", ""))
        return Seen(
            integration=outcome.caller.name if outcome.caller else None,
            operation=outcome.operation,
            findings=outcome.findings,
            fault=fault.reason if fault else None,
            version=outcome.schema_version,
            agent=agent,
            toolkit=toolkit(agent, self.head),
            address=self.performer.address,
            seconds=seconds,
            request=outcome.request,
            sent=self.performer.sent,
            unsent=self.performer.unsent,
        )


_INTERNAL = BackendError(
    "internal-error", "The shim failed on this call: tell its operator the reference, it is in the log."
)
_STOPPED = BackendError("stopped", "The shim stopped before the call had ended.")
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
