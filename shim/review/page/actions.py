"""Forms: each reads what was typed, changes one thing in the name of who is logged in, and goes back to a page.

What cannot be taken comes back as the same page with the reason, and with what was typed. Nothing changes by
reading a page.
"""

from __future__ import annotations

from typing import NoReturn
from urllib.parse import parse_qsl

from aiohttp import web

from shim.core.admit import ALL, covers
from shim.review.output.labels import RUNGS, moment, several
from shim.review.page import forms
from shim.review.page.desk import ReviewDesk
from shim.review.page.forms import WrongForm
from shim.review.page.pages import ReviewPages
from shim.review.page.site import Site
from shim.review.page.templates import link


class Actions:
    """Handlers of POST."""

    def __init__(self, site: Site, desk: ReviewDesk, pages: ReviewPages) -> None:
        self._site = site
        self._desk = desk
        self._pages = pages

    async def say(self, request: web.Request) -> web.Response:
        """Change a finding's state, or note something."""
        form = await self._site.form(request)
        id = int(request.match_info["id"])
        try:
            await self._desk.say(id, forms.read_state(form), self._site.user(request))
        except WrongForm as wrong:
            return await self._pages.show_finding(request, 422, str(wrong), form)
        self._site.say(request, "Your note was added." if forms.text(form, "do") == "note" else "It was saved.")
        raise web.HTTPSeeOther(link("findings", id))

    async def say_of_all(self, request: web.Request) -> web.Response:
        """Change the state of the findings that were chosen, or of all that fit the filter."""
        form = await self._site.form(request)
        query = dict(parse_qsl(forms.text(form, "filter")))
        ids = forms.numbers(form, "id")
        try:
            state = forms.read_state(form)
            if forms.text(form, "all") == "yes":
                ids = [each.id for each in await self._desk.findings(forms.finding_filter(query))]
            changed = await self._desk.say_of_all(ids, state, self._site.user(request))
        except WrongForm as wrong:
            return await self._pages.show_findings(request, query, 422, str(wrong), form)
        self._site.say(request, f"{several(changed, 'finding')} changed.")
        raise web.HTTPSeeOther(link("findings", **query))

    async def move(self, request: web.Request) -> web.Response:
        """Put an operation, or all, on a rung. What is still called is locked only when that was confirmed."""
        form = await self._site.form(request)
        card = await self._pages.card(request)
        try:
            move = forms.move(form)
            hit = [each for each in card.operations if each.calls and covers(move.operation, each.operation)]
            if move.rung == "locked" and hit and not move.sure:
                return await self._pages.sure(request, card, move, hit)
            who = self._site.user(request)
            await self._desk.set_rung(card.integration, move.operation, move.rung, who, move.text)
        except WrongForm as wrong:
            return await self._pages.show_integration(request, 422, str(wrong), form)
        self._site.say(request, f"{_scope(move.operation)}: the rung is {RUNGS[move.rung].name} now.")
        raise web.HTTPSeeOther(link("integrations", card.integration))

    async def notes(self, request: web.Request) -> web.Response:
        """Write what is worth knowing of an integration."""
        form = await self._site.form(request)
        card = await self._pages.card(request)
        try:
            await self._desk.write_notes(card.integration, forms.text(form, "notes"), self._site.user(request))
        except WrongForm as wrong:
            return await self._pages.show_integration(request, 422, str(wrong), form)
        self._site.say(request, "The notes were saved.")
        raise web.HTTPSeeOther(link("integrations", card.integration))

    async def reset(self, request: web.Request) -> NoReturn:
        """Let the configuration decide about an operation's rung again."""
        form = await self._site.form(request)
        name, operation = request.match_info["integration"], forms.text(form, "operation")
        if await self._desk.reset_rung(name, operation, self._site.user(request)):
            self._site.say(request, f"{_scope(operation)}: what was set is taken back.")
        raise web.HTTPSeeOther(link("integrations", name))

    async def grant(self, request: web.Request) -> web.Response:
        """Let locked calls pass for a while."""
        form = await self._site.form(request)
        card = await self._pages.card(request)
        try:
            asked_for = forms.exception(form)
            await self._desk.grant(card.integration, asked_for, self._site.user(request))
        except WrongForm as wrong:
            return await self._pages.show_integration(request, 422, str(wrong), form)
        self._site.say(
            request, f"{_scope(asked_for.operation)}: locked calls pass until {moment(asked_for.until)}."
        )
        raise web.HTTPSeeOther(link("integrations", card.integration))

    async def end(self, request: web.Request) -> NoReturn:
        """End an exception before its time."""
        form = await self._site.form(request)
        ended = await self._desk.end_exception(forms.text(form, "id"), self._site.user(request))
        self._site.say(request, "The exception is over." if ended else "It was over already.")
        raise web.HTTPSeeOther(link("integrations", request.match_info["integration"]))

    async def brownout(self, request: web.Request) -> web.Response:
        """Plan a brownout, or show what it would hit."""
        form = await self._site.form(request)
        try:
            plan = forms.plan(form, self._desk.now())
            if forms.text(form, "do") != "plan":
                trial = (plan, await self._desk.reach(plan))
                return await self._pages.show_brownouts(request, typed=form, trial=trial)
            await self._desk.plan(plan, self._site.user(request))
        except WrongForm as wrong:
            return await self._pages.show_brownouts(request, 422, str(wrong), form)
        self._site.say(request, f"The brownout is planned, from {moment(plan.starts_at)}.")
        raise web.HTTPSeeOther(link("brownouts"))

    async def stop(self, request: web.Request) -> NoReturn:
        """Stop a brownout that runs, or cancel one that is planned."""
        await self._site.form(request)
        if await self._desk.stop(request.match_info["id"], self._site.user(request)):
            self._site.say(request, "The brownout is stopped. Calls pass again within two seconds.")
        else:
            self._site.say(request, "There was nothing to stop: it is over.")
        raise web.HTTPSeeOther(link("brownouts"))


def _scope(operation: str) -> str:
    return "All operations" if operation == ALL else operation
