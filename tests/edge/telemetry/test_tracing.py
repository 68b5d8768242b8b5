"""Traces: from a call through each v3 call and each write of the store, in the caller's trace, if wanted."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shim.edge.app import open_application
from shim.edge.serve import Server
from shim.edge.settings.load import Config, ConfigError
from shim.edge.settings.telemetry import Telemetry
from shim.edge.telemetry import tracing
from shim.edge.telemetry.otel import Otel
from tests.end_to_end.messages import CLIENT, GET_CLIENTS, add_client, envelope, request
from tests.end_to_end.running import Backend, make_tls, running_shim, settings_for
from tests.end_to_end.sinks import until
from tests.end_to_end.wire import answered, post

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FLAGGED = f"00-{TRACE}-{CALLER}-01"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend()
    yield backend
    backend.close()


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest_asyncio.fixture
async def url(backend: Backend, spans: InMemorySpanExporter, tmp_path: Path) -> AsyncIterator[str]:
    """A shim in this process whose spans are kept."""
    settings = settings_for(backend.url, make_tls(tmp_path), tmp_path, {})
    config = Config.model_validate(settings)
    otel = Otel(Telemetry(sample=0.0), SimpleSpanProcessor(spans))
    async with open_application(config, tracing=otel) as application:
        server = Server(application)
        await server.start()
        yield f"http://127.0.0.1:{server.addresses['http'][1]}{CLIENT}"
        await server.stop()


async def called(url: str, body: bytes, traceparent: str | None = FLAGGED) -> int:
    headers = {"Content-Type": "text/xml"} | ({"traceparent": traceparent} if traceparent else {})
    async with ClientSession() as http, http.post(url, data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [each for each in spans.get_finished_spans() if each.name == name]


def ids(span: ReadableSpan) -> tuple[str, str]:
    """Its trace and itself, in hexadecimal as headers have them."""
    return f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"


def parent(span: ReadableSpan) -> str:
    return f"{span.parent.span_id:016x}" if span.parent is not None else ""


async def test_a_call_is_a_part_of_its_callers_trace_and_v3_is_told_of_it(
    url: str, backend: Backend, spans: InMemorySpanExporter
) -> None:
    since = len(backend.exchanges)
    assert await called(url, GET_CLIENTS) == 200
    [call], [v3] = named(spans, "Client.GetClients"), named(spans, "Organization.GetOrganizations")
    assert (ids(call)[0], parent(call)) == (TRACE, CALLER)
    assert (ids(v3)[0], parent(v3)) == (TRACE, ids(call)[1])
    told = [each.headers.get("traceparent") for each in backend.exchanges[since:] if b"GetOrg" in each.body]
    assert told == [f"00-{TRACE}-{ids(v3)[1]}-01"]
    facts = dict(call.attributes or {})
    assert (facts["shim.integration"], facts["shim.version"]) == ("acme", "2.5.1")
    assert facts["http.response.status_code"] == 200


async def test_each_v3_call_and_each_write_of_the_store_has_its_span(
    url: str, backend: Backend, spans: InMemorySpanExporter
) -> None:
    since = len(backend.world.calls)
    assert await called(url, add_client("traced-one")) == 200
    [call] = named(spans, "Client.AddClient")
    within = [each for each in spans.get_finished_spans() if ids(each)[0] == TRACE and each is not call]
    made = [each.name for each in within if each.name != "store write"]
    assert sorted(made) == sorted(seen.operation for seen in backend.calls[since:])
    assert any(each.name == "store write" for each in within)
    assert all(each.start_time >= call.start_time and each.end_time <= call.end_time for each in within)


async def test_a_fault_is_told_with_its_reason_and_nothing_that_was_sent(
    url: str, spans: InMemorySpanExporter
) -> None:
    body = envelope(request("GetClientDetailsRequest", "<ID>4711-zqmark</ID>"))
    assert await called(url, body) == 500
    [call] = named(spans, "Client.GetClientDetails")
    assert not call.status.is_ok
    assert call.status.description
    for span in spans.get_finished_spans():
        assert "zqmark" not in span.to_json()
        assert "acme-secret" not in span.to_json()


@pytest.mark.parametrize("traceparent", [None, f"00-{TRACE}-{CALLER}-00", "no trace at all"])
async def test_a_call_whose_caller_does_not_trace_is_traced_by_share(
    url: str, spans: InMemorySpanExporter, traceparent: str | None
) -> None:
    assert await called(url, GET_CLIENTS, traceparent) == 200
    assert spans.get_finished_spans() == ()


async def test_what_is_beside_calls_is_not_traced(url: str, spans: InMemorySpanExporter) -> None:
    async with ClientSession() as http, http.get(url.replace(CLIENT, "/readyz")) as answer:
        assert answer.status == 200
    assert spans.get_finished_spans() == ()
    assert tracing.headers() == {}


# ---- sent over HTTP ----


class Collector(http.server.BaseHTTPRequestHandler):
    """Keeps what comes as OTLP."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.server.kept.append((self.path, body))  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_traces_are_sent_as_otlp_over_http(backend: Backend, tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector) as collector:
        kept: list[tuple[str, bytes]] = []
        collector.kept = kept  # type: ignore[attr-defined]
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        settings = {"telemetry.otlp_endpoint": f"http://127.0.0.1:{collector.server_port}"}
        with running_shim(backend.url, make_tls(tmp_path), settings) as shim:
            answered(post(shim, GET_CLIENTS))
        # the end of the shim has sent what was left
        collector.shutdown()
    sent = [ExportTraceServiceRequest.FromString(body) for path, body in kept if path == "/v1/traces"]
    spans = [
        span for each in sent for of in each.resource_spans for scope in of.scope_spans for span in scope.spans
    ]
    [call] = [each for each in spans if each.name == "Client.GetClients"]
    [v3] = [each for each in spans if each.name == "Organization.GetOrganizations"]
    assert (v3.trace_id, v3.parent_span_id) == (call.trace_id, call.span_id)
    services = {
        attribute.value.string_value
        for each in sent
        for of in each.resource_spans
        for attribute in of.resource.attributes
        if attribute.key == "service.name"
    }
    assert services == {"systemapi-shim"}


