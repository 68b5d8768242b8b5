"""`shim journal list` on a machine whose clock is wrong: leases and ages go by PostgreSQL's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from shim.edge.settings.model import JournalSettings as Settings
from shim.edge.store.database import Store, utc_now
from tests.journal.fixture import JournalFixture, Killed
from tests.journal.test_calls import ADD

pytest_plugins = ["tests.support.postgres"]

ROOT = Path(__file__).parents[2]
FAR = 7200
"""Seconds that the clock is wrong by."""


async def test_leases_are_judged_by_the_clock_of_the_database(
    postgres: Callable[[], str], tmp_path: Path
) -> None:
    url = postgres()
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"backend": {"url": "http://127.0.0.1:1"}, "store": {"url": url}}))
    await _call_left_under_way(url)
    for ahead in (0, FAR, -FAR):
        age, held = _listed(config, ahead)
        assert 0 <= age < FAR / 2, f"with a clock that is {ahead} s ahead it is {age} s old"
        assert held is not None, f"with a clock that is {ahead} s ahead nobody has it"
        assert 0 < held < FAR / 2


async def _call_left_under_way(url: str) -> None:
    """A call whose process is there no more and has it for a good while yet."""
    store = await Store.open(url)
    fixture = JournalFixture(store, settings=Settings(lease=FAR / 4))
    store._clock = utc_now
    fixture.trouble.kill_at = [12]
    with pytest.raises(Killed):
        await fixture.process().call("AddExtension", ADD)
    await store.close()


def _listed(config: Path, ahead: int) -> tuple[int, int | None]:
    """Age, and for how long it is held still (None: it is not), as the command says."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.shifted", str(ahead), "journal", "list", "--config", str(config)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "240"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [line] = [each for each in done.stdout.splitlines() if "AddExtension" in each]
    times = [int(each) for each in re.findall(r"\b(\d+) s\b", line)]
    return times[0], times[1] if len(times) > 1 else None
