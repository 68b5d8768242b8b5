"""Figures of the benchmark: medians, ratios within a round, and the page that they are published on."""

from __future__ import annotations

import json
import re

import pytest

from bench.figures import Spread, compared, table
from bench.page import PAGE, ROOT, chart, is_line, refreshed


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


def test_a_ratio_is_only_told_where_its_peer_was_measured() -> None:
    assert compared("x", "µs", {"10": [5, 5], "100": [6, 6]}, {}).ratios == {}


def test_points_are_drawn_as_a_line_from_nought() -> None:
    figure = compared("CPU by rows", "µs", {"1": [100, 100], "10": [200, 200]}, {})
    assert is_line(figure)
    assert not is_line(compared("x", "µs", {"shim": [1]}, {}))
    drawn = chart(figure).splitlines()
    assert drawn[0] == "```mermaid"
    assert "    x-axis [1, 10]" in drawn
    assert '    y-axis "µs a call" 0 --> 240' in drawn
    assert "    line [100, 200]" in drawn


def test_the_page_has_the_tables_of_the_files_that_it_names() -> None:
    text = PAGE.read_text("utf-8")
    names = re.findall(r"<!-- (?:results|charts): (\S+) -->", text)
    assert names
    assert refreshed(text) == text, "run python -m bench.page"
    for name in names:
        machine = json.loads((ROOT / "bench" / "results" / name).read_text("utf-8"))["machine"]
        assert {"cores", "cpu", "python", "libraries", "commit", "at"} <= set(machine)
