"""The hardening of the systemd unit, by systemd's own judgement."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "shim.service"
MOST = 12
"""Exposure in tenths, from 0 (none) to 100. What is left is that the shim uses the network."""


def exposed(unit: Path) -> subprocess.CompletedProcess[str]:
    """systemd's judgement, offline; its exit code is 1 when the exposure is above the bound."""
    program = shutil.which("systemd-analyze")
    if program is None:
        assert not os.environ.get("CI"), "systemd-analyze is missing: it is in Debian's package systemd"
        pytest.skip("systemd-analyze is not installed")
    command = [program, "security", "--offline=yes", "--no-pager", f"--threshold={MOST}", str(unit)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_unit_is_as_closed_as_it_was() -> None:
    done = exposed(UNIT)
    assert done.returncode == 0, done.stdout[-400:] + done.stderr
    assert "Overall exposure level for shim.service" in done.stdout


def test_a_unit_that_is_more_open_is_noticed(tmp_path: Path) -> None:
    opened = tmp_path / "shim.service"
    closed = "ProtectSystem=strict\n"
    assert closed in UNIT.read_text()
    opened.write_text(UNIT.read_text().replace(closed, ""))
    assert exposed(opened).returncode != 0
