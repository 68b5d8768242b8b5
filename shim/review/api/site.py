"""The handlers of /api/v1, put on an admin listener beside the review page.

Laws: no answer without a token that is configured now; every change bears the token's name, as `api:NAME`, in
the history and so in the audit log; a problem is JSON, too, and says what to do.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from shim.core.errors import Fault
from shim.edge.app import Application
from shim.edge.settings.admin import AdminToken
from shim.edge.store.audit import audit_log
from shim.review.api.openapi import document
from shim.review.api.roles import may, refusal, token_of
from shim.review.api.routes import ROUTES, Change, Parameter, Route
from shim.review.output.tables import plain
from shim.review.page.desk import ReviewDesk
from shim.review.reading import states
from shim.review.reading.model import FindingFilter

log = structlog.get_logger()

PREFIX = "/api/v1"
_TOKEN = web.RequestKey("token", AdminToken)
_MOST_BODY = 64 << 10
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Arguments = Mapping[str, Any]
ApiAnswer = Callable[[web.Request, Arguments], Awaitable[Any]]


class Unread(Exception):
    """A parameter or a body that cannot be read; the text says which."""


def api(application: Application, admin: web.Application) -> None:
    """Add the interface to the admin listener of a shim."""
    site = Api(ReviewDesk(application))
    app = web.Application(middlewares=[site.guard], client_max_size=_MOST_BODY)
    app.router.add_get("/openapi.json", site.described)
    for route in ROUTES:
        app.router.add_route(route.method, route.path, site.handler(route))
    admin.add_subapp(PREFIX, app)


class Api:
    """One handler for each route: its name is that of a method here."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Problems as JSON, and the headers of every answer."""
        try:
            response = await handler(request)
        except Unread as unread:
            response = _problem(400, str(unread))
        except web.HTTPException as error:
            text = error.text or ""
            known = (
                text
                if not text.startswith(str(error.status))
                else f"{error.reason}: see {PREFIX}/openapi.json."
            )
            response = _problem(error.status, known)
        except Fault as fault:
            log.error("api failed", path=request.path, reason=fault.reason)
            response = _problem(503, fault.text)
        response.headers.update(_HEADERS)
        if response.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    async def described(self, request: web.Request) -> web.Response:
        return web.json_response(document())

    def handler(self, route: Route) -> Handler:
        """The handler of a route: who asks, with what, and the answer as JSON."""
        answer: ApiAnswer = getattr(self, route.name)

        async def handle(request: web.Request) -> web.StreamResponse:
            token = token_of(request.headers.get("Authorization"), self._desk.application.config.admin.tokens)
            if token is None:
                raise web.HTTPUnauthorized(
                    text="Send a token that admin.tokens knows, as `Authorization: Bearer TOKEN`."
                )
            if not may(token.role, route.role):
                raise web.HTTPForbidden(text=refusal(token.role, route.role))
            request[_TOKEN] = token
            arguments = {each.name: _argument(each, request) for each in route.parameters}
            result = await answer(request, arguments)
            body = _part(route, request, result, arguments) if route.paged else result
            return web.Response(text=await asyncio.to_thread(_json, body), content_type="application/json")

        return handle

    # ---- routes ----

    async def report(self, request: web.Request, given: Arguments) -> Any:
        return await self._desk.overview(given["days"])

    async def integrations(self, request: web.Request, given: Arguments) -> Any:
        return (await self._desk.overview(given["days"])).integrations

    async def integration(self, request: web.Request, given: Arguments) -> Any:
        card = await self._desk.scorecard(given["name"], given["days"])
        if card is None:
            raise web.HTTPNotFound(text="No integration of that name is configured, and none was ever seen.")
        return card

    async def operations(self, request: web.Request, given: Arguments) -> Any:
        return [
            each
            for each in await self._desk.operations(given["days"])
            if given["integration"] in (None, each.integration) and given["operation"] in (None, each.operation)
        ]

    async def findings(self, request: web.Request, given: Arguments) -> Any:
        names = ("integration", "operation", "code", "severity", "state", "open")
        which = FindingFilter(**{name: given[name] for name in names}, text=given["text"] or "")
        return await self._desk.findings(which)

    async def finding(self, request: web.Request, given: Arguments) -> Any:
        page = await self._desk.finding(given["id"])
        if page is None:
            raise web.HTTPNotFound(text="There is no finding of that number.")
        return page

    async def say(self, request: web.Request, given: Arguments) -> Any:
        await self.finding(request, given)
        change = await _body(request)
        text, state, until = change.get("text", ""), change.get("state"), _moment(change.get("until"), "until")
        who = f"api:{request[_TOKEN].name}"
        if not isinstance(text, str) or state not in (None, "new", "acknowledged", "ignored", "fixed"):
            raise Unread("The body is {text, state, until}: a text, and a state that can be said, or null.")
        store, now = self._desk.store, self._desk.now()
        try:
            if state is None:
                await states.note(store, given["id"], who, text, now=now)
            else:
                await states.change(store, given["id"], state, who, text, until, now=now)
        except states.StateRefused as refused:
            raise Unread(str(refused)) from None
        log.info("review change", user=who, path=request.path)
        return await self.finding(request, given)

    async def audit(self, request: web.Request, given: Arguments) -> Any:
        return [Change.of(each) for each in await audit_log(self._desk.store, _moment(given["since"], "since"))]


# ---- what comes in ----


def _argument(parameter: Parameter, request: web.Request) -> Any:
    """The value of a parameter. Raises Unread."""
    text = (
        request.match_info.get(parameter.name)
        if parameter.place == "path"
        else request.query.get(parameter.name)
    )
    schema = parameter.schema
    if text is None or text == "":
        return schema.get("default")
    if schema["type"] == "integer":
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
        if not text.isascii() or not text.isdecimal() or len(text) > 10 or not low <= int(text) <= high:
            raise Unread(f"{parameter.name} is a whole number from {low} to {high}.")
        return int(text)
    if schema["type"] == "boolean":
        if text not in ("true", "false"):
            raise Unread(f"{parameter.name} is true or false.")
        return text == "true"
    if "enum" in schema and text not in schema["enum"]:
        raise Unread(f"{parameter.name} is one of {', '.join(schema['enum'])}.")
    return text


def _moment(text: object, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise Unread(f"{name} is a time as 2026-12-31T09:00:00Z.") from None
    if moment.tzinfo is None:
        raise Unread(f"{name} needs its zone: 2026-12-31T09:00:00Z.")
    return moment


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError):
        raise Unread("The body is no JSON in UTF-8.") from None
    if not isinstance(body, dict) or not set(body) <= {"text", "state", "until"}:
        raise Unread("The body is an object with text, state and until, of which none has to be there.")
    return body


# ---- what goes out ----


def _part(route: Route, request: web.Request, rows: Sequence[Any], given: Arguments) -> dict[str, Any]:
    """A part of a list, and where the next one is."""
    first, last = given["offset"], given["offset"] + given["limit"]
    query = {**request.query, "limit": given["limit"], "offset": last}
    more = f"{PREFIX}{route.path}?{urlencode(query)}" if last < len(rows) else None
    return {"items": list(rows[first:last]), "total": len(rows), "next": more}


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False)


def _problem(status: int, text: str) -> web.Response:
    return web.json_response({"problem": text}, status=status)
