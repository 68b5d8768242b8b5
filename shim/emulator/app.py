"""The emulator on HTTP: the token endpoint, and one SOAP endpoint for each service."""

from __future__ import annotations

import asyncio
import hmac
import random
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

from shim.core.errors import CallerError
from shim.core.message import Element, Envelope
from shim.core.parse import ANSWER_LIMITS, parse
from shim.core.schema.interface import Interface, Operation
from shim.emulator import disturb
from shim.emulator.dispatch import Dispatcher
from shim.emulator.handlers.listing import (
    LIES,
    Emails,
    EmptyList,
    Lists,
    RowIdentifier,
    Ways,
    as_listed,
    row_names,
)
from shim.emulator.judge import Demands, JudgeRules, Surplus
from shim.emulator.world.refusal import Refusal, fault
from shim.emulator.world.world import SeenRequest, World
from shim.interfaces.load import NEW_VERSION, Dialect, PersonNames, StorageLimits, new

TOKEN_PATH = "/oauth/token.php"  # noqa: S105 - a path
_READS = ("Get", "Ping", "CallReport", "QuickStats", "UpgradeHistory")
_MOST_FIXED = 4096
Dispatch = Literal["body", "action"]


@dataclass(frozen=True)
class Options:
    """How the emulator behaves on the wire.

    `latency_ms` is waited before each SOAP call. `fail_rate` is the share of SOAP calls, from 0 to 1, that end
    with HTTP 503 before they take effect, drawn from `seed_random`. Tokens live for `token_seconds`.
    `fixed_answers` answers a repeated read with the bytes of its first answer, without looking at it.
    With a `schema_version` it speaks that one, lists it and takes no other; `person_names` and `storage_limits`
    are for what is otherwise than in that version. `surplus` elements are refused, or ignored as PHP does;
    `demands` is what new accounts need: what the schema says, or all that the version may demand as well.
    `lists`, `row_identifier`, `empty_list` and `emails` are as in `Ways`; `lie_rate` is the share of lists that
    lie. A `lenient` one takes requests that lack elements which the interface requires. `dispatch` says whether
    the body alone tells the operation, or SOAPAction has to name it as well.
    """

    latency_ms: int = 0
    fail_rate: float = 0.0
    token_seconds: int = 3600
    seed_random: int = 0
    fixed_answers: bool = False
    schema_version: str | None = None
    person_names: PersonNames = "auto"
    storage_limits: StorageLimits = "auto"
    surplus: Surplus = "refuse"
    demands: Demands = "schema"
    lists: Lists = "subtree"
    row_identifier: RowIdentifier = "user"
    empty_list: EmptyList = "notice"
    emails: Emails = "shared"
    lie_rate: float = 0.0
    lenient: bool = False
    dispatch: Dispatch = "body"

    @property
    def interface(self) -> Interface:
        return new(Dialect(self.schema_version or NEW_VERSION, self.person_names, self.storage_limits))


def application(world: World, options: Options = Options()) -> web.Application:
    """The whole backend over a world, which the caller may go on looking at and interfering with."""
    world.ways = Ways(options.lists, options.row_identifier, options.empty_list, options.emails)
    server = _Server(world, options, options.interface)
    app = web.Application(client_max_size=ANSWER_LIMITS.bytes)
    app.router.add_post(TOKEN_PATH, server.token)
    for path in server.dispatcher.paths:
        app.router.add_post(path, server.soap)
    return app


