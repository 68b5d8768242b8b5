"""The SOAP endpoints: from an HTTP request to an HTTP response, around the core's exchange."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import structlog
from aiohttp import web

from shim.core.answers.fault_message import fault_message
from shim.core.answers.soap12 import CONTENT_TYPE_12, as_soap_12
from shim.core.catalogue.translation import Catalogue
from shim.core.commands.caller import PLAIN_FAULTS, FaultForm
from shim.core.errors import BackendError, BodyRefused, CallerError, ShimError
from shim.core.findings import Finding
from shim.core.inner import by_operation, summed
from shim.core.parse import Limits
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.serialise import CONTENT_TYPE
from shim.edge.callers.refused import LoginRefused
from shim.edge.deprecation.log import DeprecationLog, SeenCall
from shim.edge.exchange.deadline import Deadline
from shim.edge.exchange.performer import Performer, Performers, run
from shim.edge.http.answers import response as answered
from shim.edge.http.arrival import has_left
from shim.edge.http.bodies import decoded, read_body
from shim.edge.http.deprecation_headers import DeprecationHeaders
from shim.edge.http.paths import AS_SENT
from shim.edge.http.peer import Peers
from shim.edge.http.toolkits import HEAD, clean_agent, toolkit
from shim.edge.native.passthrough import PassThrough
from shim.edge.rehearsal.compare_mode import Comparer, Spoken
from shim.edge.telemetry.tracing import NO_SPAN, TraceSpan, Tracing

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class EndpointConduct:
    """How the endpoint behaves: seconds for a whole body, for a whole call, and for one that only reads and is
    answered bit by bit, and how faults are laid out for callers that are not known."""

    body_seconds: float
    call_seconds: float
    longest_read: float
    faults: FaultForm = PLAIN_FAULTS


@dataclass(frozen=True, slots=True)
class AfterCalls:
    """The parts beside the way of an old call: its record, an old server to compare with, v3, its trace."""

    deprecation: DeprecationLog
    comparer: Comparer | None = None
    native: PassThrough | None = None
    tracing: Tracing | None = None


DELIVERIES = web.RequestKey("journal entries to deliver", list[str])
"""A list of a request; gets the journal entries whose answer its response is. Without it no answer is kept."""


class SoapEndpoint:
    """Answers POSTs on every endpoint of the old services."""

    def __init__(
        self,
        shim: Shim,
        performers: Performers,
        peers: Peers,
        conduct: EndpointConduct,
        headers: DeprecationHeaders,
        beside: AfterCalls,
    ) -> None:
        self._shim = shim
        self.use_headers(headers)
        self._performers = performers
        self._peers = peers
        self._conduct = conduct
        self._beside = beside

    @property
    def catalogue(self) -> Catalogue:
        """The translations by which calls are served."""
        return self._shim.catalogue

    def replace(self, shim: Shim) -> None:
        """Serve later calls with other rules; those under way end with theirs."""
        self._shim = shim

    def use_headers(self, headers: DeprecationHeaders) -> None:
        """Tell callers this of 2.5 from now on."""
        self._deprecation_headers = headers
        self._shim = replace(self._shim, deprecation=headers.deprecation)

    def bound(self, limits: Limits, body_seconds: float) -> None:
        """Take messages of no more than this from now on."""
        self._shim = replace(self._shim, limits=limits)
        self._conduct = replace(self._conduct, body_seconds=body_seconds)

    async def post(self, request: web.Request) -> web.StreamResponse:
        tracing = self._beside.tracing
        if tracing is None:
            return await self._answer(request, NO_SPAN)
        with tracing.call(request.headers) as span:
            return await self._answer(request, span)

    async def _answer(self, request: web.Request, span: TraceSpan) -> web.StreamResponse:
        reference = os.urandom(8).hex()
        began = time.perf_counter()
        outcome = Outcome()
        address, deliveries = self._peers.client(request), request.get(DELIVERIES)
        call = CallRecord(outcome, Performer(self._performers, address, deliveries=deliveries))
        try:
            await self._serve(request, call)
        except CallerError as fault:
            outcome.fault = fault.bare()
        except asyncio.CancelledError:
            outcome.fault = _STOPPED
            self._log(call, reference, began, request)
            _trace(span, outcome, reference)
            raise
        except Exception:  # a defect of ours still has to end as a fault that can be found
            log.exception("internal error", reference=reference, path=request.path)
            outcome.fault = _INTERNAL
        if call.passed is not None:
            span.named("v3 message that passed")
            return call.passed
        self._log(call, reference, began, request)
        _trace(span, outcome, reference)
        body = self._body(outcome, reference)
        if outcome.rung == "compare" and self._beside.comparer is not None:
            self._beside.comparer.consider(call.spoken(request, body))
        return self._response(outcome, body)

    async def _serve(self, request: web.Request, call: CallRecord) -> None:
        """Fill the call's outcome, or the response of a v3 message that passed. Raises CallerError."""
        most = self._shim.limits.bytes
        sent = await read_body(request, most, self._conduct.body_seconds)
        call.performer.has_left = partial(has_left, request, asyncio.get_running_loop().time())
        body = decoded(sent, request.headers.get("Content-Encoding", ""), most)
        native = self._beside.native
        if native is not None and (head := await native.claims(request, body)):
            call.passed = await native.forward(request, sent, head)
            return
        call.body = body
        headers = request.headers
        message = Request(
            request.path,
            headers.get("Content-Type", ""),
            body,
            headers.get("SOAPAction", ""),
            unusual=AS_SENT in request,
        )
        under_way = exchange(self._shim, message, call.outcome)
        try:
            async with Deadline(self._conduct.call_seconds, self._conduct.longest_read) as deadline:
                call.performer.deadline = deadline
                await run(under_way, call.performer)
        except TimeoutError:
            call.outcome.fault = _TOO_LATE if call.performer.wrote else _READ_TOO_LATE
        info = call.outcome.backend_info
        if info is not None and info != self._shim.backend_info:
            self._shim = replace(self._shim, backend_info=info)

    def _body(self, outcome: Outcome, reference: str) -> bytes:
        """The message that is answered."""
        if outcome.fault is not None:
            form = outcome.caller.faults if outcome.caller is not None else self._conduct.faults
            message = fault_message(outcome.fault, reference, form)
        else:
            assert outcome.answer is not None
            message = outcome.answer
        return as_soap_12(message) if outcome.soap_12 else message

    def _response(self, outcome: Outcome, body: bytes) -> web.StreamResponse:
        fault = outcome.fault
        content_type = CONTENT_TYPE_12 if outcome.soap_12 else CONTENT_TYPE
        headers = {"Content-Type": content_type, **self._deprecation_headers.headers(outcome.caller)}
        if fault is not None and fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
        response = answered(500 if fault else 200, body, headers)
        if isinstance(fault, BodyRefused):
            response.force_close()
        return response

    def _log(self, call: CallRecord, reference: str, began: float, request: web.Request) -> None:
        outcome = call.outcome
        seconds = time.perf_counter() - began
        seen = call.seen(request, seconds)
        self._beside.deprecation.called(seen)
        about = {"reference": reference, "integration": seen.integration, "operation": outcome.operation}
        if seen.login is not None:
            _tell_login(seen, reference)
        _tell(outcome.findings.own, about)
        for operation, calls in by_operation(outcome.inner).items() if outcome.inner else ():
            inside = {**about, "operation": operation, "within": outcome.operation}
            _tell(summed(calls), inside)
            faults = sum(each.fault is not None for each in calls)
            log.info("inner calls", **inside, calls=len(calls), faults=faults)
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


