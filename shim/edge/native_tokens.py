"""The token endpoint of v3 on this host: requests pass through, and whose the token is, is remembered.

No key, secret or token is in a text or a log. Guessing is slowed by the backend, which is told the caller's
address.
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

from shim.core.errors import BackendError, CallerError, Fault
from shim.edge.backend import Backend
from shim.edge.bodies import decoded, read_body
from shim.edge.passthrough import Rules
from shim.edge.peer import Peers
from shim.edge.relay import passed_on, relay
from shim.edge.settings import Integration
from shim.edge.tokens import lifetime_of
from shim.edge.v3_tokens import UNKNOWN, TokenOwners

log = structlog.get_logger()

PATH = "/oauth/token.php"
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
        rules: Rules,
        integrations: Callable[[], Iterable[Integration]],
    ) -> None:
        self._backend = backend
        self._path = path
        self._owners = owners
        self._peers = peers
        self.rules = rules
        self._integrations = integrations

    async def post(self, request: web.Request) -> web.StreamResponse:
        """A request for an access token."""
        try:
            body = await read_body(request, self.rules.body, self.rules.body_seconds)
        except CallerError as fault:
            return _error(400, "invalid_request", fault)
        headers = passed_on(request.headers, self._peers.client(request), "authorization")
        headers.popall("Accept-Encoding", None)  # the answer is read here
        opened = self._backend.passing("POST", self._path, headers, body, writes=False)
        try:
            relayed = await relay(request, opened, self.rules.sizes)
        except BackendError as fault:
            status = 504 if fault.reason == "backend-late" else 502
            return _error(status, "temporarily_unavailable", fault)
        integration = self._of_app(self._client_id(request, body))
        if integration is not None and relayed.response.status == 200:
            await self._remember(relayed.response, integration)
        log.info("native token", integration=integration or UNKNOWN, status=relayed.response.status)
        return relayed.response

    def _of_app(self, key: str | None) -> str | None:
        return next((each.name for each in self._integrations() if each.new.app_key == key), None)

    def _client_id(self, request: web.Request, body: bytes) -> str | None:
        """The app key that asks, by the form or by Basic authentication."""
        try:
            form = decoded(body, request.headers.get("Content-Encoding", ""), self.rules.body)
            fields = parse_qs(form.decode(), max_num_fields=100) if len(form) <= _LONGEST_FORM else {}
        except (CallerError, ValueError):
            return None
        if "client_id" in fields:
            return fields["client_id"][0]
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            plain = base64.b64decode(encoded).decode() if scheme.lower() == "basic" else ""
        except (binascii.Error, ValueError):
            return None
        return plain.partition(":")[0] or None

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
    if fault.reason in ("too-large", "slow-body"):
        response.force_close()
    return response
