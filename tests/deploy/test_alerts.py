"""Alert rules: Prometheus takes them, they fire as their own tests say, and they name metrics that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from shim.edge.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
PROMTOOL = shutil.which("promtool")

_BUILT_IN = {"up"}


def needs_promtool() -> None:
    if PROMTOOL is None:
        assert not os.environ.get("CI"), "promtool is missing: Debian's package is prometheus"
        pytest.skip("promtool (Debian's package prometheus) is not installed")


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts.test.yml")])
def test_prometheus_takes_the_rules_and_they_fire_as_their_tests_say(arguments: tuple[str, ...]) -> None:
    needs_promtool()
    done = subprocess.run(
        [str(PROMTOOL), *arguments], cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[dict[str, object]]:
    [group] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    found: list[dict[str, object]] = group["rules"]
    return found


def names(expression: str) -> set[str]:
    """The metrics that an expression reads."""
    return set(re.findall(r"\b(?:shim_[a-z0-9_]+|up)\b", expression))


def test_every_rule_reads_metrics_that_the_shim_has() -> None:
    metrics = Metrics()
    exposed = set(re.findall(r"^# TYPE (\S+)", metrics.text().decode(), re.MULTILINE))
    known = exposed | {f"{each}_bucket" for each in exposed} | _BUILT_IN
    for rule in rules():
        used = names(str(rule["expr"]))
        assert used, rule["alert"]
        assert used <= known, f"{rule['alert']} reads {used - known}"


def test_every_alert_says_what_to_do_and_is_documented() -> None:
    page = (ROOT / "docs" / "operating.md").read_text()
    for rule in rules():
        annotations = rule["annotations"]
        assert isinstance(annotations, dict)
        assert annotations["summary"], rule["alert"]
        assert annotations["action"], rule["alert"]
        assert f"`{rule['alert']}`" in page, f"docs/operating.md does not name {rule['alert']}"
