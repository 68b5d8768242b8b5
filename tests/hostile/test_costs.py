"""No message costs more than it may: a hundred times its size in memory, twice an ordinary one's instructions.

Counted, not timed: memory by the kernel's high-water mark, work by the instructions that valgrind saw.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.cost import result
from tests.hostile.shapes import LARGEST, hostile, ordinary

MOST_TIMES = 100
FREE = 1 << 20
"""Bytes of memory that any message may cost: what references may bring in whatever its size."""
MOST_WORK = 2.5
"""Times the instructions of an ordinary message as large as may be; measured: 2.1."""
ROOT = Path(__file__).parents[2]


def measured(*command: str) -> list[dict[str, Any]]:
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, timeout=500)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_message_of_the_corpus_is_one_that_is_looked_at() -> None:
    for name, message in (hostile() | ordinary()).items():
        assert len(message) <= LARGEST, name
    assert {result(message) for message in ordinary().values()} == {"taken"}


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux tells how far memory grew")
def test_no_message_costs_more_than_a_hundred_times_its_size_in_memory() -> None:
    costs = measured(sys.executable, "-m", "tests.hostile.cost", "memory")
    assert {each["name"] for each in costs} == {"", *ordinary(), *hostile()}
    parser = next(each["grown"] for each in costs if not each["name"])
    over = [each for each in costs if each["grown"] - parser > max(FREE, MOST_TIMES * each["size"])]
    assert over == []
    assert max(each["grown"] for each in costs) > 8 * parser, "nothing was measured"


@pytest.mark.slow
def test_no_message_costs_much_more_instructions_than_an_ordinary_one(tmp_path: Path) -> None:
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        assert not os.environ.get("CI"), "valgrind is missing: install it"
        pytest.skip("needs valgrind, which counts instructions")
    command = (valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
    python = (sys.executable, "-m", "tests.hostile.cost", "work")
    costs = measured(*command, f"--log-file={tmp_path}/%p", *python)
    counted = {each["name"]: instructions(tmp_path / str(each["pid"])) for each in costs}
    start = counted.pop("")
    most = MOST_WORK * max(counted[name] - start for name in ordinary())
    assert {name: count for name, count in counted.items() if count - start > most} == {}
    assert set(counted) == {*ordinary(), *hostile()}


def instructions(log: Path) -> int:
    found = re.search(r"I\s+refs:\s+([\d,]+)", log.read_text())
    assert found is not None, log.read_text()
    return int(found[1].replace(",", ""))
