"""From what was read to scorecards: pure, one integration at a time.

Laws: an operation that is ported says nothing any more, whatever it did before; what cannot be judged counts
as not ported. The rules are `is_ported`, `is_quiet` and the tables of `effort` and `order`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple, cast, get_args

from shim.core.admit import scope_of
from shim.core.commands.caller import RUNGS, Rung
from shim.core.findings import Code, Severity
from shim.review.reading.closed_days import DAYS
from shim.review.reading.effort import EFFORTS, UNKNOWN, PortingEffort, SuccessorCalls
from shim.review.reading.failures import ON_PURPOSE, failures, is_failing
from shim.review.reading.model import (
    About,
    CallerRow,
    Day,
    Effort,
    Fit,
    NativeUse,
    OperationUse,
    Scorecard,
)
from shim.review.reading.porting_order import PortingStep, in_order
from shim.review.reading.rows import DayCount, FaultCount, Met, Placed, Use, UsedOperation, Window
from shim.review.reading.trend import trend

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The mildest first."""
FITS: Mapping[Severity | None, Fit] = {
    None: "clean",
    "info": "clean",
    "notice": "moved",
    "warning": "emulated",
    "loss": "lossy",
    "refused": "refused",
}
OF_PORTING: tuple[Code, ...] = (
    "browned-out",
    "operation-locked",
    "came-back",
    "old-login",
    "old-login-refused",
)
"""Findings that tell how far somebody is, and nothing of what v3 has."""
PORTED_RUNGS: tuple[Rung, ...] = ("v3", "locked")
PORTED = PortingEffort("none", "Ported.")
CAME_BACK = PortingEffort("none", "Ported, but calls in 2.5 came since.")
_DAY = timedelta(days=1)


@dataclass(slots=True)
class LastSeen:
    """The rows of one integration."""

    old: list[Use] = field(default_factory=list)
    new: dict[str, Use] = field(default_factory=dict)
    days: list[DayCount] = field(default_factory=list)
    met: dict[str, list[Met]] = field(default_factory=lambda: defaultdict(list))
    rungs: dict[str, Placed] = field(default_factory=dict)
    called: UsedOperation | None = None
    callers: Sequence[CallerRow] = ()
    more_callers: int = 0
    faults: list[FaultCount] = field(default_factory=list)
    about: About = field(default_factory=About)


def is_ported(rung: Rung, old: Use, new: Iterable[Use], now: datetime) -> bool:
    """True if an operation is ported: it is on the rung v3 or locked; or its successors were called natively
    after its last old call, and the next old call has been due since and did not come.

    It is due after the usual pause between days on which it was called. So a program that calls daily counts as
    ported one day after its last old call, and one that was seen on a single day at once.
    """
    if rung in PORTED_RUNGS:
        return True
    native = max((each.last_seen for each in new), default=None)
    if native is None or native <= old.last_seen:
        return False
    return now - old.last_seen > usual_pause(old)


def usual_pause(old: Use) -> timedelta:
    """From one day on which an operation was called to the next, on average; none when it was only one."""
    return (old.last_seen.date() - old.first_seen.date()) / (old.days - 1) if old.days > 1 else timedelta(0)


def is_quiet(rung: Placed | None, last_seen: datetime, now: datetime) -> bool:
    """True if what was last seen then lies before the rung was set; a day ago, where it is not known when."""
    since = rung.at if rung is not None and rung.at is not None else now - _DAY
    return last_seen <= since


