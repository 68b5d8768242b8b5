"""The token endpoint of v3 on this host: requests pass through, and whose the token is, is remembered.

No key, secret or token is in a text or a log. Guessing is slowed here (`token_brake.py`), and by the backend,
which is told the caller's address.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any
from urllib.parse import parse_qs

import structlog
from aiohttp import web

from shim.core.errors import BackendError, BodyRefused, CallerError, Fault
from shim.edge.backend.client import Backend
from shim.edge.backend.tokens import lifetime_of
from shim.edge.http.bodies import decoded, read_body
from shim.edge.http.peer import Peers
from shim.edge.native.passthrough import PassThroughRules
from shim.edge.native.relay import passed_on, relay
from shim.edge.native.token_brake import TokenApp, TokenBrake
from shim.edge.native.token_owners import UNKNOWN, TokenOwners
from shim.edge.settings.model import Integration, LoginSettings

log = structlog.get_logger()

PATH = "/oauth/token.php"
_FORM = "application/x-www-form-urlencoded"
_FIELDS = frozenset({"grant_type", "client_id", "client_secret", "scope", "redirect_uri", "state", "type"})
"""The names that a form may have so that it is read alike everywhere: PHP takes `client.id` for `client_id`."""
_LONGEST_FORM = 16 << 10
"""Bytes of a form beyond which nobody looks whose it is: it passes through all the same."""


class NativeTokens:
    """`path` is where the backend gives tokens; `integrations` gives those that are configured now."""

    def __init__(
        self,
        backend: Backend,
        path: str,
        owners: TokenOwners,
        peers: Peers,
        rules: PassThroughRules,
        integrations: Callable[[], Iterable[Integration]],
        login: LoginSettings | None = None,
    ) -> None:
        self._backend = backend
        self._path = path
        self._owners = owners
        self._peers = peers
        self.rules = rules
        self._integrations = integrations
        self._brake = TokenBrake(integrations, login)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """A request for an access token."""
        try:
            body = await read_body(request, self.rules.body, self.rules.body_seconds)
        except CallerError as fault:
            return _error(400, "invalid_request", fault)
        app, address = self._app(request, body), self._peers.client(request)
        known = self._brake.knows(app)
        integration = self._of_app(app.key)
        if not known and (seconds := self._brake.wait(app, address)):
            log.info("native token", integration=integration or UNKNOWN, status=429, reason="too-many-failures")
            return _too_many(seconds)
        headers = passed_on(request.headers, address, "authorization")
        headers.popall("Accept-Encoding", None)  # the answer is read here
        opened = self._backend.passing("POST", self._path, headers, body, writes=False, guess=not known)
        status: int | None = None
        try:
            relayed = await relay(request, opened, self.rules.sizes)
            status = relayed.response.status
        except BackendError as fault:
            return _error(504 if fault.reason == "backend-late" else 502, "temporarily_unavailable", fault)
        finally:
            self._brake.ended(app, address, status, known=known)
        if integration is not None and status == 200:
            await self._remember(relayed.response, integration)
        log.info("native token", integration=integration or UNKNOWN, status=status)
        return relayed.response

    def _of_app(self, key: str | None) -> str | None:
        return next((each.name for each in self._integrations() if each.new.app_key == key), None)

    def _app(self, request: web.Request, body: bytes) -> TokenApp:
        """The app that asks, by the form or by Basic authentication."""
        try:
            form = decoded(body, request.headers.get("Content-Encoding", ""), self.rules.body)
            fields = parse_qs(form.decode(), max_num_fields=100) if len(form) <= _LONGEST_FORM else {}
        except (CallerError, ValueError):
            return TokenApp()
        basic = request.headers.getall("Authorization", [])
        plain = bool(fields) and fields.keys() <= _FIELDS and all(len(each) == 1 for each in fields.values())
        sure = plain and request.content_type == _FORM and "Content-Encoding" not in request.headers
        if "client_id" in fields:
            secret = fields.get("client_secret", [""])[0]
            return TokenApp(fields["client_id"][0], secret, sure and not basic)
        scheme, _, encoded = basic[0].partition(" ") if basic else ("", "", "")
        try:
            text = base64.b64decode(encoded).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, ValueError):
            return TokenApp()
        key, _, secret = text.partition(":")
        return TokenApp(key or None, secret, sure and len(basic) == 1 and "client_secret" not in fields)

    async def _remember(self, response: web.StreamResponse, integration: str) -> None:
        granted = _granted(response.body) if isinstance(response, web.Response) else None
        if granted is not None:
            await self._owners.remember(granted[0], integration, granted[1])


def _granted(body: Any) -> tuple[str, float] | None:
    """Token and seconds of an answer; None when it holds none, which the client will notice itself."""
    try:
        data = json.loads(body)
        token, seconds = data["access_token"], lifetime_of(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return (token, seconds) if isinstance(token, str) and token and isfinite(seconds) else None


def _error(status: int, error: str, fault: Fault) -> web.Response:
    """A refusal as OAuth clients read it (RFC 6749, 5.2)."""
    response = web.json_response({"error": error, "error_description": fault.text}, status=status)
    if isinstance(fault, BodyRefused):
        response.force_close()
    return response


def _too_many(seconds: int) -> web.Response:
    text = f"Too many requests were refused: correct key and secret, and try again in {seconds} seconds."
    data = {"error": "temporarily_unavailable", "error_description": text}
    return web.json_response(data, status=429, headers={"Retry-After": str(seconds)})
