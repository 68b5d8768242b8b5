"""The page as a site of its own on the admin listener: guards, sessions, rendering.

Laws: no answer without the security headers; nothing but the login and static files without a session; no
change without the session's token. Nothing of a page comes from outside this program.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import MultiMapping

from shim.core.errors import Fault
from shim.edge.http.host_names import is_ours
from shim.edge.http.peer import Peers
from shim.edge.settings.admin import Admin
from shim.edge.store.database import is_busy
from shim.review.api.roles import may, needed_for, refusal
from shim.review.page.auth import PageLoginRefused, Session, Sessions
from shim.review.page.forms import text
from shim.review.page.oidc import LASTS, Oidc
from shim.review.page.templates import PREFIX, STATIC, environment, link

log = structlog.get_logger()

COOKIE = "shim-review"
LOGIN_COOKIE = "shim-review-login"
"""Holds the token of the login form, which has no session yet."""
OIDC_COOKIE = "shim-review-oidc"
"""Ties a login by OpenID Connect to the browser that began it."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SESSION = web.RequestKey("session", Session)
_LOGIN = f"{PREFIX}/login"
_OIDC = f"{_LOGIN}/oidc"
_BUSY = (
    "The store is busy: something else has been writing into it for seconds, a backup perhaps. Nothing was "
    "changed here, and calls go on. Repeat it in a moment."
)
_NOT_SAVED = (
    "Your session was over, so nothing was saved. Log in: you come back to the page, with what you typed."
)
_BACK = "You were logged out meanwhile. What you typed is back in its form: look at it, and save it."
_KEPT = ("do", "text", "until", "notes", "operation", "rung")
"""Fields whose texts outlive a session."""

PostedForm = MultiMapping[Any]


