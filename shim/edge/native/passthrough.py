"""Native v3: messages of v3 clients pass through to the backend and their answers come back, byte for byte.

Laws: nothing is repeated and no redirect is followed; no key, secret or token is in a text or a log. Whose a
call is, is told by its token, and only to count it. Rungs and brownouts are about 2.5 and not asked here.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog
from aiohttp import web

from shim.core.answers.fault_message import fault_message
from shim.core.catalogue.translation import READS
from shim.core.commands.caller import PLAIN_FAULTS, FaultForm
from shim.core.errors import BackendError, BodyRefused, CallerError, Fault
from shim.core.native import Head, carries_old_login, head_of, is_native, may_be_native
from shim.core.reading.known_names import Familiar, names_of
from shim.core.schema.interface import Interface
from shim.core.serialise import CONTENT_TYPE
from shim.edge.backend.client import Backend
from shim.edge.exchange.threads import Threads
from shim.edge.http.bodies import decoded, read_body
from shim.edge.http.peer import Peers
from shim.edge.native.relay import Sizes, passed_on, relay
from shim.edge.native.token_owners import UNKNOWN, TokenOwners

log = structlog.get_logger()

_OLD_LOGIN = CallerError(
    "old-login",
    "This is a call of v3 with a login of 2.5 in it, which v3 has no use for: it was not passed on. Send an "
    "access token in userCredentials, and nothing else there.",
    "100",
)
_UNKNOWN_OPERATION = "(unknown)"
_NAME = re.compile(r"[A-Z][A-Za-z0-9]{1,63}", re.ASCII)
_MOST_NEWER = 256


class Ported(Protocol):
    """Where native calls are counted; `operation` is a full name of v3."""

    def ported(self, integration: str, operation: str, *, fault: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class PassThroughRules:
    """The largest message, bytes, and how long it may take to come, seconds; sizes of answers; faults."""

    body: int
    body_seconds: float
    sizes: Sizes
    faults: FaultForm = PLAIN_FAULTS


class PassThrough:
    """Passes native calls through."""

    def __init__(
        self,
        interface: Interface,
        backend: Backend,
        owners: TokenOwners,
        peers: Peers,
        rules: PassThroughRules,
        count: Ported | None = None,
    ) -> None:
        self._interface = interface
        self._endpoints = {service.endpoint for service in interface.services.values()}
        self._backend = backend
        self._owners = owners
        self._peers = peers
        self.rules = rules
        self._count = count
        self._newer: set[str] = set()
        """Operations that this interface does not have and v3 served."""
        self._counting: set[asyncio.Task[None]] = set()
        self._familiar = Familiar(names_of(interface))
        self._threads = Threads()

    async def claims(self, request: web.Request, body: bytes) -> Head | None:
        """The head of a message on an endpoint of 2.5, if it is one of v3 and that has the endpoint, too."""
        if request.path not in self._endpoints or not may_be_native(body):
            return None
        head = await self._head_of(body, request.headers.get("Content-Type", ""))
        return head if is_native(head) else None

    async def post(self, request: web.Request) -> web.StreamResponse:
        """A message on an endpoint that only v3 has, whatever it holds."""
        try:
            body = await read_body(request, self.rules.body, self.rules.body_seconds)
        except CallerError as fault:
            reference = secrets.token_hex(8)
            about = {"reference": reference, "path": request.path, "status": 500, "reason": fault.reason}
            self._account(None, True, about)
            return self._faulted(fault, reference)
        return await self.forward(request, body, await self._head(request, body))

    async def forward(self, request: web.Request, body: bytes, head: Head | None) -> web.StreamResponse:
        """Pass a message on as it was sent, and its answer back. By its `head` it is counted."""
        reference, began = secrets.token_hex(8), time.perf_counter()
        if self._carries_old_login(request, body):
            about = {"reference": reference, "path": request.path, "status": 500, "reason": "old-login"}
            self._account(head, True, about)
            return self._faulted(_OLD_LOGIN, reference)
        headers = passed_on(request.headers, self._peers.client(request))
        writes = not self._only_reads(head)
        opened = self._backend.passing("POST", request.rel_url.raw_path_qs, headers, body, writes=writes)
        try:
            relayed = await relay(request, opened, self.rules.sizes)
        except BackendError as fault:
            response: web.StreamResponse = self._faulted(fault, reference)
            reason: str | None = fault.reason
        else:
            response, reason = relayed.response, relayed.broken
        about = {"reference": reference, "path": request.path, "status": response.status, "reason": reason}
        about["milliseconds"] = round((time.perf_counter() - began) * 1000, 1)
        self._account(head, reason is not None or response.status != 200, about)
        return response

    def _only_reads(self, head: Head | None) -> bool:
        operation = self._interface.by_input.get(head.name) if head else None
        return operation is not None and operation.name.startswith(READS)

    def _faulted(self, fault: Fault, reference: str) -> web.Response:
        body = fault_message(fault, reference, self.rules.faults)
        response = web.Response(status=500, body=body, headers={"Content-Type": CONTENT_TYPE})
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        if isinstance(fault, BodyRefused):
            response.force_close()
        return response

    def _carries_old_login(self, request: web.Request, body: bytes) -> bool:
        try:
            plain = decoded(body, request.headers.get("Content-Encoding", ""), self.rules.body)
        except CallerError:
            return True  # what cannot be looked into does not go on
        return carries_old_login(plain, request.headers.get("Content-Type", ""))

    # ---- whose it was ----

    async def _head_of(self, body: bytes, content_type: str) -> Head | None:
        if self._familiar(body):
            return head_of(body, content_type)
        return await self._threads.run(partial(head_of, body, content_type))

    async def _head(self, request: web.Request, body: bytes) -> Head | None:
        try:
            plain = decoded(body, request.headers.get("Content-Encoding", ""), self.rules.body)
        except CallerError:
            return None
        return await self._head_of(plain, request.headers.get("Content-Type", ""))

    def _account(self, head: Head | None, faulted: bool, about: Mapping[str, Any]) -> None:
        """Count and log a call; when only the store knows whose it is, behind the caller's back."""
        name = self._operation(head, str(about.get("path", "")), served=not faulted)
        token = head.token if head else ""
        known = self._owners.known(token) if token else UNKNOWN
        if known is not None:
            self._counted(known, name, faulted, about)
            return
        task = asyncio.create_task(self._looked_up(token, name, faulted, about))
        self._counting.add(task)
        task.add_done_callback(self._counting.discard)

    def _operation(self, head: Head | None, path: str, *, served: bool) -> str:
        """The name that a call counts under. An operation newer than the interface has its name once v3 served
        it."""
        known = self._interface.by_input.get(head.name) if head else None
        if known is not None or head is None:
            return known.full_name if known is not None else _UNKNOWN_OPERATION
        service = next((each.name for each in self._interface.services.values() if each.endpoint == path), "")
        name = f"{service}.{head.name}"
        if served and service and _NAME.fullmatch(head.name) and len(self._newer) < _MOST_NEWER:
            self._newer.add(name)
        return name if name in self._newer else _UNKNOWN_OPERATION

    async def _looked_up(self, token: str, operation: str, faulted: bool, about: Mapping[str, Any]) -> None:
        self._counted(await self._owners.owner(token), operation, faulted, about)

    def _counted(self, integration: str, operation: str, faulted: bool, about: Mapping[str, Any]) -> None:
        log.info("native call", integration=integration, operation=operation, fault=faulted, **about)
        if self._count is not None:
            self._count.ported(integration, operation, fault=faulted)

    async def close(self) -> None:
        """Wait until all calls are counted."""
        await asyncio.gather(*self._counting, return_exceptions=True)
