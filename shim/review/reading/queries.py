"""Queries of page, report and exports but those of findings: the nouns of `model`, read from a store.

Each does a fixed number of queries, however many integrations there are.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from shim.core.catalogue.translation import Catalogue
from shim.edge.deprecation.closed import DAYS
from shim.edge.settings.load import Config
from shim.edge.settings.logins import Integration
from shim.edge.store.database import Store
from shim.review.reading import rows
from shim.review.reading.closed_days import read
from shim.review.reading.effort import successors
from shim.review.reading.failures import failures
from shim.review.reading.model import (
    About,
    Day,
    LoginPage,
    OperationUse,
    Overview,
    Scorecard,
    ShownBrownout,
)
from shim.review.reading.rows import Placed, Window
from shim.review.reading.scorecard import LastSeen, began_of, build, days_of, is_nameless
from shim.review.reading.trend import trend
from shim.review.reading.verdicts import SEVERITIES, Verdicts


@dataclass(frozen=True, slots=True)
class Review:
    """Integrations as the store has them, and as they are configured. Methods raise StoreError.

    `config` says who may call, so that integrations that were never seen appear, too, and on which rungs of the
    porting ladder they are; what the store says of the same scope goes before that.
    """

    store: Store
    catalogue: Catalogue
    config: Config

    async def overview(self, now: datetime, days: int = 30) -> Overview:
        """All integrations: those whose calls fail first, then those with most left; what is done last."""
        window = Window.of(now, days)
        cards, seen = await self._cards(now, window)
        cards.sort(key=_failing_first)
        findings: Counter[str] = Counter()
        for each in cards:
            findings.update(each.findings)
        named = [each for name, each in seen.items() if not is_nameless(name)]
        recent = days_of([day for each in named for day in each.days], Window.of(now, DAYS))
        ever = [each.observed for each in cards if each.last_old or each.last_new]
        observed = max(ever, default=len(window))
        return Overview(
            since=window.since,
            until=window.until,
            days=_sum(each.days for each in cards) or tuple(Day(day, 0, 0) for day in window),
            integrations=tuple(cards),
            left=sum(each.left for each in cards),
            ported=sum(each.ported for each in cards),
            findings={severity: findings[severity] for severity in SEVERITIES if findings[severity]},
            failures=failures(
                [day for each in seen.values() for day in each.days],
                [fault for each in seen.values() for fault in each.faults],
                window.until,
            ),
            trend=trend(recent, window.until, began_of(named)),
            recent=recent,
            observed=observed,
            old_per_day=sum(each.old_calls for each in cards) / observed,
            new_per_day=sum(each.new_calls for each in cards) / observed,
        )

    async def scorecard(self, now: datetime, integration: str, days: int = 30) -> Scorecard | None:
        """One integration with its callers; None when it is neither configured nor was ever seen."""
        cards, _ = await self._cards(now, Window.of(now, days), integration)
        return cards[0] if cards else None

    async def _cards(
        self, now: datetime, window: Window, only: str | None = None
    ) -> tuple[list[Scorecard], Mapping[str, LastSeen]]:
        """Scorecards of all, or of one, and what was read for them; without the callers, when it is of all."""
        configured = {each.name for each in self.config.integrations}
        async with self.store.reading() as connection:
            climbing = {each.name for each in self.config.integrations if each.porting}
            seen = await _seen(connection, window, now, only, climbing)
            noted = await rows.notes(connection, only)
            if only is not None:
                seen[only].callers, seen[only].more_callers = await rows.callers(connection, only)
        for each in self.config.integrations:
            seen[each.name].about = _about(each, noted.get(each.name))
            for scope, rung in each.porting.items():
                seen[each.name].rungs.setdefault(scope, Placed(each.name, scope, rung, None))
        for name, note in noted.items():
            if name not in configured:
                seen[name].about = _about(None, note)
        verdicts = Verdicts(successors(self.catalogue))
        names = sorted(
            configured | {name for name, each in seen.items() if each.old or each.new or each.called}
        )
        cards = []
        for name in names if only is None else {only} & set(names):
            cards.append(build(name, seen[name], verdicts, window, now, configured=name in configured))
            await asyncio.sleep(0)  # calls are served by the same loop
        return cards, seen


def uses_of(seen: Overview, operation: str | None = None) -> list[OperationUse]:
    """Who uses which old operation, or this one, by operation, the one that calls it most first."""
    uses = [use for each in seen.integrations for use in each.operations if operation in (None, use.operation)]
    return sorted(uses, key=lambda each: (each.operation, -each.calls, each.integration))


async def logins(
    store: Store, integration: str | None = None, *, start: int = 0, most: int = 5, text: str = ""
) -> LoginPage:
    """Refused logins, those that came last first, of one integration or of all."""
    async with store.reading() as connection:
        return await rows.logins(connection, integration, start, most, text)


async def planned(store: Store, now: datetime, integration: str) -> list[ShownBrownout]:
    """Planned refusals of 2.5 calls that are under way or to come."""
    async with store.reading() as connection:
        return await rows.planned(connection, now, integration)


async def _seen(
    connection: AsyncConnection,
    window: Window,
    now: datetime,
    only: str | None,
    climbing: Collection[str],
) -> defaultdict[str, LastSeen]:
    seen: defaultdict[str, LastSeen] = defaultdict(LastSeen)
    uses, days = await read(connection, window, only)
    for use in uses:
        if use.side == "old":
            seen[use.integration].old.append(use)
        else:
            seen[use.integration].new[use.operation] = use
    for count in days:
        seen[count.integration].days.append(count)
    rungs = await rows.placed(connection, only)
    for placed in rungs:
        seen[placed.integration].rungs[placed.operation] = placed
    climbing = {*climbing, *(each.integration for each in rungs)}
    kinds, climbed = await rows.met(connection, window, now, only, climbing)
    for name, operation, codes in kinds:
        seen[name].met[operation] = codes
    for met in climbed:
        seen[met.integration].climbed(met)
    for name, called in (await rows.called(connection, only)).items():
        seen[name].called = called
    for fault in await rows.faults(connection, window, only):
        seen[fault.integration].faults.append(fault)
    return seen


def _about(written: Integration | None, note: rows.Note | None) -> About:
    """Notes of the page over those of the configuration."""
    about = About()
    if written is not None:
        about = About(written.owner or "", written.contact or "", written.link or "", written.notes or "")
    return about if note is None else replace(about, notes=note.text, by=note.who, at=note.at)


def _failing_first(card: Scorecard) -> tuple[bool, int, bool, int, int, str]:
    """Who fails needs help today; after that, the most left to do."""
    failing = card.failures.failing
    faults = card.failures.faults.week if failing else 0
    return not failing, -faults, card.done, -card.left, -card.old_calls, card.integration


def _sum(of: Iterable[tuple[Day, ...]]) -> tuple[Day, ...]:
    return tuple(
        Day(each[0].day, sum(day.old for day in each), sum(day.new for day in each))
        for each in zip(*of, strict=True)
    )
