"""Where the calls of 2.5 are going: a line through whole days, and when it comes to nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from shim.review.page import trend_charts
from shim.review.reading.model import Day
from shim.review.reading.trend import trend

TODAY = date(2026, 3, 12)


def days(counts: Sequence[int], today: int = 0) -> list[Day]:
    """These many calls on the days before today."""
    past = len(counts)
    made = [Day(TODAY - timedelta(days=past - at), count, 0) for at, count in enumerate(counts)]
    return [*made, Day(TODAY, today, 0)]


def test_a_line_that_falls_by_ten_a_day_ends_when_it_is_used_up() -> None:
    found = trend(days([*range(300, 20, -10)]), TODAY)
    assert (found.week, found.before) == (sum(range(30, 100, 10)), sum(range(100, 170, 10)))
    assert found.zero == TODAY + timedelta(days=2)  # 30 yesterday, 20 today, then 10, and nothing
    assert (found.fitted, found.a_day) == (28, 30)


def test_weekends_do_not_bend_the_line_much() -> None:
    week = [1, 1, 1, 1, 1, 0, 0]
    counts = [(400 - 10 * at) * week[at % 7] for at in range(28)]
    zero = trend(days(counts), TODAY).zero
    assert zero is not None
    assert 5 <= (zero - TODAY).days <= 20


@pytest.mark.parametrize(
    "counts",
    [[100] * 28, [*range(28)], [100] * 13, [], [0] * 28],
    ids=["level", "rising", "few", "none", "zeros"],
)
def test_without_a_line_that_falls_there_is_no_day(counts: list[int]) -> None:
    assert trend(days(counts), TODAY).zero is None


def test_a_day_that_is_not_over_does_not_count() -> None:
    counts = [*range(300, 20, -10)]
    assert trend(days(counts), TODAY) == trend(days(counts, today=9999), TODAY)


def test_days_before_the_first_call_are_not_a_rise_from_nothing() -> None:
    found = trend(days([*[0] * 10, *range(200, 40, -10)]), TODAY)
    assert (found.fitted, found.before) == (16, sum(range(120, 190, 10)))
    assert found.zero is not None


def test_a_week_without_one_before_is_compared_with_none() -> None:
    assert trend(days([5] * 10), TODAY).before is None


def test_it_is_the_same_however_many_days_are_given() -> None:
    """A program that calls every fifth day has days without a call at the beginning of any four weeks."""
    counts = [4 if at % 5 == 0 else 0 for at in range(90)]
    began = TODAY - timedelta(days=90)
    assert trend(days(counts), TODAY, began) == trend(days(counts[-28:]), TODAY, began)
    assert trend(days(counts), TODAY, began).fitted == 28
    late = trend(days(counts[-28:]), TODAY, TODAY - timedelta(days=20))
    assert late.fitted == 20


@pytest.mark.parametrize(
    ("sunset", "said"),
    [
        (None, "the last call would come around 14 Mar 2026."),
        (date(2026, 3, 20), "before the sunset on 20 Mar 2026."),
        (date(2026, 3, 13), "1 day after the sunset on 13 Mar 2026."),
    ],
)
def test_the_day_stands_beside_the_sunset(sunset: date | None, said: str) -> None:
    found = days([*range(300, 20, -10)])
    words = trend_charts.sentence(trend(found, TODAY), TODAY, sunset)
    assert "420 calls of 2.5 in the last seven whole days, 910 in the seven before: 54% less." in words
    assert said in words


def test_the_picture_holds_the_past_the_way_down_and_the_sunset() -> None:
    found = days([*range(300, 20, -10)])
    made = trend_charts.chart(trend(found, TODAY), found, TODAY, date(2026, 3, 20))
    assert len(made.past) == 27
    assert made.ahead is not None
    assert made.ahead.y2 == 100
    assert [each.name for each in made.marks] == ["today", "sunset"]
    assert made.marks[1].x == 100
    assert all(
        0 <= value <= 100 for line in (*made.past, made.ahead) for value in (line.x1, line.y1, line.x2, line.y2)
    )
    assert made.feet == (found[0].day, date(2026, 3, 20))


def test_a_line_that_ends_beyond_the_picture_is_cut_where_it_leaves_it() -> None:
    found = days([10_000 - at for at in range(28)])
    made = trend_charts.chart(trend(found, TODAY), found, TODAY, None)
    assert made.ahead is None or made.ahead.y2 < 100
    empty = trend_charts.chart(trend([], TODAY), [], TODAY, None)
    assert (empty.past, empty.ahead) == ((), None)
