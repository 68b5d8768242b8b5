"""The picture of where 2.5 is going: calls a day as they were, a dashed line to nothing, and the sunset.

All in per cent, like `charts`: time from left to right, calls from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from shim.review.output.labels import day as written
from shim.review.page.charts import round_up
from shim.review.reading.model import Day, Trend

_AHEAD = timedelta(days=370)
"""How far the picture goes beyond today."""


@dataclass(frozen=True, slots=True)
class TrendLine:
    """From one point to another."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class TrendMark:
    """A day that is named; `left` is where its name stands, so that it does not leave the picture."""

    x: float
    name: str
    left: bool


@dataclass(frozen=True, slots=True)
class TrendChart:
    """`ahead` is the line to nothing, `marks` are today and the sunset, where they are in the picture."""

    words: str
    top: int
    past: tuple[TrendLine, ...]
    ahead: TrendLine | None
    marks: tuple[TrendMark, ...]
    feet: tuple[date, ...]


def chart(trend: Trend, days: Sequence[Day], today: date, sunset: date | None) -> TrendChart:
    """Of whole days: `days` may begin before the first call and end with today, which is not over."""
    past = [each for each in days if each.day < today]
    while len(past) > 1 and not past[0].old:
        past.pop(0)
    start = past[0].day if past else today
    ends = [each for each in (trend.zero, sunset) if each is not None and today < each <= today + _AHEAD]
    beyond = [today + _AHEAD] if trend.zero is not None and trend.zero > today + _AHEAD else []
    end = max([today + timedelta(days=7), *ends, *beyond])
    long = max(1, (end - start).days)
    top = round_up(max((each.old for each in past), default=0))

    def at(day: date) -> float:
        return round(100 * (day - start).days / long, 3)

    def height(calls: float) -> float:
        return round(100 - 100 * min(calls, top) / top, 3)

    points = [(at(each.day), height(each.old)) for each in past]
    ahead = None
    if trend.zero is not None and trend.a_day is not None and past:
        last = past[-1].day
        shown = min(trend.zero, end)
        left = trend.a_day * (1 - (shown - last) / (trend.zero - last))
        ahead = TrendLine(at(last), height(trend.a_day), at(shown), height(left))
    marks = [(today, "today")] + ([(sunset, "sunset")] if sunset and start <= sunset <= end else [])
    return TrendChart(
        words=sentence(trend, today, sunset),
        top=top,
        past=tuple(TrendLine(*one, *two) for one, two in pairwise(points)),
        ahead=ahead,
        marks=tuple(TrendMark(at(day), name, at(day) > 50) for day, name in marks),
        feet=(start, end),
    )


def sentence(trend: Trend, today: date, sunset: date | None) -> str:
    """The picture in words."""
    week = f"{trend.week:,} calls of 2.5 in the last seven whole days"
    if trend.before is None:
        text = f"{week}; there is no week before to compare with."
    elif trend.before == 0:
        text = f"{week}, none in the seven before."
    else:
        change = round(100 * (trend.week - trend.before) / trend.before)
        text = (
            f"{week}, {trend.before:,} in the seven before: {abs(change)}% {'more' if change > 0 else 'less'}."
        )
        if not change:
            text = f"{week}, as many as in the seven before."
    return f"{text} {_end(trend, today, sunset)}"


def _end(trend: Trend, today: date, sunset: date | None) -> str:
    if not trend.week:
        return "Nothing is left to end."
    if trend.zero is None:
        line = (
            "The line does not come to nothing"
            if trend.before is not None
            else "There are too few days yet for a line into the future"
        )
        return f"{line}." if sunset is None else f"{line}; the sunset is on {written(sunset)}."
    line = f"As the last {trend.fitted} days go, the last call would come around {written(trend.zero)}"
    if sunset is None:
        return f"{line}."
    late = (trend.zero - sunset).days
    if late <= 0:
        return f"{line}, before the sunset on {written(sunset)}."
    return f"{line}, {late} {'day' if late == 1 else 'days'} after the sunset on {written(sunset)}."
