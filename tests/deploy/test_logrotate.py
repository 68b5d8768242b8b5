"""The example for logrotate: logrotate takes it, and a shim that logs into the file loses no line over it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import structlog

from shim.edge.settings.model import Log
from shim.edge.telemetry.log import logging_to
from tests.deploy.test_alerts import ROOT

LOGROTATE = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin")


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def holds(path: Path, text: str) -> bool:
    return path.exists() and text in path.read_text()


def test_a_rotation_loses_no_line(tmp_path: Path) -> None:
    if LOGROTATE is None:
        assert not os.environ.get("CI"), "logrotate is missing: Debian's package is logrotate"
        pytest.skip("logrotate (Debian's package) is not installed")
    text = (ROOT / "deploy" / "logrotate" / "shim").read_text()
    text = text.replace("/var/log/shim", str(tmp_path)).replace("    su shim shim\n", "")
    rules = tmp_path / "rules"
    rules.write_text(text.replace("delaycompress", "nocompress").replace("    compress\n", ""))
    rules.chmod(0o644)
    with logging_to(Log(file=tmp_path / "shim.log", format="json")):
        log = structlog.get_logger()
        for number in range(3):
            log.info("line", number=number)
            until(partial(holds, tmp_path / "shim.log", f'"number": {number}'))
            done = subprocess.run(
                [LOGROTATE, "--force", "--state", str(tmp_path / "state"), str(rules)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            (rotated,) = [each for each in tmp_path.glob("shim.log-*") if not each.name.endswith(".kept")]
            rotated.rename(tmp_path / f"{number}.kept")
        log.info("line", number=3)
    lines = "".join(each.read_text() for each in [*sorted(tmp_path.glob("*.kept")), tmp_path / "shim.log"])
    assert [f'"number": {number}' in lines for number in range(4)] == [True] * 4
