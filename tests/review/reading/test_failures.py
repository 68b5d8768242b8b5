"""Which callers fail, how often and why: pure, without a store."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shim.review.reading.failures import failures
from shim.review.reading.model import DaySpan
from shim.review.reading.rows import DayCount, FaultCount
from tests.review.world import NOW

TODAY = NOW.date()


def on(days_ago: int, calls: int, faults: int, side: str = "old") -> DayCount:
    return DayCount("crm", side, (TODAY - timedelta(days=days_ago)).isoformat(), calls, faults)


def why(reason: str, today: int, week: int, before: int = 0) -> FaultCount:
    return FaultCount("crm", "Client.GetClients", reason, today, week, before, week)


def test_a_week_holds_today_and_the_one_before_the_seven_days_before_it() -> None:
    days = [on(0, 1, 1), on(6, 10, 2), on(7, 100, 20), on(13, 1000, 200), on(14, 9, 9), on(0, 5, 5, "new")]
    found = failures(days, [], TODAY)
    assert found.calls == DaySpan(1, 11, 1100)
    assert found.faults == DaySpan(1, 3, 220)


def test_reasons_the_most_frequent_first_and_what_was_not_kept_is_named() -> None:
    found = failures(
        [on(0, 20, 9), on(8, 20, 5)],
        [why("field-refused", 1, 1), why("login-refused", 4, 4), why("login-refused", 2, 2, 1)],
        TODAY,
    )
    assert [(each.reason, each.faults) for each in found.reasons] == [
        ("login-refused", DaySpan(6, 6, 1)),
        ("", DaySpan(2, 2, 4)),
        ("field-refused", DaySpan(1, 1, 0)),
    ]


@pytest.mark.parametrize(
    ("days", "reasons", "failing"),
    [
        ([on(3, 40, 10)], [], True),
        ([on(3, 41, 10)], [], False),
        ([on(3, 40, 0)], [], False),
        ([], [], False),
        ([on(3, 40, 30)], [why("brownout", 0, 21)], False),
        ([on(3, 40, 30)], [why("locked", 0, 20)], True),
        ([on(3, 1000, 0), on(0, 12, 3)], [], True),
        ([on(3, 1000, 0), on(0, 4, 4)], [], False),
        ([on(8, 40, 40)], [], False),
    ],
    ids=[
        "a quarter", "less", "none", "no call", "on purpose", "on purpose, and more", "today", "few today",
        "the week before",
    ],
)  # fmt: skip
def test_a_caller_fails_when_a_quarter_of_its_calls_does_and_nobody_wanted_it(
    days: list[DayCount], reasons: list[FaultCount], failing: bool
) -> None:
    assert failures(days, reasons, TODAY).failing == failing