def _trace(span: TraceSpan, outcome: Outcome, reference: str) -> None:
    """The result of a call, without anything that it says itself."""
    if span is NO_SPAN:
        return
    fault = outcome.fault
    if outcome.operation is not None:
        span.named(outcome.operation)
    if fault is not None:
        span.failed(fault.reason)
    span.tell(
        {
            "rpc.system": "soap",
            "rpc.method": outcome.operation,
            "shim.integration": outcome.caller.name if outcome.caller else None,
            "shim.reference": reference,
            "shim.version": outcome.schema_version,
            "shim.findings": sum(1 for _ in outcome.findings.own),
            "shim.fault.code": fault.code if fault else None,
            "http.response.status_code": 500 if fault else 200,
        }
    )


def _tell(findings: Iterable[Finding], about: Mapping[str, str | None]) -> None:
    for finding in findings:
        log.info(
            "finding",
            **about,
            code=finding.code,
            severity=finding.severity,
            path=finding.path,
            because=finding.because,
            place=finding.v3_path,
            count=finding.count,
        )


def _tell_login(seen: SeenCall, reference: str) -> None:
    """Who could not log in, as the deprecation log keeps it."""
    login = seen.login
    assert login is not None
    log.warning(
        "login refused",
        reference=reference,
        reason=seen.fault,
        why=login.why,
        way=login.way,
        login=login.login,
        digest=login.digest,
        integration=login.integration,
        address=seen.address,
        agent=seen.agent,
    )


@dataclass(slots=True)
class CallRecord:
    """A call, what carries it out, its body and what passed untouched, as far as it has come."""

    outcome: Outcome
    performer: Performer
    body: bytes = b""
    passed: web.StreamResponse | None = None

    def spoken(self, request: web.Request, answer: bytes) -> Spoken:
        """The message that another server is asked beside the shim."""
        caller, headers = self.outcome.caller, request.headers
        return Spoken(
            integration=caller.name if caller else "",
            operation=self.outcome.operation or "",
            path=request.path,
            content_type=headers.get("Content-Type", ""),
            soap_action=headers.get("SOAPAction"),
            body=self.body,
            answer=answer,
        )

    def seen(self, request: web.Request, seconds: float) -> SeenCall:
        """The record of it for the deprecation log."""
        outcome, fault = self.outcome, self.outcome.fault
        agent = clean_agent(request.headers.get("User-Agent", ""))
        return SeenCall(
            integration=outcome.caller.name if outcome.caller else None,
            operation=outcome.operation,
            findings=outcome.findings.own,
            inner=outcome.inner,
            fault=fault.reason if fault else None,
            login=fault.login if isinstance(fault, LoginRefused) else None,
            form=outcome.caller.login if outcome.caller else None,
            version=outcome.schema_version,
            agent=agent,
            toolkit=toolkit(agent, self.body[:HEAD]),
            address=self.performer.address,
            seconds=seconds,
            request=outcome.request,
            sent=self.performer.sent,
            unsent=self.performer.unsent,
        )


_INTERNAL = ShimError(
    "internal-error", "The shim failed on this call: tell its operator the reference, it is in the log."
)
_STOPPED = ShimError("stopped", "The shim stopped before the call had ended.")
_TOO_LATE = BackendError(
    "backend-late",
    "The v3 backend took too long. Whether a write took effect is not known: look before repeating it.",
)
_READ_TOO_LATE = BackendError(
    "backend-late", "The v3 backend took too long. Nothing was changed: try again, or ask for less at once."
)
