"""From what was read to scorecards: pure, one integration at a time.

Laws: an operation that is ported says nothing any more, whatever it did before; what cannot be judged counts
as not ported. The rules are `is_ported`, `is_quiet` and the tables of `effort` and `order`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple, get_args

from shim.core.admit import scope_of
from shim.core.commands.caller import RUNGS, Rung
from shim.core.findings import Severity
from shim.edge.deprecation.closed import DAYS
from shim.review.reading.effort import EFFORTS, UNKNOWN, PortingEffort, SuccessorCalls
from shim.review.reading.failures import ON_PURPOSE, failures, is_failing
from shim.review.reading.lazy_uses import LazyUses
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
from shim.review.reading.rows import AFTER, DayCount, FaultCount, Met, Placed, Use, UsedOperation, Window
from shim.review.reading.trend import trend
from shim.review.reading.verdicts import SEVERITIES, MappingVerdict, Verdicts

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
    met: dict[str, str] = field(default_factory=dict)
    """The kinds of open findings by operation."""
    met_at: dict[str, list[Met]] = field(default_factory=lambda: defaultdict(list))
    """The same by when they were last seen, of an integration with a rung on the ladder."""
    rungs: dict[str, Placed] = field(default_factory=dict)
    called: UsedOperation | None = None
    callers: Sequence[CallerRow] = ()
    more_callers: int = 0
    faults: list[FaultCount] = field(default_factory=list)
    about: About = field(default_factory=About)

    def climbed(self, met: Met) -> None:
        """Take in open findings of an integration with a rung on the ladder."""
        before = self.met.get(met.operation)
        self.met[met.operation] = met.kinds if before is None else f"{before}{AFTER}{met.kinds}"
        self.met_at[met.operation].append(met)


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
    verdicts: Verdicts,
    window: Window,
    now: datetime,
    *,
    configured: bool,
) -> Scorecard:
    """The scorecard of one integration."""
    judged = [_judged(each, seen, verdicts, now) for each in seen.old if not is_nameless(each.operation)]
    left, ported = [each for each in judged if not each.ported], [each for each in judged if each.ported]
    observed = _observed(seen, window)
    findings, met = _findings(seen, judged, verdicts)
    fits = Counter(each.fit for each in left)
    days = days_of(seen.days, window.longer(DAYS))
    effort, reason = _effort(left, seen)
    old_calls = sum(each.calls for each in seen.old)
    return Scorecard(
        integration=name,
        configured=configured,
        days=days[-len(window) :],
        operations=LazyUses(len(judged), partial(_operations, left, ported, observed, seen.faults)),
        fits={fit: fits[fit] for fit in get_args(Fit) if fits[fit]},
        old_calls=old_calls,
        new_calls=sum(each.calls for each in seen.new.values()),
        per_day=old_calls / observed,
        left=len(left),
        ported=len(ported),
        effort=effort,
        reason=reason,
        done=not left and all(_silent(each, seen, now) for each in seen.old),
        open_findings=sum(findings.values()),
        findings=findings,
        callers=tuple(seen.callers),
        last_old=max((each.last_seen for each in seen.old), default=seen.called and seen.called.last),
        last_new=max((each.last_seen for each in seen.new.values()), default=None),
        failures=failures(seen.days, seen.faults, window.until),
        trend=trend(days, window.until, began_of([seen])),
        observed=observed,
        past_findings=met - sum(findings.values()),
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
    """One operation. `verdict` is by the findings that count."""

    operation: str
    use: Use
    known: SuccessorCalls
    native: Sequence[Use]
    verdict: MappingVerdict
    rung: Rung = "translate"
    ported: bool = False
    back: bool = False
    """Ported, but calls in 2.5 came since."""

    @property
    def fit(self) -> Fit:
        return "refused" if self.known is UNKNOWN and not self.ported else self.verdict.fit

    @property
    def work(self) -> PortingEffort:
        return (CAME_BACK if self.back else PORTED) if self.ported else self.verdict.work


def _judged(use: Use, seen: LastSeen, verdicts: Verdicts, now: datetime) -> _Judged:
    operation = use.operation
    known, verdict = verdicts.known(operation), verdicts.of(operation, seen.met.get(operation, ""))
    if not seen.rungs and not seen.new:
        return _Judged(operation, use, known, (), verdict)
    known_caller = not is_nameless(use.integration)
    native = [seen.new[each] for each in known.becomes if known_caller and each in seen.new]
    placed = _placed(operation, seen)
    rung = placed.rung if placed and placed.rung in RUNGS else "translate"
    if not is_ported(rung, use, native, now):
        return _Judged(operation, use, known, native, verdict, rung)
    back = rung in PORTED_RUNGS and not is_quiet(placed, use.last_seen, now)
    since = [
        each.kinds
        for each in seen.met_at.get(operation, ())
        if back and not is_quiet(placed, each.last_seen, now)
    ]
    return _Judged(operation, use, known, native, verdicts.of(operation, AFTER.join(since)), rung, True, back)


def _in_order(left: Sequence[_Judged]) -> list[_Judged]:
    """Those left, in the order of porting."""
    by_name = {each.operation: each for each in left}
    steps = [
        PortingStep(name, each.verdict.work.effort, each.use.calls, each.known.writes, each.known.holds)
        for name, each in by_name.items()
    ]
    return [by_name[name] for name in in_order(steps)]


def _operations(
    left: Sequence[_Judged], ported: Sequence[_Judged], observed: int, faults: Iterable[FaultCount]
) -> tuple[OperationUse, ...]:
    """Operations: those left in the order of porting, then those ported, by name."""
    reasons = _reasons(faults)
    places: list[tuple[_Judged, int | None]] = [(each, at) for at, each in enumerate(_in_order(left), 1)]
    places += [(each, None) for each in sorted(ported)]
    return tuple(_operation(each, observed, at, reasons.get(each.operation, {})) for each, at in places)


def _operation(judged: _Judged, observed: int, order: int | None, reasons: Mapping[str, int]) -> OperationUse:
    use, work = judged.use, judged.work
    on_purpose = sum(reasons.get(each, 0) for each in ON_PURPOSE)
    return OperationUse(
        integration=use.integration,
        operation=use.operation,
        becomes=judged.known.becomes,
        fit=judged.fit,
        worst=judged.verdict.worst,
        calls=use.calls,
        per_day=use.calls / observed,
        faults=use.faults,
        new_calls=sum(each.calls for each in judged.native),
        first_seen=use.first_seen,
        last_seen=use.last_seen,
        open_findings=judged.verdict.findings,
        rung=judged.rung,
        ported=judged.ported,
        effort=work.effort,
        reason=work.reason,
        order=order,
        failing=is_failing(use.calls, use.faults - on_purpose),
        reasons=reasons,
    )


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


def _findings(seen: LastSeen, judged: Iterable[_Judged], verdicts: Verdicts) -> tuple[dict[Severity, int], int]:
    """Open findings by severity: those that count, and those of operations that are not in use. And how many
    open findings there are, whether they count or not."""
    counted = {each.operation: each.verdict for each in judged}
    counts: defaultdict[str, int] = defaultdict(int)
    for operation, kinds in seen.met.items():
        verdict = counted.get(operation) or verdicts.of(operation, kinds)
        for severity, count in verdict.severities.items():
            counts[severity] += count
    met = sum(kinds.count(AFTER) + 1 for kinds in seen.met.values())
    return {severity: counts[severity] for severity in SEVERITIES if counts[severity]}, met


def days_of(counts: Iterable[DayCount], window: Window) -> tuple[Day, ...]:
    """Each day of the window, with what was counted on it."""
    old: defaultdict[str, int] = defaultdict(int)
    new: defaultdict[str, int] = defaultdict(int)
    for _, side, day, calls, _ in counts:
        (new if side == "new" else old)[day] += calls
    return tuple(Day(day, old[name], new[name]) for day in window for name in (day.isoformat(),))


def _effort(left: Sequence[_Judged], seen: LastSeen) -> tuple[Effort, str]:
    """That of the hardest operation left, of those the one called most, and what there is of each class."""
    if not left:
        nothing_left = "Every operation is ported." if seen.old else "No 2.5 calls in these days."
        return "none", nothing_left
    counts = Counter(each.verdict.work.effort for each in left)
    hardest = min(left, key=lambda each: (-each.verdict.rank, -each.use.calls, each.operation))
    work = hardest.verdict.work
    parts = [f"{counts[effort]} {effort}" for effort in reversed(EFFORTS) if counts[effort]]
    sentence = f"{len(left)} operation{'s' if len(left) > 1 else ''} left: {', '.join(parts)}"
    return work.effort, f"{sentence}. The hardest is {hardest.operation}: {work.reason}"
