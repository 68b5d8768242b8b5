"""Reads and changes of the pages, bound to a running shim: one place that knows store, catalogue and clock."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from shim.core.commands.caller import Rung
from shim.edge.app import Application
from shim.edge.porting import ladder
from shim.edge.porting.brownouts import PlannedBrownout, PortingRefused, read_brownouts
from shim.edge.porting.exceptions import (
    LockedCalls,
    LockException,
    end_exception,
    grant_exception,
    read_exceptions,
    refused_by_locks,
)
from shim.edge.porting.reach import Reach, reach
from shim.edge.store.database import Store
from shim.interfaces.load import Dialect
from shim.review.output.letter import letter
from shim.review.output.terms import base_of, terms
from shim.review.page.forms import BrownoutForm, ExceptionForm, StateForm, WrongForm
from shim.review.page.recent import Recent
from shim.review.reading import finding_queries, impact, notes, queries, states
from shim.review.reading.changes import StateChange
from shim.review.reading.impact import Impact
from shim.review.reading.logins import RetiredLogin, login_uses, retired
from shim.review.reading.mapping import OperationMap, mapping_of
from shim.review.reading.model import (
    FindingFilter,
    FindingPage,
    FindingRow,
    LoginPage,
    OperationUse,
    Overview,
    Scorecard,
)
from shim.review.reading.queries import Review

REACH_DAYS = 7
"""Days that a dry run looks back."""
PATIENCE = 5.0
"""Seconds that a page waits for a store that something else writes into."""


@dataclass(frozen=True, slots=True)
class ReviewDesk:
    """Everything that the pages show and do. Raises StoreError when the store fails, and Wrong (with a
    sentence for the person) when a change cannot be taken."""

    application: Application
    recent: Recent = field(default_factory=Recent)

    def now(self) -> datetime:
        return self.application.store.now()

    @property
    def store(self) -> Store:
        """The store, which does not let people wait for long."""
        return self.application.store.within(PATIENCE)

    @property
    def base(self) -> str:
        """The address that callers use, without a path."""
        return base_of(self.application.config)

    @property
    def dialect(self) -> Dialect:
        """How v3 is spoken to."""
        return self.application.performers.backend.dialect

    @property
    def sunset(self) -> date | None:
        """The day from which 2.5 calls may fail."""
        return self.application.config.deprecation.sunset

    async def logins(
        self, integration: str | None = None, start: int = 0, most: int = 5, text: str = ""
    ) -> LoginPage:
        """Refused logins, those that came last first."""
        return await queries.logins(self.store, integration, start=start, most=most, text=text)

    async def overview(self, days: int) -> Overview:
        async def read() -> Overview:
            return await self._review().overview(self.now(), days)

        return await self.recent.get(days, read)

    async def scorecard(self, integration: str, days: int) -> Scorecard | None:
        return await self._review().scorecard(self.now(), integration, days)

    def _review(self) -> Review:
        """By the settings as they are now."""
        return Review(self.store, self.application.catalogue, self.application.config)

    async def operations(self, days: int, operation: str | None = None) -> Sequence[OperationUse]:
        """Who uses which old operation, or one of them, by operation, the one that calls it most first."""
        return queries.uses_of(await self.overview(days), operation)

    async def findings(self, chosen: FindingFilter) -> Sequence[FindingRow]:
        app = self.application
        return await finding_queries.findings(self.store, self.now(), chosen, catalogue=app.catalogue)

    async def finding_choices(self) -> tuple[list[str], list[str]]:
        """(integrations, codes) of which there are findings."""
        return await finding_queries.finding_choices(self.store)

    async def say_of_all(self, ids: Collection[int], state: StateForm, who: str) -> int:
        """StateChange the state of many findings at once; how many."""
        if state.state is None:
            raise WrongForm("A note is written on one finding.")
        if not ids:
            raise WrongForm("Choose findings first.")
        self.recent.forget()
        store, now = self.store, self.now()
        try:
            return await states.change_all(store, ids, state.state, who, state.text, state.until, now=now)
        except states.StateRefused as refused:
            raise WrongForm(str(refused)) from None

    async def pages(self, chosen: FindingFilter) -> Sequence[FindingPage]:
        """Findings with meaning and sample, without days and history."""
        app = self.application
        return await finding_queries.pages(self.store, self.now(), chosen, catalogue=app.catalogue)

    async def login_forms(self, integration: str) -> list[RetiredLogin]:
        """The forms of login that an integration used lately, and how far each still may be."""
        uses = await login_uses(self.store, self.now(), integration=integration)
        configured = self.application.integration(integration)
        forms = configured.login_forms if configured is not None else None
        return retired(uses.get(integration, ()), forms, self.now())

    async def letter(self, card: Scorecard, pages: Sequence[FindingPage]) -> str:
        """The letter to the author of an integration, Markdown."""
        planned = await queries.planned(self.store, self.now(), card.integration)
        app, logins = self.application, await self.login_forms(card.integration)
        words = terms(app.config, app.catalogue)
        write = partial(letter, card, pages, self.now(), planned=planned, terms=words, logins=logins)
        return await asyncio.to_thread(write)  # models of its calls are dry runs

    def mapping(self, operation: str) -> OperationMap | None:
        """The mapping of an operation of 2.5."""
        return mapping_of(self.application.catalogue, operation)

    def knows(self, operation: str) -> bool:
        """True if there is such an operation in 2.5."""
        return operation in self.application.catalogue.old.operations

    async def write_notes(self, integration: str, text: str, who: str) -> None:
        """Write what is worth knowing of an integration; nothing takes it back to the configuration's."""
        self.recent.forget()
        try:
            await notes.write(self.store, integration, text, who)
        except notes.NoteRefused as refused:
            raise WrongForm(str(refused)) from None

    async def finding(self, id: int) -> FindingPage | None:
        app = self.application
        return await finding_queries.finding(self.store, self.now(), id, catalogue=app.catalogue)

    async def say(self, id: int, state: StateForm, who: str) -> None:
        """StateChange a finding's state, or add a note to it."""
        self.recent.forget()
        store, now = self.store, self.now()
        try:
            if state.state is None:
                await states.note(store, id, who, state.text, now=now)
            else:
                await states.change(store, id, state.state, who, state.text, state.until, now=now)
        except states.StateRefused as refused:
            raise WrongForm(str(refused)) from None

    # ---- the porting ladder ----

    async def standings(self, integration: str) -> Sequence[ladder.RungStanding]:
        known = self.application.integration(integration)
        configured = known.porting if known else {}
        return ladder.standings(integration, configured, await ladder.rules(self.store))

    async def steps(self, integration: str) -> Sequence[ladder.RungChange]:
        return await ladder.history(self.store, integration, most=50)

    async def set_rung(self, integration: str, operation: str, rung: Rung, who: str, text: str) -> None:
        self.recent.forget()
        try:
            await ladder.set_rung(self.store, integration, operation, rung, who, text)
        except PortingRefused as refused:
            raise WrongForm(_sentence(refused)) from None

    async def reset_rung(self, integration: str, operation: str, who: str) -> bool:
        self.recent.forget()
        return await ladder.reset_rung(self.store, integration, operation, who)

    async def exceptions(self, integration: str | None = None) -> Sequence[LockException]:
        """Locked calls that pass for a while, of one integration or of all, the next to end first."""
        return await read_exceptions(self.store, integration)

    async def grant(self, integration: str, asked_for: ExceptionForm, who: str) -> None:
        try:
            await grant_exception(
                self.store,
                integration,
                asked_for.operation,
                asked_for.owner,
                asked_for.reason,
                asked_for.until,
                who,
            )
        except PortingRefused as refused:
            raise WrongForm(_sentence(refused)) from None

    async def end_exception(self, id: str, who: str) -> bool:
        """End one before its time; False when it is over."""
        return await end_exception(self.store, id, who) is not None

    async def refused_by_locks(self, integration: str) -> Sequence[LockedCalls]:
        """Calls that locks refused lately: what an exception could be granted for."""
        return await refused_by_locks(self.store, REACH_DAYS, integration)

    # ---- changes that are tried ----

    def names(self) -> list[str]:
        """Integrations as they are configured."""
        return sorted(each.name for each in self.application.config.integrations)

    async def impact(self, integration: str, operation: str, change: StateChange | None, days: int) -> Impact:
        """The impact of a change on the calls of the last days; None is a brownout of all these days."""
        app = self.application
        if change is None:
            return impact.brownout(await impact.seen(self.store, days), integration, operation)
        return await impact.compared(self.store, app.catalogue, app.config.integrations, days, change)

    async def release_impact(self, paths: Iterable[Mapping[str, Any]], days: int) -> Impact:
        """The impact of another release, by the paths of its coverage."""
        try:
            after = impact.coverage_of(paths)
        except (KeyError, TypeError):
            raise WrongForm("This is not what `shim coverage --format json` prints.") from None
        what, before = await impact.seen(self.store, days), impact.coverage(self.application.catalogue)
        return await asyncio.to_thread(impact.release, what, before, after)

    # ---- brownouts ----

    async def brownouts(self) -> Sequence[PlannedBrownout]:
        """All, those that are over too, by their start."""
        return await read_brownouts(self.store, everything=True)

    async def reach(self, plan: BrownoutForm) -> Reach:
        """Whom a brownout would have hit in the last days."""
        return await reach(self.store, plan.integration, plan.operation, REACH_DAYS)

    async def plan(self, plan: BrownoutForm, who: str) -> None:
        try:
            await ladder.plan_brownout(
                self.store,
                plan.integration,
                plan.operation,
                plan.starts_at,
                plan.ends_at,
                who,
                plan.text,
                plan.link,
            )
        except PortingRefused as refused:
            raise WrongForm(_sentence(refused)) from None

    async def stop(self, id: str, who: str) -> bool:
        """End or cancel a brownout; False when there was none to end."""
        return bool(await ladder.stop_brownout(self.store, id, who))


def _sentence(refused: PortingRefused) -> str:
    text = str(refused)
    return f"{text[0].upper()}{text[1:]}."
