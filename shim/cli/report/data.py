"""The data of `shim report`, read in one go."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shim.core.catalogue.translation import Catalogue
from shim.core.findings import Severity
from shim.edge.settings.load import Config
from shim.edge.store.database import Store
from shim.review.output.terms import Terms, terms
from shim.review.reading import finding_queries, queries
from shim.review.reading.logins import LoginUse, RetiredLogin, login_uses, retired
from shim.review.reading.model import FindingFilter, FindingPage, FindingRow, Overview, Scorecard, ShownBrownout
from shim.review.reading.verdicts import SEVERITIES


@dataclass(frozen=True, slots=True)
class Report:
    """An overview, or one integration's card; findings that fit the filter, which an overview may lack.

    `logins` are the forms of login that calls of 2.5 came with, by integration; `retired` says how far those of
    the one that is asked for still may.
    `bad` are the severities of the open findings that count, of the operation that was asked for, or of all.
    """

    now: datetime
    overview: Overview | None
    card: Scorecard | None
    pages: Sequence[FindingPage]
    planned: Sequence[ShownBrownout]
    bad: Collection[Severity]
    filtered: bool
    terms: Terms
    logins: Mapping[str, Sequence[LoginUse]] = field(default_factory=dict)
    retired: Sequence[RetiredLogin] = ()

    @property
    def findings(self) -> list[FindingRow]:
        return [each.row for each in self.pages]


async def read(
    store: Store, catalogue: Catalogue, now: datetime, days: int, config: Config, which: FindingFilter
) -> Report | None:
    """The report; None when there is no such integration."""
    name = which.integration
    filtered = replace(which, integration=None) != finding_queries.ANY
    overview = card = None
    review = queries.Review(store, catalogue, config)
    if name is None:
        overview = await review.overview(now, days)
        cards: Sequence[Scorecard] = overview.integrations
    else:
        card = await review.scorecard(now, name, days)
        if card is None:
            return None
        cards = [card]
    logins = await login_uses(store, now, days, name)
    named = next((each for each in config.integrations if each.name == name), None)
    return Report(
        now=now,
        overview=overview,
        card=card,
        pages=await finding_queries.pages(store, now, which, catalogue=catalogue) if filtered or name else (),
        planned=await queries.planned(store, now, name) if name else (),
        bad=_bad(cards, which.operation),
        filtered=filtered,
        terms=terms(config, catalogue),
        logins=logins,
        retired=retired(logins.get(name or "", ()), named.login_forms if named else None, now),
    )


def _bad(cards: Sequence[Scorecard], operation: str | None) -> set[Severity]:
    if operation is None:
        return {severity for card in cards for severity in card.findings}
    uses = [each for card in cards for each in card.operations if each.operation == operation]
    return {each.worst for each in uses if each.worst is not None}


def as_bad(severities: Collection[Severity], least: Severity) -> bool:
    """True if one of them is that severe or worse."""
    return any(SEVERITIES.index(each) >= SEVERITIES.index(least) for each in severities)
