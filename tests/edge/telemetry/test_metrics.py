"""The page for operators has every metric and every event of the deprecation log; registries stand alone."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client import REGISTRY

from shim.edge.telemetry.counts import Counts, Durations
from shim.edge.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "operating.md").read_text("utf-8")


def documented() -> dict[str, list[str]]:
    """Metrics of the page's table with their labels."""
    rows = re.findall(r"^\| `(shim_\w+)` \| ([\w, ]*?) *\|", PAGE, re.MULTILINE)
    return {name: labels.split(", ") if labels else [] for name, labels in rows}


def test_the_page_has_every_metric_with_its_labels() -> None:
    made = {}
    for each in Metrics().registry._collector_to_names:
        if isinstance(each, Counts | Durations):
            made[each.name + ("_total" if isinstance(each, Counts) else "")] = list(each.labels)
            continue
        suffix = "_total" if each._type == "counter" else ""  # type: ignore[attr-defined]
        made[each._name + suffix] = list(each._labelnames)  # type: ignore[attr-defined]
    assert documented() == made


def test_the_page_has_every_event_of_the_deprecation_log_and_the_journal() -> None:
    events = set()
    for path in sorted((ROOT / "shim" / "edge").rglob("*.py")):
        events |= set(
            re.findall(r'log\.\w+\(\s*"(deprecation [^"]+|journal|journal unavailable)"', path.read_text())
        )
    assert len(events) > 8
    assert events <= set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))


def test_two_processes_in_one_program_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.count(one.calls, "billing", "Client.GetClients", "answer")
    series = 'shim_calls_total{integration="billing",operation="Client.GetClients",result="answer"} 1.0'
    assert series in one.text().decode()
    assert series not in other.text().decode()
    assert not any(name.startswith("shim_") for name in REGISTRY._names_to_collectors)
    assert "_created" not in one.text().decode()


def test_the_process_is_watched_when_asked_for() -> None:
    metrics = Metrics()
    assert b"process_cpu_seconds_total" not in metrics.text()
    metrics.watch_process()
    assert b"process_cpu_seconds_total" in metrics.text()