def test_a_collector_that_is_away_costs_traces_and_no_call(backend: Backend, tmp_path: Path) -> None:
    settings = {"telemetry.otlp_endpoint": "http://127.0.0.1:9"}
    with running_shim(backend.url, make_tls(tmp_path), settings) as shim:
        answered(post(shim, GET_CLIENTS))
        assert shim.said("traces not sent")["problem"]
        answered(post(shim, GET_CLIENTS))
        until(lambda: "Traceback" not in shim.log, "nothing but lines of the log")


# ---- not wanted, or not installed ----


def test_nothing_of_it_is_loaded_without_the_setting() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, shim.cli.serve, shim.edge.serve, shim.edge.app\n"
            "from shim.edge.settings.load import load_config\n"
            "from shim.edge.telemetry.tracing import open_tracing\n"
            "config = load_config(None, {'backend.url': 'https://v3.example.com'}, environ={})\n"
            "assert open_tracing(config) is None\n"
            "print(sorted(each for each in sys.modules if each.startswith('opentelemetry')))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"


def test_off_a_part_of_a_call_is_always_the_same_nothing() -> None:
    assert tracing.part("a") is tracing.part("b", "client")
    with tracing.part("a") as span:
        span.named("b")
        span.tell({"a": 1})
        span.failed("c")
        assert span is tracing.NO_SPAN
    assert tracing.headers() == {}


def wanting() -> Config:
    endpoint = {"otlp_endpoint": "http://collector:4318"}
    return Config.model_validate({"backend": {"url": "https://v3.example.com"}, "telemetry": endpoint})


def test_without_the_extra_the_start_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tracing.judge_telemetry(wanting()) == []
    monkeypatch.setattr(tracing, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"systemapi-shim\[otel\]"):
        tracing.open_tracing(wanting())
