"""Typed input: queries of addresses and fields of forms become nouns, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar, get_args

from multidict import MultiMapping

from shim.core.admit import ALL
from shim.core.commands.caller import Rung
from shim.core.findings import Severity
from shim.review.reading.model import FindingFilter, FindingState

WINDOWS = (7, 30, 90)
"""Days that pages look back."""
USUAL_DAYS = 30
_LONGEST_BROWNOUT = timedelta(days=2)
_LATE = timedelta(minutes=1)
_Choice = TypeVar("_Choice", bound=str)


class WrongForm(ValueError):
    """Typed fields that cannot be taken; the text is for the person."""


@dataclass(frozen=True, slots=True)
class StateForm:
    """The state that a finding is given. `state` None is a note."""

    state: FindingState | None
    text: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class BrownoutForm:
    """A window in which 2.5 calls are refused; integration or operation `*` is all of them."""

    integration: str
    operation: str
    starts_at: datetime
    ends_at: datetime
    text: str
    link: str


@dataclass(frozen=True, slots=True)
class Move:
    """An operation, or all, to a rung."""

    operation: str
    rung: Rung
    text: str
    sure: bool


@dataclass(frozen=True, slots=True)
class IntegrationList:
    """Which integrations, in which order, and whether by owner; "" is all, and those that need help first."""

    text: str
    owner: str
    show: str
    sort: str
    group: str

    @property
    def query(self) -> dict[str, str]:
        """The same as fields of an address."""
        names = ("text", "owner", "show", "sort", "group")
        return {name: value for name in names if (value := getattr(self, name))}


SHOWS: Mapping[str, str] = {
    "failing": "Calls fail",
    "left": "Something left to port",
    "done": "Done",
    "never": "Never seen",
}
SORTS: Mapping[str, str] = {
    "name": "Name",
    "calls": "2.5 calls",
    "findings": "Open findings",
    "last": "Last 2.5 call",
}
NOBODY = "(nobody)"
"""Stands for those that have no owner."""


def integration_list(query: Mapping[str, str]) -> IntegrationList:
    """The list that is asked for; unknown values do not count."""
    return IntegrationList(
        text=text(query, "text"),
        owner=text(query, "owner"),
        show=_one_of(query.get("show", ""), tuple(SHOWS)) or "",
        sort=_one_of(query.get("sort", ""), tuple(SORTS)) or "",
        group="owner" if query.get("group") == "owner" else "",
    )


STATES_OF_BUTTONS: Mapping[str, FindingState | None] = {
    "acknowledge": "acknowledged",
    "fixed": "fixed",
    "ignore": "ignored",
    "reopen": "new",
    "note": None,
}


def days(query: Mapping[str, str]) -> int:
    """The window of a page; 30 unless a known one is asked for."""
    return next((each for each in WINDOWS if str(each) == query.get("days")), USUAL_DAYS)


def page_number(query: Mapping[str, str]) -> int:
    """From 1."""
    given = query.get("page", "")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 6 else 1


def finding_filter(query: Mapping[str, str]) -> FindingFilter:
    """Which findings. `show` is a state, `open` (the default) or `any`; what is not known does not count."""
    show = query.get("show", "")
    state = _one_of(show, get_args(FindingState))
    return FindingFilter(
        integration=text(query, "integration") or None,
        operation=text(query, "operation") or None,
        code=text(query, "code") or None,
        severity=_one_of(query.get("severity", ""), get_args(Severity)),
        state=state,
        open=None if state or show == "any" else True,
        text=text(query, "text") or None,
        since=_date(query, "since"),
        until=_date(query, "until"),
    )


FINDING_SORTS: Mapping[str, str] = {
    "last": "Last seen",
    "first": "First seen",
    "count": "Times",
    "integration": "Integration",
    "operation": "Operation",
}
OPERATION_SORTS: Mapping[str, str] = {
    "calls": "Calls a day",
    "users": "Integrations",
    "faults": "Faults",
    "findings": "Open findings",
}
OPERATION_SHOWS: Mapping[str, str] = {
    "left": "Left to port",
    "ported": "Ported by all",
    "failing": "Calls fail",
    "findings": "With open findings",
}


def choice(query: Mapping[str, str], name: str, choices: Mapping[str, str]) -> str:
    """One of the choices, "" for everything else."""
    return _one_of(query.get(name, ""), tuple(choices)) or ""


def numbers(form: MultiMapping[Any], name: str) -> list[int]:
    """All fields of that name that are numbers of rows."""
    given = [each for each in form.getall(name, []) if isinstance(each, str)]
    return [int(each) for each in given if each.isascii() and each.isdigit() and len(each) < 10]


def read_state(form: Mapping[str, Any]) -> StateForm:
    """The state that a finding is given. Raises WrongForm."""
    do = text(form, "do")
    if do not in STATES_OF_BUTTONS:
        raise WrongForm("Choose what to say of it.")
    until = (
        _moment(form, "until", "until when to ignore it") if do == "ignore" and text(form, "until") else None
    )
    return StateForm(STATES_OF_BUTTONS[do], text(form, "text"), until)


def move(form: Mapping[str, Any]) -> Move:
    """Raises Wrong."""
    rung: Rung | None = _one_of(text(form, "rung"), get_args(Rung))
    operation = text(form, "operation")
    if rung is None or not operation:
        raise WrongForm("Choose an operation and a rung.")
    return Move(operation, rung, text(form, "text"), text(form, "sure") == "yes")


@dataclass(frozen=True, slots=True)
class ExceptionForm:
    """An exception to a lock."""

    operation: str
    owner: str
    reason: str
    until: datetime


def exception(form: Mapping[str, Any]) -> ExceptionForm:
    """Raises Wrong."""
    until = _moment(form, "until", "when the exception ends")
    return ExceptionForm(text(form, "operation") or ALL, text(form, "owner"), text(form, "reason"), until)


def plan(form: Mapping[str, Any], now: datetime) -> BrownoutForm:
    """A window to plan. A start within the last minute is now. Raises Wrong."""
    starts = _moment(form, "starts", "when it starts")
    ends = _moment(form, "ends", "when it ends")
    if ends <= starts:
        raise WrongForm("It has to end after it starts.")
    if starts < now - _LATE:
        raise WrongForm("It cannot start in the past.")
    if ends - starts > _LONGEST_BROWNOUT:
        raise WrongForm("A brownout lasts two days at most: for good, lock the operation instead.")
    integration = text(form, "integration")
    if not integration:
        raise WrongForm("Choose an integration, or all of them.")
    return BrownoutForm(
        integration,
        text(form, "operation") or ALL,
        max(starts, now),
        ends,
        text(form, "text"),
        text(form, "link"),
    )


def text(form: Mapping[str, Any], name: str) -> str:
    """A field's text, at most 4,000 characters; a file that came in its place is none."""
    value = form.get(name, "")
    return value.replace("\r\n", "\n").strip()[:4000] if isinstance(value, str) else ""


def _date(query: Mapping[str, str], name: str) -> date | None:
    """A day, YYYY-MM-DD; what is none does not count."""
    try:
        return date.fromisoformat(query.get(name, ""))
    except ValueError:
        return None


def _one_of(value: str, choices: tuple[_Choice, ...]) -> _Choice | None:
    return next((each for each in choices if each == value), None)


def _moment(form: Mapping[str, Any], name: str, what: str) -> datetime:
    """A date, or a date and a time, in UTC. A date alone is its begin."""
    try:
        return datetime.fromisoformat(text(form, name)).replace(tzinfo=UTC)
    except ValueError:
        raise WrongForm(f"Say {what}: a date and a time, like 2026-01-31T22:00.") from None
