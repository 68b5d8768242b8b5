"""Figures of the benchmark: medians, ratios within a round, and the page that they are published on."""

from __future__ import annotations

import json
import re

import pytest

from bench.figures import Spread, compared, table
from bench.page import PAGE, ROOT, refreshed


def test_a_spread_is_the_median_and_the_quartiles() -> None:
    assert Spread.of([5, 1, 3, 2, 4]) == Spread(3, 2, 4)
    assert Spread.of([7.5]) == Spread(7.5, 7.5, 7.5)


def test_a_ratio_is_that_of_two_measurements_of_the_same_round() -> None:
    """Both are twice as slow in the second round: what disturbs both leaves the ratio alone."""
    figure = compared("x", "µs", {"bare": [10, 20, 10], "shim": [30, 60, 30]}, {"shim / bare": 2.0})
    assert figure.ratios == {"shim / bare": Spread(3, 3, 3)}


def test_rounds_that_do_not_pair_are_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        compared("x", "µs", {"bare": [10, 20], "shim": [30]}, {})


def test_a_table_names_values_ratios_and_aims() -> None:
    row = table([compared("x", "µs", {"bare": [100, 100], "shim": [300, 300]}, {"shim / bare": 2.0})])
    assert row.splitlines()[-1] == (
        "| x | bare 100, shim 300 µs | shim / bare **3.00** (3.00-3.00) | shim / bare ≤ 2 |"
    )


def test_the_page_has_the_tables_of_the_files_that_it_names() -> None:
    text = PAGE.read_text("utf-8")
    names = re.findall(r"<!-- results: (\S+) -->", text)
    assert names
    assert refreshed(text) == text, "run python -m bench.page"
    for name in names:
        machine = json.loads((ROOT / "bench" / "results" / name).read_text("utf-8"))["machine"]
        assert {"cores", "cpu", "python", "libraries", "commit", "at"} <= set(machine)
