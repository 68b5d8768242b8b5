"""Traces by OpenTelemetry, sent as OTLP over HTTP by a thread of its own. Imported only where configured."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from urllib.parse import urlsplit

import structlog
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shim.edge.settings.telemetry import Telemetry
from shim.edge.telemetry.tracing import UNDER_WAY, Kind

log = structlog.get_logger()

_KINDS = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_CONTEXT = ("traceparent", "tracestate")
_QUIET = 60.0
"""Seconds between two lines that say that traces were not sent."""


class _Span:
    """A span of OpenTelemetry, with what the shim says of it."""

    __slots__ = ("_span",)

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def named(self, name: str) -> None:
        self._span.update_name(name)

    def tell(self, facts: Mapping[str, str | int | None]) -> None:
        for name, value in facts.items():
            if value is not None:
                self._span.set_attribute(name, value)

    def failed(self, reason: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, reason))


class Otel:
    """Makes spans and has them sent. `processor` takes the spans in place of the exporter, for tests."""

    def __init__(self, settings: Telemetry, processor: SpanProcessor | None = None) -> None:
        about = {"service.name": settings.service_name, "service.version": version("systemapi-shim")}
        self._provider = TracerProvider(
            resource=Resource.create(about),
            sampler=ParentBased(TraceIdRatioBased(settings.sample)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor or _exporting(settings))
        self._tracer = self._provider.get_tracer("shim", version("systemapi-shim"))
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def call(self, headers: Mapping[str, str]) -> Iterator[_Span]:
        carrier = {name: headers[name] for name in _CONTEXT if name in headers}
        parent = self._propagator.extract(carrier, Context())
        previous = UNDER_WAY.set(self)
        try:
            with self._within("2.5 call", "server", parent) as span:
                yield span
        finally:
            UNDER_WAY.reset(previous)

    @contextmanager
    def part(self, name: str, kind: Kind) -> Iterator[_Span]:
        with self._within(name, kind, None) as span:
            yield span

    @contextmanager
    def _within(self, name: str, kind: Kind, parent: Context | None) -> Iterator[_Span]:
        span = self._tracer.start_span(name, parent, _KINDS[kind])
        token = attach(trace.set_span_in_context(span))
        try:
            yield _Span(span)
        except Exception as error:
            # what an exception says may hold a value of a message: its kind alone is told
            span.set_status(Status(StatusCode.ERROR, str(getattr(error, "reason", type(error).__name__))))
            raise
        finally:
            detach(token)
            span.end()

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier

    def close(self) -> None:
        self._provider.shutdown()


def _exporting(settings: Telemetry) -> SpanProcessor:
    _tell_of_trouble()
    url = settings.otlp_endpoint or ""
    if not urlsplit(url).path:
        url += "/v1/traces"
    return BatchSpanProcessor(OTLPSpanExporter(endpoint=url, timeout=settings.timeout))


class _Trouble(logging.Handler):
    """Tells in the shim's own log that traces were not sent, now and then; they are lost, calls are not."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._logged_at: float | None = None

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if self._logged_at is None or now - self._logged_at >= _QUIET:
            self._logged_at = now
            log.warning("traces not sent", problem=record.getMessage()[:300])


def _tell_of_trouble() -> None:
    library = logging.getLogger("opentelemetry")
    library.propagate = False
    library.handlers = [_Trouble()]