def build(
    name: str,
    seen: LastSeen,
    successors: Mapping[str, SuccessorCalls],
    window: Window,
    now: datetime,
    *,
    configured: bool,
) -> Scorecard:
    """The scorecard of one integration."""
    named = [each for each in seen.old if not is_nameless(each.operation)]
    judged = [_judged(each, seen, successors.get(each.operation, UNKNOWN), now) for each in named]
    observed = _observed(seen, window)
    operations = _operations(judged, observed, _reasons(seen.faults))
    left = [each for each in operations if not each.ported]
    findings = _findings(seen, judged)
    effort, reason = _effort(left, seen)
    old_calls = sum(each.calls for each in seen.old)
    return Scorecard(
        integration=name,
        configured=configured,
        days=days_of(seen.days, window),
        operations=operations,
        fits={fit: count for fit in get_args(Fit) if (count := sum(each.fit == fit for each in left))},
        old_calls=old_calls,
        new_calls=sum(each.calls for each in seen.new.values()),
        per_day=old_calls / observed,
        left=len(left),
        ported=len(operations) - len(left),
        effort=effort,
        reason=reason,
        done=not left and all(_silent(each, seen, now) for each in seen.old),
        open_findings=sum(findings.values()),
        findings=findings,
        callers=tuple(seen.callers),
        last_old=max((each.last_seen for each in seen.old), default=seen.called and seen.called.last),
        last_new=max((each.last_seen for each in seen.new.values()), default=None),
        failures=failures(seen.days, seen.faults, window.until),
        trend=trend(days_of(seen.days, window.longer(DAYS)), window.until, began_of([seen])),
        observed=observed,
        past_findings=sum(each.findings for rows in seen.met.values() for each in rows)
        - sum(findings.values()),
        more_callers=seen.more_callers,
        native=_native(seen.new.values()),
        about=seen.about,
    )


def _native(uses: Iterable[Use]) -> tuple[NativeUse, ...]:
    listed = [
        NativeUse(each.operation, each.calls, each.faults, each.first_seen, each.last_seen) for each in uses
    ]
    return tuple(sorted(listed, key=lambda each: (-each.calls, each.operation)))


def _observed(seen: LastSeen, window: Window) -> int:
    """Days of the window from the one on which the integration was first seen; all of them, if it never was."""
    firsts = [each.first_seen for each in (*seen.old, *seen.new.values())]
    if seen.called is not None:
        firsts.append(seen.called.first)
    began = min((each.date() for each in firsts), default=window.since)
    return (window.until - max(window.since, min(began, window.until))).days + 1


def began_of(seen: Iterable[LastSeen]) -> date | None:
    """The day of the first 2.5 call of these integrations, over all time; None where there was none."""
    return min((each.called.first.date() for each in seen if each.called is not None), default=None)


def _reasons(faults: Iterable[FaultCount]) -> Mapping[str, Mapping[str, int]]:
    """Faults in the window by operation and reason."""
    by_integration: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for each in faults:
        if each.window:
            by_integration[each.operation][each.reason] = each.window
    return by_integration


def is_nameless(name: str) -> bool:
    """True if an operation stands for calls of which it could not be told: nothing to port.

    An integration of that kind stands for callers that are not known: they are no one program, so that native
    calls of theirs prove nothing.
    """
    return name.startswith("(")


class _Judged(NamedTuple):
    """One operation, before it has its place in the order. `met` are the findings that count."""

    use: Use
    known: SuccessorCalls
    native: Sequence[Use]
    met: Sequence[Met]
    rung: Rung
    ported: bool
    work: PortingEffort


def _judged(use: Use, seen: LastSeen, known: SuccessorCalls, now: datetime) -> _Judged:
    known_caller = not is_nameless(use.integration)
    native = [seen.new[each] for each in known.becomes if known_caller and each in seen.new]
    placed = _placed(use.operation, seen)
    rung = placed.rung if placed and placed.rung in RUNGS else "translate"
    met: Sequence[Met] = seen.met.get(use.operation, ())
    if not is_ported(rung, use, native, now):
        work = known.work({each.code: each.findings for each in met})
        return _Judged(use, known, native, met, rung, False, work)
    back = rung in PORTED_RUNGS and not is_quiet(placed, use.last_seen, now)
    since = [each for each in met if back and not is_quiet(placed, each.last_seen, now)]
    return _Judged(use, known, native, since, rung, True, CAME_BACK if back else PORTED)


