"""The page that tells what a change would touch before it is made. Nothing is changed by it."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import web

from shim.core.admit import ALL, pattern_problem
from shim.core.commands.caller import Rung
from shim.core.findings import KINDS, Code
from shim.core.login_forms import WORDS, LoginForm, LoginRung
from shim.core.policies import GOVERNED, Do, Policy
from shim.review.output.labels import RUNGS
from shim.review.page import forms
from shim.review.page.desk import ReviewDesk
from shim.review.page.forms import WrongForm
from shim.review.page.lists import PagePart
from shim.review.page.site import Site
from shim.review.page.templates import link
from shim.review.reading import changes
from shim.review.reading.changes import StateChange
from shim.review.reading.impact import Impact

_ROWS = 50
_RELEASE_ROWS = 200
_LARGEST_FILE = 8 * 1024 * 1024
"""Bytes of a coverage file: that of 161 operations has about one million."""

CHANGES: Mapping[str, Mapping[str, str]] = {
    "Rung": {f"rung:{rung}": f"Rung {word.name}" for rung, word in RUNGS.items()},
    "Lock and brownout": {
        "brownout": "A brownout, as if it lasted all these days",
        "exception": "The end of exceptions to locks",
    },
    "Policy": {
        "policy:emulate": "Policy emulate",
        "policy:drop": "Policy drop",
        "policy:refuse": "Policy refuse",
    },
    "Login": {
        f"login:{form}:{rung}": f"{words[0].upper()}{words[1:]}: {rung}"
        for form, words in WORDS.items()
        for rung in ("warn", "refuse")
    },
    "Integration": {"disable": "The integration disabled"},
}
"""The changes that can be tried: the value of the form's field, and its name, by group."""


@dataclass(frozen=True, slots=True)
class ImpactForm:
    """A change that is tried: `change` is a value of CHANGES, integration and operation a name or `*`."""

    change: str
    integration: str
    operation: str
    path: str
    finding: Code | None
    days: int

    @property
    def query(self) -> dict[str, str | int | None]:
        """The same as fields of an address."""
        return {
            "change": self.change,
            "integration": self.integration,
            "operation": self.operation,
            "path": self.path,
            "finding": self.finding,
            "days": self.days,
        }

    @property
    def command(self) -> str | None:
        """The same on the command line; None where it has no word for it."""
        what, _, value = self.change.partition(":")
        scope = [self.integration, self.operation]
        match what:
            case "rung":
                words = ["rung", *scope, value]
            case "brownout" | "exception":
                words = [what, *scope]
            case "login":
                words = ["login", self.integration, *value.split(":")]
            case "policy":
                flags = {"--integration": scope[0], "--operation": scope[1], "--path": self.path}
                given = [word for flag, text in flags.items() if text not in ("", ALL) for word in (flag, text)]
                words = ["policy", value, *given, *(["--finding", self.finding] if self.finding else [])]
            case _:
                return None
        return f"shim impact {shlex.join(words)} --days {self.days}"

    def state_change(self) -> StateChange | None:
        """The change of states that it is; None for a brownout, which changes none."""
        what, _, value = self.change.partition(":")
        match what:
            case "rung":
                return changes.rung_set(self.integration, self.operation, cast("Rung", value))
            case "exception":
                return changes.exception_ended(self.integration, self.operation)
            case "policy":
                policy = Policy(cast("Do", value), self.operation, self.path or ALL, self.finding)
                return changes.policy_added(self.integration, policy)
            case "login":
                form, _, rung = value.partition(":")
                return changes.login_set(self.integration, cast("LoginForm", form), cast("LoginRung", rung))
            case "disable":
                return changes.disabled(self.integration)
            case _:
                return None


class ImpactPage:
    """Handlers of the page."""

    def __init__(self, site: Site, desk: ReviewDesk) -> None:
        self._site = site
        self._desk = desk

    async def show(self, request: web.Request) -> web.Response:
        """The impact of the change in the address; without one, only the form."""
        query = request.query
        if not query.get("change"):
            return await self._page(request, query)
        try:
            question = self._question(query)
        except WrongForm as wrong:
            return await self._page(request, query, 422, str(wrong))
        impact = await self._desk.impact(
            question.integration, question.operation, question.state_change(), question.days
        )
        page = PagePart.of(query, len(impact.touches), _ROWS)
        return await self._page(
            request,
            query,
            impact=impact,
            touches=impact.touches[page.start : page.end],
            command=question.command,
            previous=page.before and link("impact", **question.query, page=page.before),
            following=page.after and link("impact", **question.query, page=page.after),
        )

    async def release(self, request: web.Request) -> web.Response:
        """The impact of another release, by the coverage that it prints."""
        form = await self._site.form(request.clone(client_max_size=_LARGEST_FILE))
        given = form.get("coverage")
        days = forms.days({"days": forms.text(form, "days")})
        try:
            if not isinstance(given, web.FileField):
                raise WrongForm(
                    "Choose a file: what `shim coverage --format json` of the other release prints."
                )
            with given.file as file:
                paths = await asyncio.to_thread(_paths_of, file.read())
            impact = await self._desk.release_impact(paths, days)
        except WrongForm as wrong:
            return await self._page(request, {}, 422, str(wrong))
        shown = impact.touches[:_RELEASE_ROWS]
        return await self._page(
            request, {"days": str(days)}, impact=impact, touches=shown, more=len(impact.touches) - len(shown)
        )

    def _question(self, query: Mapping[str, str]) -> ImpactForm:
        """Raises WrongForm."""
        change = forms.text(query, "change")
        if not any(change in group for group in CHANGES.values()):
            raise WrongForm("Choose a change that the list has.")
        integration = forms.text(query, "integration") or ALL
        if integration not in (ALL, *self._desk.names()):
            raise WrongForm(f"There is no integration {integration}.")
        operation = forms.text(query, "operation") or ALL
        if problem := pattern_problem(self._desk.application.catalogue.old, operation):
            raise WrongForm(f"{problem[0].upper()}{problem[1:]}.")
        finding = next((code for code in GOVERNED if code == query.get("finding")), None)
        path = forms.text(query, "path")
        return ImpactForm(change, integration, operation, path, finding, forms.days(query))

    async def _page(
        self,
        request: web.Request,
        query: Mapping[str, str],
        status: int = 200,
        problem: str | None = None,
        impact: Impact | None = None,
        **more: Any,
    ) -> web.Response:
        operations = sorted(self._desk.application.catalogue.old.operations)
        nothing: dict[str, Any] = dict.fromkeys(("command", "previous", "following", "more"))
        names = ("change", "integration", "operation", "path", "finding")
        return await self._site.render(
            request,
            "impact.html",
            status,
            problem=problem,
            impact=impact,
            typed={name: forms.text(query, name) for name in names},
            days=forms.days(query),
            windows=forms.WINDOWS,
            changes=CHANGES,
            integrations=self._desk.names(),
            services=sorted({each.partition(".")[0] for each in operations}),
            operations=operations,
            codes={code: KINDS[code].title for code in sorted(GOVERNED)},
            **{"touches": (), **nothing, **more},
        )


def _paths_of(file: bytes) -> Any:
    """The paths of a coverage file. Raises WrongForm."""
    try:
        return json.loads(file)["paths"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise WrongForm("This is not what `shim coverage --format json` prints.") from None
