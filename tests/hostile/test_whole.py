"""Thousands of inputs made by chance, always the same: none crashes, hangs or costs more than it may.

What ever broke something stands in `found`, a file each; `make fuzz` puts them there.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.hostile.mutations import inputs, seeds
from tests.hostile.whole import TooMuch, counted, judged, put_together, through

FOUND = sorted((Path(__file__).parent / "found").glob("*"))
COUNT = int(os.environ.get("FUZZ_INPUTS", "2000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """What is made once is made."""
    for each in seeds():
        through(each)


@pytest.mark.slow
def test_no_input_made_by_chance_crashes_hangs_or_costs_too_much() -> None:
    became = Counter[str]()
    for number, data in enumerate(inputs(SEED, COUNT)):
        try:
            became[judged(data)[0]] += 1
        except Exception as error:
            error.add_note(f"input {number} of seed {SEED}: {data[:2_000]!r}")
            raise
    assert became["answer"] > COUNT // 5, "most inputs should come far"
    assert {"bad-value", "malformed-xml", "over-limit", "encoding-refused"} <= set(became)


@pytest.mark.parametrize("name", [each.name for each in FOUND])
def test_what_was_found_once_is_taken(name: str) -> None:
    judged((Path(__file__).parent / "found" / name).read_bytes())


def test_lines_are_counted_and_too_many_end_it() -> None:
    data = put_together("/soap2/client_agent.php", b"<x/>")
    with counted(len(data)) as lines:
        through(data)
    assert lines[0] > 10
    with pytest.raises(TooMuch), counted(-1_000_000):
        through(data)
