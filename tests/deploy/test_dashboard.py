"""The Grafana dashboard: Prometheus parses what it asks, and it asks for what the shim has."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from shim.edge.telemetry.counts import Counts, Durations
from shim.edge.telemetry.metrics import Metrics
from tests.deploy.test_alerts import PROMTOOL, ROOT, needs_promtool

DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy" / "grafana" / "systemapi-shim.json").read_text("utf-8"))
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
NOT_OURS = {"up"}
LEFT_OUT = {
    "shim_build_info",
    "shim_config_last_reload_success_timestamp_seconds",
    "shim_deprecation_flush_failures_total",
}
"""What shows in another panel as well, or says nothing that changes."""


def exposed() -> dict[str, str]:
    """Types by name of what the shim exposes."""
    metrics = Metrics()
    metrics.watch_process()
    return dict(re.findall(r"^# TYPE (\S+) (\S+)", metrics.text().decode(), re.MULTILINE))


def test_it_asks_for_metrics_that_the_shim_has() -> None:
    types = exposed()
    known = {*types, *(f"{name}_bucket" for name, kind in types.items() if kind == "histogram"), *NOT_OURS}
    for expression in EXPRESSIONS:
        used = set(re.findall(r"\b(?:shim_[a-z0-9_]+|process_[a-z_]+|up)\b(?=[\[{),]|$)", expression))
        assert used, expression
        assert used <= known, f"{expression} reads {used - known}"


def test_what_the_shim_counts_is_on_it() -> None:
    ours = {name for name in exposed() if name.startswith("shim_")}
    missing = {name for name in ours if not any(name in each for each in EXPRESSIONS)}
    assert missing <= LEFT_OUT


def test_rates_are_of_counters_and_by_labels_that_they_have() -> None:
    labels = {
        f"{name}{suffix}": own
        for name, own in labels_of(Metrics()).items()
        for suffix in ("", "_total", "_bucket")
    }
    for expression in EXPRESSIONS:
        [name, *_] = re.findall(r"\b(shim_[a-z0-9_]+|process_[a-z_]+|up)\b", expression)
        for wanted in re.findall(r"by \(([a-z, ]+)\)", expression):
            assert {each.strip() for each in wanted.split(",")} <= labels[name] | {"le"}, expression
        if "rate(" in expression:
            assert name.endswith(("_total", "_bucket")), expression


def labels_of(metrics: Metrics) -> dict[str, set[str]]:
    """Labels by name, of our own metrics and of those that are Prometheus' own."""
    values = [getattr(metrics, name) for name in Metrics.__dataclass_fields__]
    ours = {each.name: set(each.labels) for each in values if isinstance(each, Counts | Durations)}
    return ours | {each._name: set(each._labelnames) for each in values if hasattr(each, "_labelnames")}


def test_prometheus_parses_every_expression(tmp_path: Path) -> None:
    needs_promtool()
    plain = [each.replace("$__rate_interval", "5m") for each in EXPRESSIONS]
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(plain)]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    done = subprocess.run(
        [str(PROMTOOL), "check", "rules", "rules.yml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_panels_have_places_of_their_own() -> None:
    seen: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & seen, panel["title"]
        assert at["x"] + at["w"] <= 24
        seen |= cells
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
