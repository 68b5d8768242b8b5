"""Where bars stand, and how numbers and times are written."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from shim.review.output import labels
from shim.review.page import charts
from shim.review.reading.model import Day

TODAY = date(2026, 3, 12)


@pytest.mark.parametrize(
    ("most", "top"),
    [
        (0, 2),
        (1, 2),
        (3, 4),
        (5, 6),
        (11, 12),
        (17, 20),
        (40, 40),
        (41, 50),
        (110, 120),
        (345, 400),
        (1234, 1600),
    ],
)
def test_the_upper_edge_is_round_and_has_a_whole_half(most: int, top: int) -> None:
    assert charts.round_up(most) == top
    assert top % 2 == 0


def test_bars_stack_from_the_foot_and_stay_within() -> None:
    days = [Day(TODAY - timedelta(days=number), 30 * number, 10) for number in (3, 2, 1, 0)]
    chart = charts.calls("x", "Calls", days)
    assert chart.top == 100
    first, *_, last = chart.bars
    assert (first.old_top, first.old_height) == (10, 90)
    assert (first.new_top, first.new_height) == (0, 10)
    assert (last.old_height, last.new_top) == (0, 90)
    assert 0 < first.x < last.x < last.x + last.width < 100
    assert chart.days == (date(2026, 3, 9), date(2026, 3, 11), TODAY)
    assert chart.words == "180 calls in 2.5 and 40 in v3 from 9 March to 12 March; 0 and 10 on the last day."


def test_no_days_make_an_empty_picture() -> None:
    chart = charts.calls("x", "Calls", [])
    assert (chart.bars, chart.days, chart.words) == ((), (), "0 calls in 2.5 and 0 in v3.")


def test_counts_fill_the_days_between_and_forget_what_is_long_ago() -> None:
    chart = charts.counts("x", "Times", [(TODAY - timedelta(days=20), 3), (TODAY, 1)], TODAY)
    assert [each.day.old for each in chart.bars] == [3, *[0] * 19, 1]
    assert chart.words == "4 times from 20 February to 12 March."
    assert len(charts.counts("x", "Times", [(TODAY, 1)], TODAY).bars) == 14
    assert len(charts.counts("x", "Times", [(date(2020, 1, 1), 1), (TODAY, 1)], TODAY).bars) == 90


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.01, "< 0.1"), (0.25, "0.2"), (7, "7"), (9.96, "10"), (12345.4, "12,345")]
)
def test_numbers(value: float, text: str) -> None:
    assert labels.number(value) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0, "just now"),
        (5, "5 min ago"),
        (180, "3 h ago"),
        (1440, "1 day ago"),
        (90 * 1440, "90 days ago"),
        (-90, "in 1 h"),
    ],
)
def test_times(minutes: int, text: str) -> None:
    now = datetime(2026, 3, 12, 12, tzinfo=UTC)
    assert labels.ago(now - timedelta(minutes=minutes), now) == text
