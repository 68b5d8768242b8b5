"""The SOAP endpoints: from an HTTP request to an HTTP response, around the core's exchange."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, replace

import structlog
from aiohttp import web

from shim.core.catalogue import Catalogue
from shim.core.errors import BackendError, CallerError
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.serialise import CONTENT_TYPE, fault_message
from shim.edge.bodies import decoded, read_body
from shim.edge.drive import Performer, Performers, drive
from shim.edge.passthrough import NativeV3
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
        self,
        shim: Shim,
        performers: Performers,
        peers: Peers,
        conduct: Conduct,
        telling: Telling,
        native: NativeV3 | None = None,
    ) -> None:
        self._shim = shim
        self._native = native
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
        if isinstance(outcome, web.StreamResponse):
            return outcome
        self._log(outcome, reference, began, request)
        return self._response(outcome, reference)

    async def _outcome(self, request: web.Request) -> Outcome | web.StreamResponse:
        """What the core makes of it; the response itself for a message of v3, which passes through."""
        most = self._shim.limits.bytes
        try:
            sent = await read_body(request, most, self._conduct.body_seconds)
            body = decoded(sent, request.headers.get("Content-Encoding", ""), most)
        except CallerError as fault:
            return Outcome(fault=fault)
        if self._native is not None and (head := self._native.claims(request, body)):
            return await self._native.forward(request, sent, head)
        under_way = exchange(self._shim, Request(request.path, request.headers.get("Content-Type", ""), body))
        performer = Performer(self._performers, self._peers.client(request))
        try:
            async with asyncio.timeout(self._conduct.call_seconds):
                return await drive(under_way, performer)
        except TimeoutError:
            return Outcome(fault=_TOO_LATE)

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
