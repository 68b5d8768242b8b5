"""Metrics: what is counted for Prometheus, in a registry of its own, with labels whose values are bounded.

Laws: no label has a value that a caller chose: integrations are those of the configuration, operations those
of the two interfaces, reasons and codes the program's own words. Counting never fails and never waits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from shim.compiled import FORM
from shim.edge.telemetry.counts import Counts, Durations

CallResult = Literal["answer", "fault", "kept-out"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 45)


@dataclass(slots=True)
class Metrics:
    """The metrics of one process. The table in docs/operating.md is checked against these."""

    registry: CollectorRegistry = field(default_factory=lambda: CollectorRegistry(auto_describe=False))
    build: Gauge = field(init=False)
    calls: Counts = field(init=False)
    call_seconds: Durations = field(init=False)
    faults: Counts = field(init=False)
    findings: Counts = field(init=False)
    ported: Counts = field(init=False)
    v3_calls: Counts = field(init=False)
    v3_seconds: Durations = field(init=False)
    retries: Counts = field(init=False)
    token_fetches: Counts = field(init=False)
    journal: Counts = field(init=False)
    journal_under_way: Gauge = field(init=False)
    journal_overdue: Gauge = field(init=False)
    journal_paused: Gauge = field(init=False)
    journal_oldest: Gauge = field(init=False)
    waiting: Gauge = field(init=False)
    spool_bytes: Gauge = field(init=False)
    flush_failures: Counter = field(init=False)
    store_down: Gauge = field(init=False)
    config_ok: Gauge = field(init=False)
    config_time: Gauge = field(init=False)
    log_dropped: Counts = field(init=False)
    refused: Counts = field(init=False)
    closed: Counts = field(init=False)
    notifications: Counts = field(init=False)
    notifications_ok: Gauge = field(init=False)
    backend_up: Gauge = field(init=False)
    identities: Gauge = field(init=False)

    def __post_init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter
        self.build = Gauge(
            "shim_build_info",
            "1, with what runs: the version, and the core compiled or from its sources.",
            ["version", "core"],
            registry=self.registry,
        )
        self.build.labels(version("systemapi-shim"), FORM).set(1)
        self.calls = self._counter("calls", "2.5 calls", "integration", "operation", "result")
        self.call_seconds = self._histogram("call_seconds", "Time of a 2.5 call, seconds")
        self.faults = self._counter("faults", "2.5 calls that were answered with a fault", "reason")
        self.findings = self._counter("findings", "Findings in calls", "code", "severity")
        self.ported = self._counter(
            "ported_calls", "Native v3 calls that passed through", "integration", "operation", "result"
        )
        self.v3_calls = self._counter("v3_calls", "v3 calls that were made", "operation", "result")
        self.v3_seconds = self._histogram("v3_call_seconds", "Time of a v3 call with its repeats, seconds")
        self.retries = self._counter("v3_retries", "v3 calls that were repeated", "reason")
        self.token_fetches = self._counter("token_fetches", "Access tokens asked for", "result")
        self.journal = self._counter(
            "journal_entries", "Journalled calls, by how they ended", "result", "recovered"
        )
        self.journal_under_way = self._gauge("journal_under_way", "Journalled calls that have not ended")
        self.journal_overdue = self._gauge("journal_overdue", "Those that began longer ago than journal.lease")
        self.journal_paused = self._gauge("journal_paused", "Journalled calls that wait for the operator")
        self.journal_oldest = self._gauge(
            "journal_oldest_seconds", "Age of the oldest journalled call that has not ended, seconds"
        )
        self.waiting = self._gauge("deprecation_waiting_calls", "Calls that are not yet in the store")
        self.spool_bytes = self._gauge("deprecation_spool_bytes", "What lies in the spool, bytes")
        self.flush_failures = Counter(
            "shim_deprecation_flush_failures", "Writes that the store did not take.", registry=self.registry
        )
        self.refused = self._counter("connections_refused", "Connections that were not taken", "reason")
        self.closed = self._counter("connections_closed", "Connections that were cut or given up", "reason")
        self.backend_up = Gauge(
            "shim_backend_up",
            "1 while an address of the backend is asked.",
            ["address"],
            registry=self.registry,
        )
        self.log_dropped = self._counter("log_dropped_lines", "Log lines that could not be written", "reason")
        self.notifications = self._counter(
            "notifications", "Notifications that a receiver took, or did not", "receiver", "result"
        )
        self.notifications_ok = self._gauge(
            "notifications_last_look_successful", "1 when the last look for what is to be told worked"
        )
        self.store_down = self._gauge("store_down", "1 while the store does not take the deprecation log")
        self.config_ok = self._gauge(
            "config_last_reload_successful", "1 when the configuration was taken over the last time it was read"
        )
        self.config_time = self._gauge(
            "config_last_reload_success_timestamp_seconds", "When the configuration was last taken over"
        )
        self.identities = self._gauge(
            "identities", "Extensions in the identity map; unconfirmed ones still answer", "state"
        )

    def count(self, counter: Counts, *labels: str, by: float = 1) -> None:
        """Count under these labels."""
        counter.add(labels, by)

    def watch_process(self) -> None:
        """Count memory, CPU and files of this process as well."""
        ProcessCollector(registry=self.registry)

    def text(self) -> bytes:
        """All of it in the text format of Prometheus, whose content type is `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def config_read(self, at: float, *, worked: bool) -> None:
        """The configuration was read at that time, seconds since 1970."""
        self.config_ok.set(worked)
        if worked:
            self.config_time.set(at)

    def journal_ended(self, state: str, *, recovered: bool) -> None:
        self.count(self.journal, state, "yes" if recovered else "no")

    def log_line_dropped(self, reason: str) -> None:
        self.count(self.log_dropped, reason)

    def _counter(self, name: str, text: str, *labels: str) -> Counts:
        return Counts(f"shim_{name}", f"{text}.", labels, self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"shim_{name}", f"{text}.", labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Durations:
        return Durations(f"shim_{name}", f"{text}.", _SECONDS, self.registry)
