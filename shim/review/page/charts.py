"""Charts: where the bars of a picture of calls stand, in per cent, so that templates only draw.

Per cent, because a picture that is scaled as a whole is not readable on a phone. Each chart has its title,
a description in words, and its numbers for a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from shim.review.output.labels import FITS, several
from shim.review.reading.model import Day, Scorecard

_GAP = 0.24
"""The part of a day's place that stays empty."""
_MOST_DAYS = 90
_FEWEST_DAYS = 14
_FEWEST_CALLS = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """A day: the numbers, and the two parts of its bar, the old below the new. All in per cent."""

    day: Day
    x: float
    width: float
    old_top: float
    old_height: float
    new_top: float
    new_height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """`top` is the value at the upper edge; `days` are named at the foot: first, middle, last."""

    id: str
    title: str
    words: str
    bars: tuple[Bar, ...]
    top: int
    days: tuple[date, ...]

    @property
    def empty(self) -> bool:
        return not any(each.day.old or each.day.new for each in self.bars)


@dataclass(frozen=True, slots=True)
class ChartPart:
    """A part of a strip, in per cent of its length."""

    name: str
    count: int
    x: float
    width: float


def calls(id: str, title: str, days: Sequence[Day]) -> Chart:
    """Calls a day on both sides, from the first day on which there were any. `id` is unique on the page."""
    days = _with_calls(days)
    old, new = sum(each.old for each in days), sum(each.new for each in days)
    words = f"{several(old, 'call')} in 2.5 and {new:,} in v3"
    if days:
        last = days[-1]
        words += f" from {_day(days[0].day)} to {_day(last.day)}; {last.old:,} and {last.new:,} on the last day"
    return _chart(id, title, f"{words}.", days)


def counts(id: str, title: str, many: Sequence[tuple[date, int]], until: date) -> Chart:
    """How often something happened on each day until today, `_MOST_DAYS` at most; a day without is 0."""
    by_day = dict(many)
    began = max(min(by_day, default=until), until - timedelta(days=_MOST_DAYS - 1))
    began = min(began, until - timedelta(days=_FEWEST_DAYS - 1))
    span = [began + timedelta(days=number) for number in range((until - began).days + 1)]
    days = [Day(day, by_day.get(day, 0), 0) for day in span]
    words = f"{several(sum(each.old for each in days), 'time')} from {_day(began)} to {_day(until)}."
    return _chart(id, title, words, days)


def _with_calls(days: Sequence[Day]) -> Sequence[Day]:
    """Without the days before the first call, but a week at least; all of them when there is none."""
    first = next((at for at, each in enumerate(days) if each.old or each.new), 0)
    return days[max(0, min(first, len(days) - _FEWEST_CALLS)) :]


def _chart(id: str, title: str, words: str, days: Sequence[Day]) -> Chart:
    top = round_up(max((each.old + each.new for each in days), default=0))
    bars = tuple(_bar(each, index, len(days), top) for index, each in enumerate(days))
    feet = (
        (days[0].day, days[len(days) // 2].day, days[-1].day) if len(days) > 2 else [each.day for each in days]
    )
    return Chart(id, title, words, bars, top, tuple(feet))


def _bar(day: Day, index: int, days: int, top: int) -> Bar:
    place = 100 / days
    old, new = 100 * day.old / top, 100 * day.new / top
    return Bar(
        day,
        x=round((index + _GAP / 2) * place, 3),
        width=round((1 - _GAP) * place, 3),
        old_top=round(100 - old, 3),
        old_height=round(old, 3),
        new_top=round(100 - old - new, 3),
        new_height=round(new, 3),
    )


def round_up(most: int) -> int:
    """The next number of the kind 2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100, 120, ... that is not
    below; it has a whole half."""
    step = 1
    while True:
        for factor in (2, 4, 6, 8, 10, 12, 16) if step == 1 else (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8):
            if most <= factor * step:
                return round(factor * step)
        step *= 10


def strip(card: Scorecard) -> tuple[ChartPart, ...]:
    """The operations of an integration as parts of one line: ported ones, then those left, the worst first.
    What fails is that, however it maps."""
    fits = Counter("failing" if each.failing else each.fit for each in card.operations if not each.ported)
    counts = [("ported", card.ported), *((name, fits[name]) for name in ("failing", *FITS))]
    total, x, parts = sum(count for _, count in counts), 0.0, []
    for name, count in counts:
        if count:
            width = 100 * count / total
            parts.append(ChartPart(name, count, round(x, 3), round(width, 3)))
            x += width
    return tuple(parts)


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"
