"""Where the calls of 2.5 are going: this week against the one before, and the day on which none would be left.

A straight line through the last whole days, as least squares have it. It is a guess, and says of how many days
it is one. Pure; in whole numbers, so that a line that comes to nothing on a day exactly ends on that day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from shim.review.reading.model import Day, Trend

FITTED = 28
"""Whole days that a line goes through, at most."""
_FEWEST = 14
_WEEK = 7
_IN_SIGHT = timedelta(days=5 * 365)


def trend(days: Sequence[Day], today: date, began: date | None = None) -> Trend:
    """Of calls a day, one after the other. Days before the first call count for nothing, and today does not,
    since it is not over. `began` is the day of the first call ever, where it is known: without it, the first of
    these days with a call is taken. How many more days are given than are looked at makes no difference."""
    whole = [each for each in days if each.day < today][-FITTED:]
    while whole and (whole[0].day < began if began else not whole[0].old):
        whole.pop(0)
    old = [each.old for each in whole]
    end = _end(old) if len(whole) >= _FEWEST else None
    zero = whole[0].day + timedelta(days=end[0]) if end and end[0] < _IN_SIGHT.days else None
    return Trend(
        week=sum(old[-_WEEK:]),
        before=sum(old[-2 * _WEEK : -_WEEK]) if len(old) >= 2 * _WEEK else None,
        fitted=len(whole),
        zero=zero if zero and zero > today else None,
        a_day=round(end[1], 1) if end and zero and zero > today else None,
    )


def _end(counts: Sequence[int]) -> tuple[int, float] | None:
    """(the first day, from 0, on which the line is at nothing, its height on the last one); None when it does
    not fall."""
    count, total = len(counts), sum(counts)
    last = count - 1
    # The slope is 2 * rise / spread: both are over twice the distance from the middle.
    rise = sum((2 * at - last) * each for at, each in enumerate(counts))
    spread = sum((2 * at - last) ** 2 for at in range(count))
    if rise >= 0:
        return None
    end = -((total * spread - last * rise * count) // (2 * rise * count))
    return end, (total * spread + rise * count * last) / (count * spread)
