"""Downloads: lists as CSV and JSON, and the letter to an integrator as Markdown."""

from __future__ import annotations

import re

from aiohttp import web

from shim.review.output import tables
from shim.review.page import forms
from shim.review.page.desk import ReviewDesk
from shim.review.reading.model import FindingFilter

_BOM = "\ufeff"
"""By it, spreadsheets know that a file is UTF-8."""
_TYPES = {"csv": "text/csv", "json": "application/json", "md": "text/markdown"}


class Exports:
    """Handlers of GET; each answers with a file."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    async def integrations_csv(self, request: web.Request) -> web.Response:
        return _file("integrations.csv", tables.integrations_csv(await self._desk.overview(_days(request))))

    async def integrations_json(self, request: web.Request) -> web.Response:
        return _file("integrations.json", tables.to_json(overview=await self._desk.overview(_days(request))))

    async def operations_csv(self, request: web.Request) -> web.Response:
        return _file("operations.csv", tables.operations_csv(await self._desk.operations(_days(request))))

    async def findings_csv(self, request: web.Request) -> web.Response:
        """Those that the same address without `export` and `.csv` would list."""
        findings = await self._desk.findings(forms.finding_filter(request.query))
        return _file("findings.csv", tables.findings_csv(findings))

    async def findings_json(self, request: web.Request) -> web.Response:
        """The same, with meanings and samples."""
        pages = await self._desk.pages(forms.finding_filter(request.query))
        return _file("findings.json", tables.to_json(findings=pages))

    async def letter(self, request: web.Request) -> web.Response:
        """The letter to the author of an integration. Raises HTTPNotFound."""
        name = forms.text(request.query, "integration")
        card = await self._desk.scorecard(name, _days(request))
        if card is None:
            raise web.HTTPNotFound(text="No integration of that name is configured, and none was ever seen.")
        pages = await self._desk.pages(FindingFilter(integration=name, open=True))
        return _file(f"{name}.md", await self._desk.letter(card, pages))


def _days(request: web.Request) -> int:
    return forms.days(request.query)


def _file(name: str, text: str) -> web.Response:
    name = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    kind = _TYPES[name.rpartition(".")[2]]
    if kind == "text/csv":
        text = f"{_BOM}{text}"
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)
