"""Backend: forwards v3 calls over HTTP, within time-outs, a number in flight and a budget of repeats.

Laws: repeats happen here and nowhere else, for calls that never ran and for reads. A write whose end was not
seen is unknown: it is never repeated, and the fault says so. A refused token is renewed once and the call
repeated once, because a refused call did not run. Code 100 is that of a dead token and of an ID that is not
there: it is given out as an answer only where the token was seen to be good after it.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus

import aiohttp
import structlog
from yarl import URL

from shim.core.commands.backend import Answer, Call
from shim.core.errors import BackendError
from shim.edge.backend.breaker import BUSY, Addresses, Breaker, retry_after
from shim.edge.backend.failures import (
    FAILURES,
    Repeatable,
    failure,
    http_faults,
    judged,
    nonsense,
    token_dead,
    token_refused,
    too_many,
)
from shim.edge.backend.posting import SHORT, Post, Posting, post_headers
from shim.edge.backend.soap_fault import carries_fault, is_plain, says_authentication
from shim.edge.backend.tokens import Tokens, tls_context
from shim.edge.exchange.fair_shares import Places
from shim.edge.settings.backend import BackendSettings, Retry
from shim.edge.settings.model import Integration
from shim.edge.telemetry import tracing
from shim.edge.telemetry.metrics import Metrics
from shim.interfaces.load import STANDARD, Dialect

log = structlog.get_logger()

Heard = Callable[[], object] | None
"""Is called with each part of an answer that comes."""

_BUDGET_SECONDS = 10.0
_TOKEN_AGAIN = frozenset({"backend-unreachable", "backend-busy"})
"""Why there is no token now and may be one in a moment; the call was not made."""
_NATIVE = "v3 on this host"
"""All calls that pass through, in the lines of those who wait: no integration can have this name."""
_GUESSES = "apps that v3 does not know yet"


async def _jitter(attempt: int) -> None:
    await asyncio.sleep(random.uniform(0.05, 0.15) * attempt)  # noqa: S311  # spreads load, hides nothing


class RetryBudget:
    """Keeps repeats a small part of the load: a share of the calls, and some a second."""

    def __init__(self, settings: Retry, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._most = settings.per_second * _BUDGET_SECONDS + 10
        self._balance = settings.per_second
        self._at = clock()

    def call(self) -> None:
        """A call is made: it earns its share."""
        self._balance = min(self._most, self._balance + self._settings.share)

    def spend(self) -> bool:
        """True if a repeat is in the budget; takes it if so."""
        now = self._clock()
        self._balance = min(self._most, self._balance + (now - self._at) * self._settings.per_second)
        self._at = now
        if self._balance < 1:
            return False
        self._balance -= 1
        return True


class Backend:
    """One v3 backend. `pause` waits before a repeat; `clock` gives seconds that never go back."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: Tokens,
        settings: BackendSettings,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[int], Awaitable[None]] = _jitter,
        metrics: Metrics | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self._session = session
        self._posting = Posting(session)
        self.addresses = addresses or Addresses(settings, metrics, clock)
        self._tokens = tokens
        self._settings = settings
        self._pause = pause
        self._metrics = metrics or Metrics()
        self._budget = RetryBudget(settings.retry, clock)
        self._places = Places(settings.in_flight)
        self._writing = aiohttp.ClientTimeout(total=settings.call_timeout, connect=settings.connect_timeout)
        self._reading = aiohttp.ClientTimeout(
            total=settings.longest_read, connect=settings.connect_timeout, sock_read=settings.call_timeout
        )
        self.dialect: Dialect = STANDARD
        """How v3 is spoken to, once that is known."""
        self.control: Call | None = None
        """A read that names nothing: refused with code 100, it is the token that is dead. None: not looked."""

    async def forward(self, call: Call, integration: Integration, heard: Heard = None) -> Answer:
        """The backend's answer, a fault of its own included; `heard` is called with each part of it that comes.

        Raises BackendError: `backend-unreachable`, `backend-busy` (neither ran), `backend-late`,
        `backend-cut`, `backend-nonsense` (a write may have run: the text says so), `backend-login-refused`,
        `backend-token-dead` (it did not run).
        """
        began, result = time.perf_counter(), "stopped"
        try:
            with tracing.part(call.full_name, "client") as span:
                span.tell({"rpc.system": "soap", "shim.writes": call.writes})
                token, answer = await self._repeated(call, integration, heard)
                plain = is_plain(answer)
                if not plain:
                    answer = await self._settled(call, token, answer, integration, heard)
                if not plain and carries_fault(answer):
                    result = "backend-fault"
                    span.failed(result)
                else:
                    result = "answer"
        except BackendError as error:
            result = error.reason
            raise
        finally:
            self._metrics.v3_calls.add((call.full_name, result))
            self._metrics.v3_seconds.observe(time.perf_counter() - began)
        return answer

    async def _settled(
        self, call: Call, token: str, answer: Answer, integration: Integration, heard: Heard
    ) -> Answer:
        """The answer, or the one after it where the token was no good any more. Raises BackendError."""
        if says_authentication(answer) and await self._tokens.renewed(integration, token) is not None:
            token, answer = await self._repeated(call, integration, heard)
        if answer.status == HTTPStatus.UNAUTHORIZED and not carries_fault(answer):
            raise token_refused(integration)
        for last in (False, True):
            if not says_authentication(answer) or not await self._is_dead(token, integration):
                return answer
            if last or await self._tokens.renewed(integration, token, certain=True) is None:
                break
            token, answer = await self._repeated(call, integration, heard)
        raise token_dead()

    async def _is_dead(self, token: str, integration: Integration) -> bool:
        """True if the backend refuses the token itself. Raises BackendError when it does not say."""
        if self.control is None:
            return False
        try:
            return says_authentication(await self._attempt(self.control, token, [], integration, None))
        except Repeatable as again:
            raise again.fault from None

    async def _repeated(self, call: Call, integration: Integration, heard: Heard) -> tuple[str, Answer]:
        """The token that was used and the answer, after as many attempts as are allowed."""
        self._budget.call()
        attempt = 1
        tried: list[str] = []
        while True:
            try:
                token = self._tokens.kept(integration) or await self._token(integration)
                return token, await self._attempt(call, token, tried, integration, heard)
            except Repeatable as again:
                fault = again.fault
            if attempt >= self._settings.retry.attempts or not self._budget.spend():
                raise fault
            self._metrics.count(self._metrics.retries, fault.reason)
            log.warning("forward repeated", operation=call.full_name, attempt=attempt, reason=fault.reason)
            await self._pause(attempt)
            attempt += 1

    async def _token(self, integration: Integration) -> str:
        try:
            return await self._tokens.token(integration)
        except BackendError as error:
            if error.reason in _TOKEN_AGAIN:
                raise Repeatable(error) from None
            raise

    async def _attempt(
        self, call: Call, token: str, tried: list[str], who: Integration, heard: Heard
    ) -> Answer:
        """One attempt, at an address that was not tried if there is one; which it was is added to `tried`."""
        most = who.quota.in_flight or -(-self._settings.in_flight * 3 // 4)
        if not self._places.take_free(who.name, most):
            await self._take(who.name, most)
        try:
            address = self.addresses.choose(tried)
            tried.append(address.url)
            trial = address.begins()
            try:
                answer = await self._post(call, token, address, heard)
            except FAILURES as failed:
                raise failure(failed, address, writes=call.writes) from None
            finally:
                if trial:
                    address.tried()
        finally:
            self._places.give(who.name)
        return judged(call, answer)

    @asynccontextmanager
    async def _place(self, party: str, most: int) -> AsyncIterator[None]:
        """A place among the calls in flight, of which a party may have `most`. Raises BackendError."""
        await self._take(party, most)
        try:
            yield
        finally:
            self._places.give(party)

    async def _take(self, party: str, most: int) -> None:
        """A place, which is to be given back. Raises BackendError when it is not the party's turn in time."""
        if self._places.take_free(party, most):
            return
        try:
            async with asyncio.timeout(self._settings.call_timeout):
                await self._places.take(party, most)
        except TimeoutError:
            raise too_many() from None

    @asynccontextmanager
    async def passing(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        writes: bool = True,
        guess: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A request that passes through as it is: made once, redirects not followed, nothing decompressed.

        The answer has to be read within the block. Half of the calls in flight may be such ones: whoever can
        connect can make them, and they must not keep old calls out. What may be a `guess` at a secret has an
        eighth, so that it does not keep v3 clients out either. Raises BackendError, also while the answer
        is read; whether the request was carried out is not known then, unless the reason is
        `backend-unreachable` or `backend-busy`. With `writes` the fault says so.
        """
        deadline = aiohttp.ClientTimeout(
            total=self._settings.total_timeout if writes else self._settings.longest_read,
            connect=self._settings.connect_timeout,
            sock_read=self._settings.call_timeout,
        )
        party, part = (_GUESSES, 8) if guess else (_NATIVE, 2)
        async with self._place(party, max(1, self._settings.in_flight // part)):
            address = self.addresses.choose()
            with address.asking(), _once(), http_faults(address, writes=writes):
                request = self._session.request(
                    method,
                    URL(address.url + path, encoded=True),
                    headers=headers,
                    data=body or None,
                    timeout=deadline,
                    allow_redirects=False,
                    auto_decompress=False,
                    skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type"),
                )
                with address.waiting():
                    answer = await request
                async with answer:
                    _heard(address, answer)
                    yield answer

    async def _post(self, call: Call, token: str, address: Breaker, heard: Heard) -> Answer:
        url, envelope = address.url + call.endpoint, call.envelope(token)
        timeout = self._writing if call.writes else self._reading
        more, waiting = tracing.headers(), address.waiting()
        if len(envelope) <= SHORT:
            async with self._posting.post(url, call.soap_action, more, envelope, timeout, waiting) as post:
                return await self._read(call, post, address, heard)
        sending = self._session.post(
            url,
            data=envelope,
            headers={**post_headers(call.soap_action), **more},
            timeout=timeout,
            allow_redirects=False,
        )
        with waiting:
            async with sending as response:
                return await self._read(call, response, address, heard)

    async def _read(
        self, call: Call, response: aiohttp.ClientResponse | Post, address: Breaker, heard: Heard
    ) -> Answer:
        parts: list[bytes] = []
        size = 0
        content = response.content
        over = False
        while not over:
            over = content.is_eof()
            if not (part := content.read_nowait() if over else await content.readany()):
                break
            size += len(part)
            address.lives()
            if heard is not None:
                heard()
            if size > self._settings.max_answer:
                what = f"answered with more than {self._settings.max_answer} bytes: ask for less at once."
                raise nonsense(what, unknown=call.writes)
            parts.append(part)
        _heard(address, response)
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        return Answer(response.status, response.headers.get("Content-Type", ""), body)


def _heard(address: Breaker, response: aiohttp.ClientResponse | Post) -> None:
    """It answered; it may have asked to be left alone for a while."""
    address.answered()
    if response.status not in BUSY:
        return
    if (seconds := retry_after(response.status, response.headers.get("Retry-After"))) is not None:
        address.rest(seconds, "Retry-After")


@contextmanager
def _once() -> Iterator[None]:
    """Raise the fault of a call that might be made again, and is not."""
    try:
        yield
    except Repeatable as failed:
        raise failed.fault from None


def open_session(settings: BackendSettings, tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
    """The session that calls are forwarded with; its owner closes it. `tls` is the context, where one was made.

    Raises OSError for a bad `ca_file`.
    """
    connector = aiohttp.TCPConnector(
        limit=settings.in_flight,
        ssl=tls or tls_context(settings),
        keepalive_timeout=settings.keepalive_timeout,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "systemapi-shim"},
        trust_env=False,
    )
