"""Nouns that the page, the report and the exports show: frozen, made by `queries`. No message's values.

Times are UTC; `per_day` is an average over the days that there are: those of the window that is looked at, from
the day on which the integration was first seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from shim.core.commands.caller import Rung
from shim.core.findings import Severity

Fit = Literal["clean", "moved", "emulated", "lossy", "refused"]
"""How well calls map, by the worst finding that is open: none or info, notice, warning, loss, refused."""
FindingState = Literal["new", "acknowledged", "ignored", "fixed", "verified"]
Effort = Literal["none", "small", "medium", "large"]


@dataclass(frozen=True, slots=True)
class Day:
    """Calls of one day on each side."""

    day: date
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class DaySpan:
    """How many today, in the last seven days with today, and in the seven before."""

    today: int
    week: int
    before: int


@dataclass(frozen=True, slots=True)
class Reason:
    """2.5 calls that were answered with a fault of one reason; "" where it was not kept."""

    reason: str
    faults: DaySpan


@dataclass(frozen=True, slots=True)
class Failures:
    """How many 2.5 calls there were, how many ended in a fault, and why, the most frequent reason first.

    `failing` is a caller a quarter of whose calls fail, this week or today, though nobody wanted that.
    """

    calls: DaySpan
    faults: DaySpan
    reasons: tuple[Reason, ...]
    failing: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """Calls of 2.5 in the last seven whole days and in the seven before (None where there are not as many), and
    the day on which a line through the last `fitted` whole days comes to nothing; `a_day` is where it is now.
    Both are None when it does not fall, or there are too few days."""

    week: int
    before: int | None
    fitted: int
    zero: date | None
    a_day: float | None


@dataclass(frozen=True, slots=True)
class OperationUse:
    """One old operation as one integration uses it. `becomes` are full names of v3 operations.

    `order` is the suggested place in the order of porting, from 1; None when there is nothing left to port.
    `new_calls` counts native v3 calls of its successors by the same integration. `worst` is the severity of
    its worst open finding, None when none is open; of what is ported only what came since counts. How
    `ported` is judged says `scorecard.is_ported`. `reasons` are those of its faults in the window, as far as
    they were kept; `failing` is one of whose calls a quarter fails, though nobody wanted that.
    """

    integration: str
    operation: str
    becomes: tuple[str, ...]
    fit: Fit
    worst: Severity | None
    calls: int
    per_day: float
    faults: int
    new_calls: int
    first_seen: datetime
    last_seen: datetime
    open_findings: int
    rung: Rung
    ported: bool
    effort: Effort
    reason: str
    order: int | None
    failing: bool = False
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CallerRow:
    """One way in which an integration's 2.5 calls look, over all time."""

    agent: str
    toolkit: str
    version: str
    address: str
    calls: int
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class About:
    """Who looks after an integration, and what is worth knowing of it. `by` and `at` tell who wrote the notes
    on the review page; both are None when they are of the configuration."""

    owner: str = ""
    contact: str = ""
    link: str = ""
    notes: str = ""
    by: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NativeUse:
    """Native calls of one v3 operation in the window."""

    operation: str
    calls: int
    faults: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Scorecard:
    """One integration: what it uses, what of it is ported, what porting the rest takes.

    `findings` counts open findings that were seen in the window, by severity, but not those from before their
    operation was ported: they say nothing any more. `callers` is empty in an overview. `last_old` may lie
    before the window, the other times and figures never do. An integration that was never seen is there when
    it is `configured`.
    """

    integration: str
    configured: bool
    days: tuple[Day, ...]
    operations: Sequence[OperationUse]
    fits: Mapping[Fit, int]
    """Operations by fit, those that are not ported."""
    old_calls: int
    new_calls: int
    per_day: float
    left: int
    ported: int
    effort: Effort
    reason: str
    done: bool
    open_findings: int
    findings: Mapping[Severity, int]
    callers: tuple[CallerRow, ...]
    last_old: datetime | None
    last_new: datetime | None
    failures: Failures
    trend: Trend
    observed: int
    """Days of the window since the integration was first seen: what `per_day` divides by."""
    past_findings: int = 0
    """Open findings that do not count, since their operation was ported after them."""
    more_callers: int = 0
    """Callers that are not listed."""
    native: tuple[NativeUse, ...] = ()
    """Native v3 calls by operation, the most frequent first."""
    about: About = About()


@dataclass(frozen=True, slots=True)
class LoginRow:
    """A login of 2.5 that was refused. `why` is `wrong-secret` of a known login, `unknown`, `disabled`, or
    `incomplete`; `login` a mask, `digest` the beginning of its SHA-256; `unchecked` of the calls were not
    looked at, since too many before them had failed."""

    integration: str
    why: str
    way: str
    login: str
    digest: str
    address: str
    agent: str
    calls: int
    unchecked: int
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class LoginPage:
    """Some of the refused logins, those that came last first; how many there are, and their calls."""

    rows: tuple[LoginRow, ...]
    total: int
    calls: int


@dataclass(frozen=True, slots=True)
class SampleCall:
    """A v3 call that the old one became, values replaced by what they are; `xml` is the whole envelope."""

    operation: str
    endpoint: str
    soap_action: str
    xml: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The shape of a call that had the finding, and what it became: `more` v3 calls than are shown."""

    at: datetime
    old: str
    calls: tuple[SampleCall, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class FindingEvent:
    """A change of a finding's state, or a note (both states are the same)."""

    at: datetime
    who: str
    was: str
    became: str
    text: str


@dataclass(frozen=True, slots=True)
class FindingRow:
    """`state` is what it comes to now: see `life`. `title` is that of the code."""

    id: int
    integration: str
    operation: str
    code: str
    path: str
    severity: Severity
    title: str
    because: str
    place: str | None
    count: int
    first_seen: datetime
    last_seen: datetime
    state: FindingState
    state_at: datetime
    until: datetime | None
    open: bool


@dataclass(frozen=True, slots=True)
class FindingPage:
    """A finding with all that is known of it. `meaning` and `do` are those of the code."""

    row: FindingRow
    meaning: str
    do: str
    sample: Sample | None
    days: tuple[tuple[date, int], ...]
    history: tuple[FindingEvent, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """All integrations, the one with most left to do first. `left` counts operations in use and not ported.

    Calls of callers that are not known are told as an integration `(unknown)`, which is none.
    """

    since: date
    until: date
    days: tuple[Day, ...]
    integrations: tuple[Scorecard, ...]
    left: int
    ported: int
    findings: Mapping[Severity, int]
    """Open findings by severity: the sum of those of the scorecards."""
    failures: Failures
    trend: Trend
    """Without callers that are not known: they are nothing to port."""
    recent: tuple[Day, ...]
    """The days of the trend: the last four weeks and today."""
    observed: int
    old_per_day: float
    new_per_day: float


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings; None is any. `text` is looked for in operation, path, code and title."""

    integration: str | None = None
    operation: str | None = None
    code: str | None = None
    severity: Severity | None = None
    state: FindingState | None = None
    open: bool | None = None
    text: str | None = None
    since: date | None = None
    """Seen on that day or later."""
    until: date | None = None
    """Seen on that day or before."""
    serious: bool = False
    """Those that refuse, lose or make up something."""


@dataclass(frozen=True, slots=True)
class ShownBrownout:
    """A window in which calls of 2.5 are refused on purpose; `operation` may be `*`, all of them."""

    operation: str
    starts_at: datetime
    ends_at: datetime
    text: str
    link: str