class Site:
    """Guards and rendering. `admin` gives the settings as they are now, `clock` the time."""

    def __init__(
        self, admin: Callable[[], Admin], sessions: Sessions, peers: Peers, clock: Callable[[], datetime]
    ) -> None:
        self._admin = admin
        self._clock = clock
        self._sessions = sessions
        self._oidc = Oidc(lambda: admin().oidc)
        self._peers = peers
        self._templates = environment()

    # ---- guards ----

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """The way into every page."""
        try:
            response = await self._guarded(request, handler)
        except web.HTTPRedirection as found:
            response = web.Response(status=found.status, headers={"Location": found.headers["Location"]})
        except web.HTTPException as error:
            response = await self.problem(request, error.status, _error_text(error))
        except Fault as fault:
            log.error("review page failed", path=request.path, reason=fault.reason, busy=is_busy(fault))
            response = await self.problem(request, 503, _BUSY if is_busy(fault) else fault.text)
        response.headers.update(_HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_ours(request.headers.get("Host", ""), self._admin().names):
            raise web.HTTPMisdirectedRequest(
                text="This page is not served under that host name. Use an IP address or localhost, or add the "
                "name to admin.names in the configuration."
            )
        if request.path.startswith(f"{PREFIX}/static/"):
            return await handler(request)
        if not self._sessions.open:
            return await self.render(request, "closed.html", status=503)
        if session := self._sessions.session(request.cookies.get(COOKIE)):
            request[_SESSION] = session
        elif request.path not in (_LOGIN, _OIDC, f"{_OIDC}/back"):
            return _to_login(request) if request.method != "POST" else await self._lost(request)
        return await handler(request)

    async def _lost(self, request: web.Request) -> web.Response:
        """A form that came when its session was over: log in first; what was typed comes back with its page."""
        typed: dict[str, str] = {}
        next = f"{PREFIX}/"
        if request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none"):
            next = _page_of(request)
            with suppress(ValueError):  # a body that is no form
                form = await request.post()
                typed = {name: text(form, name) for name in _KEPT if text(form, name)}
        return await self._login(request, 401, _NOT_SAVED, next, typed)

    def typed(self, request: web.Request) -> Mapping[str, str]:
        """The fields that were typed on this page before its session was lost; once."""
        session = request[_SESSION]
        if session.typed is None or session.typed[0] != request.path:
            return {}
        kept, session.typed = session.typed[1], None
        return kept

    async def form(self, request: web.Request) -> PostedForm:
        """The fields of a form that came from a page of ours. Raises HTTPForbidden."""
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
            _forbid()
        try:
            fields = await request.post()
        except ValueError:  # a body that is no form, or no text
            raise web.HTTPBadRequest(text="This is no form that the page knows.") from None
        session = request.get(_SESSION)
        expected = session.token if session else request.cookies.get(LOGIN_COOKIE, "")
        given = fields.get("token", "")
        if (
            not expected
            or not isinstance(given, str)
            or not hmac.compare_digest(expected.encode(), given.encode())
        ):
            _forbid()
        needed = needed_for(request.path)
        if session and not may(session.user.role, needed):
            raise web.HTTPForbidden(text=refusal(session.user.role, needed))
        return fields

    def user(self, request: web.Request) -> str:
        """Who is logged in."""
        return request[_SESSION].user.name

    def say(self, request: web.Request, text: str) -> None:
        """Tell this on the next page, and the log."""
        request[_SESSION].messages.append(text)
        log.info("review change", user=self.user(request), path=request.path)

    # ---- answers ----

    async def render(
        self, request: web.Request, template: str, status: int = 200, **context: Any
    ) -> web.Response:
        """A page from a template, in a thread: a long list takes longer than a call may wait."""
        session = request.get(_SESSION)
        messages = list(session.messages) if session else []
        if session:
            session.messages.clear()
        context |= {
            "user": session.user.name if session else None,
            "role": session.user.role if session else None,
            "can_edit": session is not None and may(session.user.role, "editor"),
            "can_decide": session is not None and may(session.user.role, "admin"),
            "token": session.token if session else "",
            "said": messages,
            "path": request.path,
            "now": self._clock(),
        }
        html = await asyncio.to_thread(self._templates.get_template(template).render, context)
        return web.Response(status=status, text=html, content_type="text/html")

    async def problem(self, request: web.Request, status: int, text: str) -> web.Response:
        """A page that says what went wrong, and what to do."""
        return await self.render(request, "problem.html", status, problem=text, code=status)

    # ---- coming and going ----

    async def login_form(self, request: web.Request) -> web.Response:
        if request.get(_SESSION):
            raise web.HTTPSeeOther(f"{PREFIX}/")
        return await self._login(request, 200, None, local_path(request.query.get("next", "")))

    async def login(self, request: web.Request) -> web.StreamResponse:
        fields = await self.form(request)
        name, password = str(fields.get("name", "")), str(fields.get("password", ""))
        next = local_path(str(fields.get("next", "")))
        try:
            key = await self._sessions.enter(name, password, self._peers.client(request))
        except PageLoginRefused as refused:
            return await self._login(request, 401, str(refused), next, _kept(fields))
        self._sessions.leave(request.cookies.get(COOKIE))
        session = self._sessions.session(key)
        if session is not None and (typed := _kept(fields)):
            session.typed = next.partition("?")[0], typed
            session.messages.append(_BACK)
        response = web.Response(status=303, headers={"Location": next})
        self._set_cookie(request, response, COOKIE, key)
        response.del_cookie(LOGIN_COOKIE, path=PREFIX)
        return response

    async def oidc(self, request: web.Request) -> web.StreamResponse:
        """Send the browser to the provider of the configuration."""
        next = local_path(request.query.get("next", ""))
        try:
            begun = await self._oidc.begin(f"{self._peers.base_url(request)}{_OIDC}/back", next)
        except PageLoginRefused as refused:
            return await self._login(request, 503, str(refused), next)
        response = web.Response(status=303, headers={"Location": begun.address})
        # Lax, since it has to come along when the provider sends the browser back.
        self._set_cookie(request, response, OIDC_COOKIE, begun.cookie, samesite="Lax", max_age=int(LASTS))
        return response

    async def oidc_back(self, request: web.Request) -> web.StreamResponse:
        """The browser comes back from the provider.

        It goes on by a page of this site: with a redirect, a browser that another site sent here would not send
        the session's cookie, which is Strict.
        """
        try:
            user, settings, next = await self._oidc.end(request.query, request.cookies.get(OIDC_COOKIE))
        except PageLoginRefused as refused:
            response = await self._login(request, 401, str(refused), f"{PREFIX}/")
        else:
            log.info("review login", by="oidc", user=user.name, address=self._peers.client(request))
            self._sessions.leave(request.cookies.get(COOKIE))
            response = await self.render(request, "go_on.html", next=next)
            self._set_cookie(request, response, COOKIE, self._sessions.begin(user, settings))
        response.del_cookie(OIDC_COOKIE, path=PREFIX)
        return response

    async def logout(self, request: web.Request) -> web.StreamResponse:
        await self.form(request)
        self._sessions.leave(request.cookies.get(COOKIE))
        response = web.Response(status=303, headers={"Location": _LOGIN})
        response.del_cookie(COOKIE, path=PREFIX)
        return response

    async def _login(
        self,
        request: web.Request,
        status: int,
        problem: str | None,
        next: str,
        typed: Mapping[str, str] | None = None,
    ) -> web.Response:
        login_token = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(32)
        response = await self.render(
            request,
            "login.html",
            status,
            problem=problem,
            next=next,
            login_token=login_token,
            passwords=bool(self._admin().users),
            single=self._oidc.settings and self._oidc.settings.label,
            typed=typed or {},
        )
        self._set_cookie(request, response, LOGIN_COOKIE, login_token)
        return response

    def _set_cookie(
        self,
        request: web.Request,
        response: web.Response,
        name: str,
        value: str,
        samesite: str = "Strict",
        max_age: int | None = None,
    ) -> None:
        secure = self._peers.base_url(request).startswith("https:")
        response.set_cookie(
            name, value, path=PREFIX, httponly=True, secure=secure, samesite=samesite, max_age=max_age
        )


async def static(request: web.Request) -> web.Response:
    """A file of the page; its address changes when it does, so it may be kept."""
    file = STATIC.get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound(text="There is no such file.")
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return web.Response(body=file.body, content_type=file.type, charset="utf-8", headers=headers)


def local_path(text: str) -> str:
    """A path of this site to go on to; anything else is the first page."""
    parts = urlsplit(text)
    inside = not parts.scheme and not parts.netloc and text.startswith(f"{PREFIX}/")
    return text if inside and "\\" not in text and text.isprintable() else f"{PREFIX}/"


def _page_of(request: web.Request) -> str:
    """The page on which a form stood: by what the browser says, else where forms go back to."""
    address: str = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if parts.netloc == request.headers.get("Host", "") and local_path(path) == path and parts.path != _LOGIN:
        return path
    for action in ("/notes", "/ladder", "/reset"):
        if request.path.endswith(action):
            return request.path.removesuffix(action)
    return request.path if "/findings" in request.path else f"{PREFIX}/"


def _kept(fields: PostedForm) -> dict[str, str]:
    """The fields of another form that a login form carries."""
    named = {name: text(fields, f"kept-{name}") for name in _KEPT}
    return {name: value for name, value in named.items() if value}


def _to_login(request: web.Request) -> web.Response:
    """Login first, then on to the page that was to be read."""
    address = link("login", next=request.path_qs if request.path_qs != f"{PREFIX}/" else None)
    if "HX-Request" in request.headers:  # a script asked for a part of a page: have it load all of the login
        return web.Response(status=401, headers={"HX-Redirect": address})
    return web.Response(status=303, headers={"Location": address})


def _error_text(error: web.HTTPException) -> str:
    """Its text; in place of aiohttp's own, which begins with the number, one of ours."""
    text = error.text or ""
    return (
        text
        if not text.startswith(str(error.status))
        else "Nothing is at this address. Go on from the overview."
    )


def _forbid() -> NoReturn:
    raise web.HTTPForbidden(
        text="The form did not come from a page of this session. Nothing was changed: open the page again and "
        "repeat it."
    )
