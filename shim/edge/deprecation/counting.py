"""Aggregator: what the deprecation log is told becomes totals at once, in memory that is bounded.

Laws: a finding or a caller that has a key already counts under it; of new keys an integration has at most so
many, and everything over that counts under `MORE`, which is told once. A sample is asked for when a finding
has none, or an old one, and at most so many times a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from shim.core.commands.backend import Call
from shim.core.findings import KINDS, Finding
from shim.core.message import Element
from shim.edge.callers.refused import RefusedLogin
from shim.edge.deprecation.batch import Batch, CallerKey, FindingKey, LoginKey
from shim.edge.settings.deprecation import DeprecationSettings

log = structlog.get_logger()

UNKNOWN = "(unknown)"
"""The integration of callers that are not known."""
MORE = "(more)"
"""Stands where an integration has more different findings or callers than are told apart."""

_LONGEST_PATH = 500
_MOST_WANTED = 200
_BECAUSE = "There are more different findings than are told apart (deprecation.keys): these are only counted."
_REST: Final = "more-findings"


@dataclass(frozen=True, slots=True)
class WantedSample:
    """The parts of a sample: the message, and the v3 calls it became."""

    request: Element = field(repr=False)
    sent: Sequence[Call] = field(repr=False)
    unsent: int = 0


@dataclass(slots=True)
class _Known:
    """The keys of an integration: findings with when their sample was taken, callers, refused logins.

    `full` are those of them that took no more, which is logged once.
    """

    findings: dict[FindingKey, datetime | None] = field(default_factory=dict)
    callers: set[CallerKey] = field(default_factory=set)
    logins: set[LoginKey] = field(default_factory=set)
    full: set[str] = field(default_factory=set)


class Aggregator:
    """Totals since the last `take`. `now` gives UTC."""

    def __init__(self, settings: DeprecationSettings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._age = timedelta(seconds=settings.sample_age)
        self._now = now
        self._batch = Batch()
        self._samples: list[tuple[list[FindingKey], WantedSample]] = []
        self._known: dict[str, _Known] = {}
        self._second, self._in_second = 0, 0
        self._day: date | None = None
        self._day_text = ""

    @property
    def waiting(self) -> int:
        """Calls that were counted since the last `take`."""
        return self._batch.calls

    def learn(
        self,
        findings: Iterable[tuple[FindingKey, datetime | None]],
        callers: Iterable[CallerKey],
        logins: Iterable[LoginKey] = (),
    ) -> None:
        """The keys that are known already."""
        for login in logins:
            self._of(login[0]).logins.add(login)
        for key, sampled in findings:
            self._of(key[0]).findings.setdefault(key, sampled)
        for caller in callers:
            self._of(caller[0]).callers.add(caller)

    def take(self) -> tuple[Batch, list[tuple[list[FindingKey], WantedSample]]]:
        """Counts, and the samples that are due for findings of them."""
        taken = self._batch, self._samples
        self._batch, self._samples = Batch(), []
        return taken

    def called(
        self,
        integration: str,
        operation: str,
        caller: tuple[str, str, str, str],
        *,
        fault: str | None,
        form: str | None = None,
    ) -> None:
        """A 2.5 call; `caller` is agent, toolkit, version and address, `fault` why it was not answered, `form`
        that of the login it came with, where that counts."""
        now = self._now()
        day = self._date(now)
        self._use(integration, operation, fault, now, day)
        key = (integration, *caller)
        known = self._of(integration)
        if key not in known.callers:
            if len(known.callers) < self._settings.keys:
                known.callers.add(key)
            else:
                self._tell(known, integration, "callers")
                key = (integration, MORE, MORE, MORE, MORE)
        self._batch.call_from(key, now)
        if form is not None:
            self._batch.log_in((day, integration, form), now)

    def used(self, integration: str, operation: str, *, fault: str | None) -> None:
        """Use of an operation of 2.5 by a call inside another one, of which that is all there is to count."""
        now = self._now()
        self._use(integration, operation, fault, now, self._date(now))

    def _use(self, integration: str, operation: str, fault: str | None, now: datetime, day: str) -> None:
        self._batch.use((integration, "old", operation), fault is not None, now, day)
        if fault is not None:
            self._batch.fail((day, integration, operation, fault), now)

    def refused(
        self, integration: str, login: RefusedLogin, address: str, agent: str, *, unchecked: bool
    ) -> None:
        """A login that was refused; `unchecked` when too many before it were."""
        key = (integration, login.why, login.way, login.login, login.digest, address, agent)
        known = self._of(integration)
        if key not in known.logins:
            if len(known.logins) < self._settings.keys:
                known.logins.add(key)
            else:
                self._tell(known, integration, "logins")
                key = (integration, login.why, login.way, MORE, MORE, MORE, MORE)
        self._batch.refuse(key, unchecked, self._now())

    def ported(self, integration: str, operation: str, *, fault: bool) -> None:
        """A native v3 call."""
        now = self._now()
        self._batch.use((integration, "new", operation), fault, now, self._date(now))

    def count_findings(
        self, integration: str, operation: str, findings: Iterable[Finding], sample: WantedSample | None
    ) -> None:
        """Count findings; `sample` is what a sample could be made of."""
        now = self._now()
        day = self._date(now)
        sampled = self._of(integration).findings
        due: list[FindingKey] = []
        for finding in findings:
            key, counted = self._key(integration, operation, finding)
            self._batch.find(key, counted, now, day)
            if sample is not None and self._is_due(sampled.get(key), now):
                due.append(key)
        first = any(sampled.get(key) is None for key in due)
        if due and sample is not None and self._may_sample(now, first=first):
            sampled.update(dict.fromkeys(due, now))
            self._samples.append((due, sample))

    def _key(self, integration: str, operation: str, finding: Finding) -> tuple[FindingKey, Finding]:
        """The key and the kind that a finding counts under."""
        key = (integration, operation, finding.code, finding.path[:_LONGEST_PATH])
        known = self._of(integration)
        if key in known.findings:
            return key, finding
        if len(known.findings) < self._settings.keys:
            known.findings[key] = None
            return key, finding
        self._tell(known, integration, "findings")
        rest = Finding(_REST, MORE, _BECAUSE, None, KINDS[_REST].severity, finding.count)
        return (integration, operation, rest.code, rest.path), rest

    def _of(self, integration: str) -> _Known:
        known = self._known.get(integration)
        if known is None:
            known = self._known[integration] = _Known()
        return known

    def _is_due(self, sampled: datetime | None, now: datetime) -> bool:
        return sampled is None or now - sampled >= self._age

    def _may_sample(self, now: datetime, *, first: bool) -> bool:
        """True if another one is within the bounds: of what waits to be made; and of a second, unless it is the
        first of a finding, which may never come again."""
        if len(self._samples) >= _MOST_WANTED:
            return False
        if first:
            return True
        second = int(now.timestamp())
        if second != self._second:
            self._second, self._in_second = second, 0
        self._in_second += 1
        return self._in_second <= self._settings.samples

    def _date(self, now: datetime) -> str:
        """The UTC date; the text of a day is made once."""
        day = now.date()
        if day != self._day:
            self._day, self._day_text = day, day.isoformat()
        return self._day_text

    def _tell(self, known: _Known, integration: str, what: str) -> None:
        if what not in known.full:
            known.full.add(what)
            most = self._settings.keys
            log.error("deprecation log full", integration=integration, what=what, most=most, counted_as=MORE)
