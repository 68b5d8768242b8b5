"""What is counted is shown as Prometheus' own counters and histograms would show it."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from shim.edge.telemetry.counts import Counts, Durations

BOUNDS = (0.005, 0.1, 1, 2.5, 45)


@pytest.fixture(autouse=True)
def no_second_series() -> None:
    disable_created_metrics()  # type: ignore[no-untyped-call]


def test_counts_are_shown_as_a_counter_of_prometheus_is() -> None:
    ours, theirs = CollectorRegistry(auto_describe=False), CollectorRegistry(auto_describe=False)
    counts = Counts("shim_calls", "2.5 calls.", ("operation", "result"), ours)
    counter = Counter("shim_calls", "2.5 calls.", ("operation", "result"), registry=theirs)
    assert generate_latest(ours) == generate_latest(theirs), "nothing was counted"
    for operation, result, by in (("B", "answer", 1), ("A", 'f"\n\\', 3), ("B", "answer", 0.5), ("é", "", 2)):
        counts.add((operation, result), by)
        counter.labels(operation, result).inc(by)
    assert generate_latest(ours) == generate_latest(theirs)
    assert ours.get_sample_value("shim_calls_total", {"operation": "B", "result": "answer"}) == 1.5


def test_seconds_are_shown_as_a_histogram_of_prometheus_is() -> None:
    ours, theirs = CollectorRegistry(auto_describe=False), CollectorRegistry(auto_describe=False)
    seconds = Durations("shim_seconds", "Time of a call.", BOUNDS, ours)
    histogram = Histogram("shim_seconds", "Time of a call.", registry=theirs, buckets=BOUNDS)
    assert generate_latest(ours) == generate_latest(theirs), "nothing was observed"
    for each in (0.0, 0.004, 0.005, 0.0051, 0.7, 1, 1.0000001, 44.9, 45, 46, 1e6):
        seconds.observe(each)
        histogram.observe(each)
    assert generate_latest(ours) == generate_latest(theirs)


def test_a_name_is_taken_once() -> None:
    registry = CollectorRegistry(auto_describe=False)
    Counts("shim_calls", "2.5 calls.", ("result",), registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Counts("shim_calls", "2.5 calls.", ("result",), registry)


def test_values_that_are_not_those_of_the_labels_are_refused() -> None:
    counts = Counts("shim_calls", "2.5 calls.", ("operation", "result"), CollectorRegistry())
    with pytest.raises(ValueError, match="labels"):
        counts.add(("answer",))


def test_threads_count_at_once() -> None:
    registry = CollectorRegistry()
    counts = Counts("shim_calls", "2.5 calls.", ("result",), registry)

    def count() -> None:
        for _ in range(5_000):
            counts.add(("answer",))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert registry.get_sample_value("shim_calls_total", {"result": "answer"}) == 20_000
