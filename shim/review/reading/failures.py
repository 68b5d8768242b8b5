"""Calls that fail: how many, why, and whether that is more than a caller can live with. Pure.

Laws: what is refused on purpose (a brownout, a lock) is told, but makes no caller one that fails; a fault whose
reason is not known, since it came before reasons were kept, counts like any other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta

from shim.review.reading.model import DaySpan, Failures, Reason
from shim.review.reading.rows import DayCount, FaultCount

ON_PURPOSE = ("brownout", "locked")
"""Reasons of faults that an operator wanted."""
UNKNOWN_REASON = ""
_MANY = 4
"""One of so many calls is too much."""
_ENOUGH_TODAY = 10
_WEEK = timedelta(days=7)
NO_CALLS = DaySpan(0, 0, 0)


def failures(days: Iterable[DayCount], counts: Iterable[FaultCount], today: date) -> Failures:
    """The faults of 2.5 calls of one integration, or of all, today, in the last seven days, and before."""
    calls, faults = _spans(days, today)
    reasons: defaultdict[str, DaySpan] = defaultdict(lambda: NO_CALLS)
    for each in counts:
        reasons[each.reason] = plus(reasons[each.reason], DaySpan(each.today, each.week, each.before))
    total = NO_CALLS
    for span in reasons.values():
        total = plus(total, span)
    rest = DaySpan(*(max(0, all_of - some) for all_of, some in zip(parts(faults), parts(total), strict=True)))
    if any(parts(rest)):
        reasons[UNKNOWN_REASON] = rest
    on_purpose = NO_CALLS
    for reason in ON_PURPOSE:
        on_purpose = plus(on_purpose, reasons.get(reason, NO_CALLS))
    by_reason = sorted(reasons.items(), key=lambda each: (-each[1].week, -each[1].before, each[0]))
    return Failures(
        calls=calls,
        faults=faults,
        reasons=tuple(Reason(name, span) for name, span in by_reason if any(parts(span))),
        failing=is_failing(calls.week, faults.week - on_purpose.week)
        or (calls.today >= _ENOUGH_TODAY and is_failing(calls.today, faults.today - on_purpose.today)),
    )


def is_failing(calls: int, faults: int) -> bool:
    """True if a quarter of the calls, or more, end in a fault that nobody wanted."""
    return faults > 0 and faults * _MANY >= calls


def plus(one: DaySpan, other: DaySpan) -> DaySpan:
    return DaySpan(one.today + other.today, one.week + other.week, one.before + other.before)


def parts(span: DaySpan) -> tuple[int, int, int]:
    return span.today, span.week, span.before


def _spans(days: Iterable[DayCount], today: date) -> tuple[DaySpan, DaySpan]:
    """2.5 calls and their faults. The last seven days hold today; those before are the seven before them."""
    last, week, before = (each.isoformat() for each in (today, today - _WEEK, today - 2 * _WEEK))
    calls, faults = [0, 0, 0], [0, 0, 0]
    for _, side, day, count, failed in days:
        if side == "old" and before < day <= last:
            place = 1 if day > week else 2
            calls[place] += count
            faults[place] += failed
            if day == last:
                calls[0] += count
                faults[0] += failed
    return DaySpan(*calls), DaySpan(*faults)
