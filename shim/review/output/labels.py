"""Words and forms of the page: what states, fits and rungs are called, how numbers and times are written.

Every kind has a sign beside its colour, so that colour never carries a meaning alone. Times are UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shim.core.commands.caller import Rung
from shim.core.findings import Severity
from shim.review.reading.model import Effort, FindingState, Fit


@dataclass(frozen=True, slots=True)
class Word:
    """How a kind is shown: sign, name, what it means, and the tone of its colour."""

    sign: str
    name: str
    means: str
    tone: str


FITS: Mapping[Fit, Word] = {
    "refused": Word("✕", "Refused", "v3 has nothing like it: calls are refused", "bad"),
    "lossy": Word("▼", "Lossy", "works, but something is dropped", "loss"),
    "emulated": Word("◆", "Emulated", "works because the shim makes up for v3", "warn"),
    "moved": Word("→", "Moved", "works; names or places differ in v3", "note"),
    "clean": Word("✓", "Clean", "maps one to one", "good"),
}
PORTED = Word("★", "Ported", "called in v3, no longer in 2.5", "done")
PARTS: Mapping[str, Word] = {"ported": PORTED, **{str(fit): word for fit, word in FITS.items()}}
"""The kinds of operations of an integration: ported, or left and of a fit."""
SEVERITIES: Mapping[Severity, Word] = {
    "refused": Word("✕", "Refused", "the call was refused", "bad"),
    "loss": Word("▼", "Loss", "something was dropped", "loss"),
    "warning": Word("◆", "Warning", "something is emulated or kept by the shim", "warn"),
    "notice": Word("→", "Notice", "works, something moved", "note"),
    "info": Word("i", "Info", "works the same", "plain"),
}
STATES: Mapping[FindingState, Word] = {
    "new": Word("○", "New", "nobody has looked at it", "note"),
    "acknowledged": Word("◐", "Acknowledged", "somebody is on it", "warn"),
    "ignored": Word("/", "Ignored", "set aside on purpose", "plain"),
    "fixed": Word("✓", "Declared fixed", "waits for a call without it", "note"),
    "verified": Word("✓✓", "Verified", "called since, and it did not come again", "good"),
}
EFFORTS: Mapping[Effort, Word] = {
    "none": Word("✓", "No effort", "nothing left to port", "good"),
    "small": Word("◔", "Small effort", "mostly another address, login and names", "good"),
    "medium": Word("◑", "Medium effort", "elements or accounts are different", "warn"),
    "large": Word("●", "Large effort", "several v3 calls, or something v3 lacks", "loss"),
}
RUNGS: Mapping[Rung, Word] = {
    "translate": Word("1", "Translate", "2.5 calls are served, as v3 calls", "plain"),
    "compare": Word("2", "Compare", "the same, and compared, while its v3 code is being written", "note"),
    "v3": Word("3", "v3", "its v3 code is out; a 2.5 call is served all the same, and is a finding", "warn"),
    "locked": Word("4", "Locked", "2.5 calls are refused", "bad"),
}


FAILING = Word("✕", "Failing", "a quarter of the calls, or more, end in a fault that nobody wanted", "bad")
PARTS = {"failing": FAILING, **PARTS}
WHYS: Mapping[str, Word] = {
    "wrong-secret": Word("✕", "Wrong password", "the login is known, its password or secret is wrong", "bad"),
    "unknown": Word("?", "Unknown login", "no integration has this login", "warn"),
    "disabled": Word("/", "Disabled", "the login is that of an integration that is disabled", "note"),
    "incomplete": Word("…", "Incomplete", "the message has no whole login", "note"),
}
"""Why a login was refused."""
REASONS: Mapping[str, str] = {
    "": "the reason was not kept yet",
    "login-refused": "the login was refused",
    "login-throttled": "not looked at, after too many logins that failed",
    "login-busy": "too many logins at once",
    "locked": "locked on the porting ladder, on purpose",
    "brownout": "refused in a brownout, on purpose",
    "too-many-calls": "more calls than its quota lets it make",
    "field-refused": "it sends something that v3 has no place for",
    "not-translated": "the operation is not translated",
    "unknown-operation": "there is no such operation in 2.5",
    "missing-parameter": "something that is needed is missing",
    "bad-value": "a value is not usable",
    "over-limit": "the message is larger or deeper than is taken",
    "malformed-xml": "the message is no well-formed XML",
    "not-soap": "the message is no SOAP",
    "backend-fault": "v3 refused the call",
    "backend-late": "v3 took too long",
    "backend-unreachable": "v3 could not be reached",
    "backend-busy": "v3 had too much to do",
    "backend-login-refused": "v3 refused the integration's own app key and secret",
    "backend-nonsense": "v3 answered something that is no answer",
    "caller-gone": "the caller hung up",
    "stopped": "the shim stopped meanwhile",
    "internal-error": "a defect of the shim: look for the reference in its log",
    "store-unavailable": "the shim could not use its store",
}
"""Why calls are answered with a fault, for those reasons that are seen most."""


def share(part: int, whole: int) -> str:
    """25%; what is there is never 0%, and what is not all never 100%."""
    if not whole or not part:
        return "0%"
    if part == whole:
        return "100%"
    return "< 1%" if part * 100 < whole else f"{min(99, round(100 * part / whole))}%"


def number(value: float) -> str:
    """12,345; small numbers that are no integers with one decimal."""
    if value and value < 10 and value != int(value):
        return f"{value:.1f}".removesuffix(".0") if value >= 0.05 else "< 0.1"
    return f"{round(value):,}"


def day(value: date) -> str:
    """24 Nov 2026"""
    return f"{value.day} {value:%b %Y}"


def short_day(value: date) -> str:
    """24 Nov"""
    return f"{value.day} {value:%b}"


def moment(value: datetime) -> str:
    """24 Nov 2026, 05:46 UTC"""
    return f"{day(value)}, {value:%H:%M} UTC"


def ago(value: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that fits; or how long until then."""
    passed = now - value
    text = span(abs(passed))
    if text == "0 min":
        return "just now"
    return f"{text} ago" if passed > timedelta() else f"in {text}"


def span(length: timedelta) -> str:
    """45 min, 3 h, 12 days"""
    minutes = int(length.total_seconds() // 60)
    for unit, name in ((1440, "day"), (60, "h"), (1, "min")):
        if minutes >= unit or unit == 1:
            count = minutes // unit
            return f"{count} {name}" + ("s" if name == "day" and count > 1 else "")
    raise AssertionError("one of the units fits")


def several(count: int, one: str, many: str | None = None) -> str:
    """1 call, 2 calls"""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