@dataclass
class _Server:
    world: World
    options: Options
    interface: Interface
    dispatcher: Dispatcher = field(init=False)
    chance: random.Random = field(init=False)
    fixed: dict[tuple[str, bytes], bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        options = self.options
        rules = JudgeRules(lenient=options.lenient, surplus=options.surplus, demands=options.demands)
        self.dispatcher = Dispatcher(self.interface, rules)
        self.chance = random.Random(self.options.seed_random)  # noqa: S311 - failures to repeat, no secrets

    async def token(self, request: web.Request) -> web.Response:
        try:
            form = await request.post()
        except ValueError:  # no text, or no form
            return web.json_response({"error": "invalid_request"}, status=400)
        if form.get("grant_type") != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        client_id, secret = str(form.get("client_id", "")), str(form.get("client_secret", ""))
        app = self.world.apps.get(client_id)
        if app is None or not hmac.compare_digest(app.client_secret.encode(), secret.encode()):
            return web.json_response({"error": "invalid_client"}, status=401)
        seconds = self.options.token_seconds
        token = self.world.issue_token(client_id, seconds)
        return web.json_response({"access_token": token, "expires_in": seconds, "token_type": "Bearer"})

    async def soap(self, request: web.Request) -> web.StreamResponse:
        if self.options.latency_ms:
            await asyncio.sleep(self.options.latency_ms / 1000)
        if self.options.fail_rate and self.chance.random() < self.options.fail_rate:
            return web.Response(status=503, text="The emulator was told to fail at random.\n")
        data = await request.read()
        ready = self.fixed.get((request.path, data)) if self.options.fixed_answers else None
        if ready is not None:
            return disturb.plain(ready)
        return await self._answer(request, data)

    async def _answer(self, request: web.Request, data: bytes) -> web.StreamResponse:
        headers = request.headers
        body, status, action = self._serve(
            request.path, data, headers.get("Content-Type", ""), headers.get("SOAPAction", "")
        )
        if action == "drop":
            return disturb.dropped(request)
        return await disturb.answer(request, action, body, status)

    def _serve(
        self, path: str, data: bytes, content_type: str, soap_action: str = ""
    ) -> tuple[bytes, int, str | None]:
        """The bytes to answer with, the HTTP status, and how to disturb the answer."""
        try:
            envelope = parse(data, content_type, ANSWER_LIMITS)
        except CallerError as error:
            return fault(Refusal(None, error.text)), 500, None
        request = envelope.body
        name, action = request.name, None
        try:
            operation = self.dispatcher.operation(path, request)
            self._require_version(operation, envelope.namespace)
            self._require_action(operation, soap_action)
            name = operation.full_name
            action = self.world.disturbance(name)
            body = self._performed(operation, envelope, action)
        except Refusal as refusal:
            self._seen(name, request, refusal.code or "")
            return fault(refusal), 500, action
        self._seen(name, request, "ok" if action != "drop" else action)
        if self.options.fixed_answers and action is None and operation.name.startswith(_READS):
            self._fix(path, data, body)
        return body, 200, action

    def _require_version(self, operation: Operation, namespace: str) -> None:
        """Raises Refusal for another version than the one it was told to speak; that may be asked in any."""
        version = self.options.schema_version
        if version is None or operation.name == "GetSchemaVersions":
            return
        if namespace and not namespace.endswith(f"/{version}"):
            raise Refusal(
                None, f"The message is not in version {version}, which is the one that is spoken here."
            )

    def _require_action(self, operation: Operation, action: str) -> None:
        """Raises Refusal for the SOAPAction of another operation, where that is looked at."""
        if self.options.dispatch == "action" and action.strip().strip('"') != operation.soap_action:
            raise Refusal(None, f"The SOAPAction is not that of {operation.name}.")

    def _fix(self, path: str, data: bytes, body: bytes) -> None:
        if len(self.fixed) < _MOST_FIXED:
            self.fixed[path, data] = body

    def _performed(self, operation: Operation, envelope: Envelope, action: str | None) -> bytes:
        disturb.before(self.world, action, envelope.headers)
        if action == "drop":
            return b""
        caller = self.dispatcher.caller(self.world, envelope.headers)
        disturb.refuse(action)
        answer = self.dispatcher.perform(self.world, operation, envelope.body, caller)
        lie = disturb.lie(action) or self._lie(operation)
        answer = as_listed(
            self.world.listed, self.world.ways, operation, str(caller.id), envelope.body, answer, lie
        )
        return self.dispatcher.write(self.world, operation, answer)

    def _lie(self, operation: Operation) -> str:
        """By chance, one of the lies, if this is a list."""
        if not self.options.lie_rate or not row_names(operation):
            return ""
        return self.chance.choice(LIES) if self.chance.random() < self.options.lie_rate else ""

    def _seen(self, name: str, element: Element, outcome: str) -> None:
        self.world.calls.append(SeenRequest(name, element, outcome))