def _operations(
    judged: Sequence[_Judged], observed: int, reasons: Mapping[str, Mapping[str, int]]
) -> tuple[OperationUse, ...]:
    """Operations: those left in the order of porting, then those ported, by name."""
    steps = [
        PortingStep(each.use.operation, each.work.effort, each.use.calls, each.known.writes, each.known.holds)
        for each in judged
        if not each.ported
    ]
    places = {operation: number for number, operation in enumerate(in_order(steps), 1)}
    uses = [
        _operation(each, observed, places.get(each.use.operation), reasons.get(each.use.operation, {}))
        for each in judged
    ]
    return tuple(sorted(uses, key=lambda each: (each.order is None, each.order or 0, each.operation)))


def _operation(judged: _Judged, observed: int, order: int | None, reasons: Mapping[str, int]) -> OperationUse:
    use, known, met = judged.use, judged.known, judged.met
    maps = worst_of(each.severity for each in met if each.code not in OF_PORTING)
    on_purpose = sum(reasons.get(each, 0) for each in ON_PURPOSE)
    return OperationUse(
        integration=use.integration,
        operation=use.operation,
        becomes=known.becomes,
        fit="refused" if known is UNKNOWN and not judged.ported else FITS[maps],
        worst=worst_of(each.severity for each in met),
        calls=use.calls,
        per_day=use.calls / observed,
        faults=use.faults,
        new_calls=sum(each.calls for each in judged.native),
        first_seen=use.first_seen,
        last_seen=use.last_seen,
        open_findings=sum(each.findings for each in met),
        rung=judged.rung,
        ported=judged.ported,
        effort=judged.work.effort,
        reason=judged.work.reason,
        order=order,
        failing=is_failing(use.calls, use.faults - on_purpose),
        reasons=reasons,
    )


def worst_of(severities: Iterable[str]) -> Severity | None:
    """The worst of them; None when there are none."""
    listed = [cast(Severity, each) for each in severities]
    return max(listed, key=SEVERITIES.index, default=None)


def _placed(operation: str, seen: LastSeen) -> Placed | None:
    """The rung that holds for an operation: its own over `Service.*` over `*`."""
    scope = scope_of(operation, seen.rungs)
    return None if scope is None else seen.rungs[scope]


def _silent(use: Use, seen: LastSeen, now: datetime) -> bool:
    """True if what is ported by its rung, or has no name, is not called on the old side any more."""
    placed = _placed(use.operation, seen)
    if placed is not None and placed.rung in PORTED_RUNGS:
        return is_quiet(placed, use.last_seen, now)
    return not is_nameless(use.operation) or is_quiet(None, use.last_seen, now)


def _findings(seen: LastSeen, judged: Iterable[_Judged]) -> dict[Severity, int]:
    """Open findings by severity: those that count, and those of operations that are not in use."""
    counted = {each.use.operation: each.met for each in judged}
    counts: Counter[str] = Counter()
    for operation, rows in seen.met.items():
        for each in counted.get(operation, rows):
            counts[each.severity] += each.findings
    return {severity: counts[severity] for severity in SEVERITIES if counts[severity]}


def days_of(counts: Iterable[DayCount], window: Window) -> tuple[Day, ...]:
    """Each day of the window, with what was counted on it."""
    calls: Counter[tuple[str, str]] = Counter()
    for each in counts:
        calls[each.side, each.day] += each.calls
    names = ((day, day.isoformat()) for day in window)
    return tuple(Day(day, calls["old", name], calls["new", name]) for day, name in names)


def _effort(left: Sequence[OperationUse], seen: LastSeen) -> tuple[Effort, str]:
    """That of the hardest operation that is left, and what there is of each class."""
    if not left:
        nothing_left = "Every operation is ported." if seen.old else "No 2.5 calls in these days."
        return "none", nothing_left
    counts = Counter(each.effort for each in left)
    hardest = max(left, key=lambda each: (EFFORTS.index(each.effort), each.calls))
    parts = [f"{counts[effort]} {effort}" for effort in reversed(EFFORTS) if counts[effort]]
    sentence = f"{len(left)} operation{'s' if len(left) > 1 else ''} left: {', '.join(parts)}"
    return hardest.effort, f"{sentence}. The hardest is {hardest.operation}: {hardest.reason}"
