"""Counts and seconds as Prometheus has them, where counting is an addition: what is shown is put together when
somebody looks.

Prometheus' own counters and histograms go through five functions for each addition, for kinds and checks that
none of ours needs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class Counts(Collector):
    """A counter with labels. Any thread may count."""

    def __init__(self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self.name, self.text, self.labels = name, text, tuple(labels)
        self._totals: dict[tuple[str, ...], float] = {}
        self._guard = Lock()
        registry.register(self)

    def add(self, labels: tuple[str, ...], by: float = 1) -> None:
        """Count under the values of the labels, in their order."""
        totals = self._totals
        with self._guard:
            before = totals.get(labels)
            if before is None:
                if len(labels) != len(self.labels):
                    raise ValueError(f"{self.name} has the labels {self.labels}")
                before = 0.0
            totals[labels] = before + by

    def describe(self) -> Iterable[CounterMetricFamily]:
        return [CounterMetricFamily(self.name, self.text, labels=self.labels)]

    def collect(self) -> Iterable[CounterMetricFamily]:
        family = CounterMetricFamily(self.name, self.text, labels=self.labels)
        for labels, total in tuple(self._totals.items()):
            family.add_metric(labels, total)
        return [family]


class Durations(Collector):
    """A histogram of seconds without labels, of one thread. `bounds` are the ends of its buckets, ascending."""

    def __init__(self, name: str, text: str, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self.name, self.text, self.labels = name, text, ()
        self._bounds = tuple(map(float, bounds))
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, seconds: float) -> None:
        """Count what took so long."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def describe(self) -> Iterable[HistogramMetricFamily]:
        return [HistogramMetricFamily(self.name, self.text)]

    def collect(self) -> Iterable[HistogramMetricFamily]:
        ends = (*map(floatToGoString, self._bounds), "+Inf")
        buckets = list(zip(ends, map(float, accumulate(self._counts)), strict=True))
        return [HistogramMetricFamily(self.name, self.text, buckets=buckets, sum_value=self._sum)]
