"""Pages to read: each asks the desk and renders a template. What is asked for stands in the address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from shim.edge.backend.dialect import not_described
from shim.edge.porting.reach import Reach
from shim.review.output.code_samples import copied
from shim.review.output.printed import printed
from shim.review.page import forms
from shim.review.page.desk import ReviewDesk
from shim.review.page.forms import BrownoutForm
from shim.review.page.lists import (
    PagePart,
    Used,
    by_porting,
    fits,
    kinds_of,
    listed,
    owner_of,
    sorted_findings,
    sorted_operations,
    urgent,
)
from shim.review.page.site import Site
from shim.review.page.templates import link
from shim.review.reading.model import FindingFilter, OperationUse, Scorecard
from shim.review.reading.scorecard import is_nameless

_ROWS, _CARDS = 100, 24
"""Findings and integrations on a page."""
_OPERATIONS, _USERS, _SCORED, _SHOWN = 25, 5, 40, 25
"""2.5 operations on a page, who uses each, those of one integration, and what is shown of other lists."""
_FILTERS = (
    "text", "integration", "operation", "severity", "show", "code", "since", "until", "sort", "group",
)  # fmt: skip
_SHOWN_LOGINS, _LISTED_LOGINS = 5, 20
"""Refused logins on the overview and on the page of an integration."""
_TYPED = "%Y-%m-%dT%H:%M"
"""As browsers have a date and time in a form."""
_CHOICES = (
    ("acknowledge", "Acknowledge", "somebody is on it"),
    ("fixed", "Declare fixed", "verified by the next call without it, new again when it comes back"),
    ("ignore", "Ignore", "until a day or for good; needs a reason"),
    ("reopen", "Reopen", "new again, whatever was said"),
    ("note", "Only note something", "its state stays"),
)
_BUTTON_OF = {"new": "reopen", "acknowledged": "acknowledge", "ignored": "ignore"}


class ReviewPages:
    """Handlers of GET, and the pages that a form comes back to when it cannot be taken."""

    def __init__(self, site: Site, desk: ReviewDesk) -> None:
        self._site = site
        self._desk = desk

    async def overview(self, request: web.Request) -> web.Response:
        days = forms.days(request.query)
        seen = await self._desk.overview(days)
        now = self._desk.now()
        named = [card for card in seen.integrations if not is_nameless(card.integration)]
        active = [card for card in named if card.operations or card.last_old]
        chosen = forms.integration_list(request.query)
        cards = listed(seen.integrations, chosen)
        page = PagePart.of(request.query, len(cards), _CARDS)
        shown = cards[page.start : page.end]
        kept = {**_kept_days(days), **chosen.query}
        sunset, today = self._desk.sunset, now.date()
        end = seen.trend.zero
        return await self._site.render(
            request,
            "overview.html",
            seen=seen,
            version=self._desk.dialect.version,
            caution=not_described(self._desk.dialect),
            days=days,
            windows=forms.WINDOWS,
            groups=[
                (owner, list(each))
                for owner, each in groupby(shown, key=lambda card: owner_of(card) if chosen.group else "")
            ],
            cards_before={card.integration: at for at, card in enumerate(shown, 1)},
            total=len(cards),
            chosen=chosen,
            owners=sorted({owner_of(card) for card in seen.integrations if card.configured}),
            shows=forms.SHOWS,
            sorts=forms.SORTS,
            previous=page.before and link("", **kept, page=page.before),
            following=page.after and link("", **kept, page=page.after),
            quiet=not any(card.operations or card.last_old for card in seen.integrations),
            active=len(active),
            silent=len(named) - len(active),
            done=sum(card.done for card in active),
            failing=[card for card in seen.integrations if card.failures.failing],
            unknown_per_day=sum(card.old_calls for card in seen.integrations if is_nameless(card.integration))
            / seen.observed,
            past_findings=sum(card.past_findings for card in seen.integrations),
            logins=await self._desk.logins(most=_SHOWN_LOGINS),
            sunset=sunset,
            today=today,
            late=sunset is not None and (sunset <= today or (end is not None and end > sunset)),
            urgent=urgent(await self._desk.findings(FindingFilter(open=True, serious=True)), seen),
            running=[each for each in await self._desk.brownouts() if each.state(now) == "running"],
            exceptions=await self._desk.exceptions(),
        )

    async def integration(self, request: web.Request) -> web.Response:
        return await self.show_integration(request, typed=self._site.typed(request))

    async def show_integration(
        self,
        request: web.Request,
        status: int = 200,
        problem: str | None = None,
        typed: Mapping[str, Any] | None = None,
    ) -> web.Response:
        card = await self.card(request)
        name = card.integration
        left, ported = by_porting(card.operations)
        past = {each.operation for each in ported}
        findings = await self._desk.findings(FindingFilter(integration=name, open=True))
        logins = await self._desk.logins(name, most=_LISTED_LOGINS)
        page = PagePart.of(request.query, len(left), _SCORED)
        about = [each for each in findings if each.operation not in past]
        beyond = [each for each in findings if each.operation in past]
        kept = _kept_days(forms.days(request.query))
        return await self._site.render(
            request,
            "integration.html",
            status,
            card=card,
            typed={name: forms.text(typed or {}, name) for name in ("notes", "text", "operation", "rung")},
            open_uses=left[page.start : page.end],
            ported_uses=ported[:_SCORED],
            previous=page.before and link("integrations", name, **kept, page=page.before),
            following=page.after and link("integrations", name, **kept, page=page.after),
            next=left[0] if left else None,
            findings=about[:_SHOWN],
            past_findings=beyond[:_SHOWN],
            more_findings=len(about) - len(about[:_SHOWN]),
            more_past=len(beyond) - len(beyond[:_SHOWN]),
            standings=await self._desk.standings(name),
            steps=await self._desk.steps(name),
            exceptions=await self._desk.exceptions(name),
            refused_by_locks=await self._desk.refused_by_locks(name),
            logins=logins,
            login_forms=await self._desk.login_forms(name),
            sunset=self._desk.sunset,
            today=self._desk.now().date(),
            problem=problem,
        )

    async def card(self, request: web.Request) -> Scorecard:
        """The scorecard that the address names. Raises HTTPNotFound."""
        card = await self._desk.scorecard(request.match_info["integration"], forms.days(request.query))
        if card is None:
            raise web.HTTPNotFound(text="No integration of that name is configured, and none was ever seen.")
        return card

    async def sure(
        self, request: web.Request, card: Scorecard, move: forms.Move, hit: list[OperationUse]
    ) -> web.Response:
        """Ask before operations are locked that are still called."""
        return await self._site.render(
            request,
            "sure.html",
            integration=card.integration,
            operation=move.operation,
            text=move.text,
            per_day=sum(each.per_day for each in hit),
            last=max(each.last_seen for each in hit),
        )

    async def findings(self, request: web.Request) -> web.Response:
        return await self.show_findings(request, request.query, typed=self._site.typed(request))

    async def show_findings(
        self,
        request: web.Request,
        query: Mapping[str, str],
        status: int = 200,
        problem: str | None = None,
        typed: Mapping[str, Any] | None = None,
    ) -> web.Response:
        chosen = forms.finding_filter(query)
        sort = forms.choice(query, "sort", forms.FINDING_SORTS)
        findings = sorted_findings(await self._desk.findings(chosen), sort)
        kinds = kinds_of(findings) if query.get("group") == "kind" else None
        integrations, codes = await self._desk.finding_choices()
        page = PagePart.of(query, len(findings), _ROWS)
        kept = {name: value for name, value in query.items() if name in _FILTERS and value}
        return await self._site.render(
            request,
            "findings.html",
            status,
            problem=problem,
            typed={name: forms.text(typed or {}, name) for name in ("do", "text", "until")},
            choices=[each for each in _CHOICES if each[0] != "note"],
            kinds=kinds,
            of_kind=lambda code: link("findings", **{**kept, "code": code, "group": None}),
            sort=sort,
            sorts=forms.FINDING_SORTS,
            filter=urlencode(kept),
            rows=findings[page.start : page.end],
            total=len(findings),
            first=page.start + 1,
            chosen=chosen,
            query=query,
            filtered=any(query.values()),
            integrations=integrations,
            codes=codes,
            same=lambda name: link("export", name, **kept),
            previous=page.before and link("findings", **kept, page=page.before),
            following=page.after and link("findings", **kept, page=page.after),
        )

    async def finding(self, request: web.Request) -> web.Response:
        return await self.show_finding(request, typed=self._site.typed(request))

    async def show_finding(
        self,
        request: web.Request,
        status: int = 200,
        problem: str | None = None,
        typed: Mapping[str, Any] | None = None,
    ) -> web.Response:
        finding = await self._desk.finding(int(request.match_info["id"]))
        if finding is None:
            raise web.HTTPNotFound(text="There is no finding of that number.")
        typed = typed or {}
        card = await self._desk.scorecard(finding.row.integration, forms.days({}))
        callers = card.callers if card else ()
        sample = finding.sample.calls if finding.sample else ()
        return await self._site.render(
            request,
            "finding.html",
            status,
            page=finding,
            calls=[copied(call, self._desk.base, callers) for call in sample],
            choices=[
                each for each in _CHOICES if each[0] != _BUTTON_OF.get(finding.row.state) or each[0] == "ignore"
            ],
            typed={name: forms.text(typed, name) for name in ("do", "text", "until")},
            problem=problem,
        )

    async def logins(self, request: web.Request) -> web.Response:
        """Logins that were refused, of one integration or of all."""
        name, text = forms.text(request.query, "integration"), forms.text(request.query, "text")
        kept = {"integration": name, "text": text}
        number = forms.page_number(request.query)
        uses = await self._desk.logins(name or None, (number - 1) * _ROWS, _ROWS, text)
        page = PagePart.of(request.query, uses.total, _ROWS)
        if page.start and not uses.rows:
            uses = await self._desk.logins(name or None, page.start, _ROWS, text)
        return await self._site.render(
            request,
            "logins.html",
            uses=uses,
            first=page.start + 1,
            text=text,
            integration=name,
            previous=page.before and link("logins", **kept, page=page.before),
            following=page.after and link("logins", **kept, page=page.after),
        )

    async def operations(self, request: web.Request) -> web.Response:
        query = request.query
        days, text = forms.days(query), forms.text(query, "text")
        show = forms.choice(query, "show", forms.OPERATION_SHOWS)
        sort = forms.choice(query, "sort", forms.OPERATION_SORTS)
        uses = [each for each in await self._desk.operations(days) if fits(each, text.lower())]
        groups = [Used(name, tuple(each)) for name, each in groupby(uses, key=lambda use: use.operation)]
        shown = sorted_operations([each for each in groups if each.shows(show)], sort)
        page = PagePart.of(query, len(shown), _OPERATIONS)
        kept = {"text": text, "show": show, "sort": sort, **_kept_days(days)}
        return await self._site.render(
            request,
            "operations.html",
            groups=shown[page.start : page.end],
            total=len(shown),
            first=page.start + 1,
            most_users=_USERS,
            days=days,
            text=text,
            show=show,
            shows=forms.OPERATION_SHOWS,
            sort=sort,
            sorts=forms.OPERATION_SORTS,
            previous=page.before and link("operations", **kept, page=page.before),
            following=page.after and link("operations", **kept, page=page.after),
        )

    async def operation(self, request: web.Request) -> web.Response:
        """One operation of 2.5: what becomes of it, and who uses it. Raises HTTPNotFound."""
        name, days = request.match_info["operation"], forms.days(request.query)
        if not self._desk.knows(name):
            raise web.HTTPNotFound(text="There is no such operation in SystemAPI 2.5.")
        uses, kept = await self._desk.operations(days, name), _kept_days(days)
        page = PagePart.of(request.query, len(uses), _ROWS)
        return await self._site.render(
            request,
            "operation.html",
            name=name,
            mapping=self._desk.mapping(name),
            base=self._desk.base,
            uses=uses[page.start : page.end],
            total=len(uses),
            days=days,
            previous=page.before and link("operations", name, **kept, page=page.before),
            following=page.after and link("operations", name, **kept, page=page.after),
        )

    async def letter(self, request: web.Request) -> web.Response:
        """The letter to the author of an integration, to read and to print. Raises HTTPNotFound."""
        card = await self.card(request)
        findings = await self._desk.pages(FindingFilter(integration=card.integration, open=True))
        text = await self._desk.letter(card, findings)
        html = await asyncio.to_thread(printed, text)
        return await self._site.render(request, "letter.html", card=card, letter=html)

    async def brownouts(self, request: web.Request) -> web.Response:
        return await self.show_brownouts(request)

    async def show_brownouts(
        self,
        request: web.Request,
        status: int = 200,
        problem: str | None = None,
        typed: Mapping[str, Any] | None = None,
        trial: tuple[BrownoutForm, Reach] | None = None,
    ) -> web.Response:
        now = self._desk.now()
        all_of_them = await self._desk.brownouts()
        seen = await self._desk.overview(30)
        used = sorted({use.operation for card in seen.integrations for use in card.operations})
        plan, reach = trial or (None, None)
        length = (plan.ends_at - plan.starts_at) if plan else None
        names = ("integration", "operation", "starts", "ends", "text", "link")
        return await self._site.render(
            request,
            "brownouts.html",
            status,
            ahead=[each for each in all_of_them if each.state(now) in ("running", "planned")],
            past=[each for each in reversed(all_of_them) if each.state(now) not in ("running", "planned")][
                :_SHOWN
            ],
            integrations=[card.integration for card in seen.integrations],
            operations=used,
            services=sorted({name.partition(".")[0] for name in used}),
            typed={name: forms.text(typed or {}, name) for name in names},
            starts=f"{_next_hour(now):{_TYPED}}",
            ends=f"{_next_hour(now) + timedelta(minutes=30):{_TYPED}}",
            problem=problem,
            plan=plan,
            trial=reach,
            expected=sum(reach.expected(hit, length) for hit in reach.hits) if reach and length else 0,
        )


def _next_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _kept_days(days: int) -> dict[str, int | None]:
    """The days that are looked at, as a field of an address."""
    return {"days": days if days != forms.USUAL_DAYS else None}
