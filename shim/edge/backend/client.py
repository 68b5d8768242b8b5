"""Backend: forwards v3 calls over HTTP, within time-outs, a number in flight and a budget of repeats.

Laws: repeats happen here and nowhere else, for calls that never ran and for reads. A write whose end was not
seen is unknown: it is never repeated, and the fault says so. A refused token is renewed once and the call
repeated once, because a refused call did not run. Code 100 is that of a dead token and of an ID that is not
there: it is given out as an answer only where the token was seen to be good after it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from http import HTTPStatus

import aiohttp
import structlog
from yarl import URL

from shim.core.commands.backend import Answer, Call
from shim.core.errors import BackendError, BackendLoginRefused
from shim.edge.backend.breaker import Addresses, Breaker, retry_after
from shim.edge.backend.posting import SHORT, Post, Posting, post_headers
from shim.edge.backend.soap_fault import carries_fault, looks_like_xml, says_authentication
from shim.edge.backend.tokens import Tokens, tls_context
from shim.edge.exchange.fair_shares import Places
from shim.edge.settings.model import BackendSettings, Integration, Retry
from shim.edge.telemetry import tracing
from shim.edge.telemetry.metrics import Metrics
from shim.interfaces.load import STANDARD, Dialect

log = structlog.get_logger()

Heard = Callable[[], object] | None
"""Is called with each part of an answer that comes."""

_AWAY = frozenset({502, 503, 504})
_NEVER_RAN = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_UNKNOWN = "Whether the change was made is not known: look before repeating it."
_BUDGET_SECONDS = 10.0
_BUSY_SECONDS = 3
_TOKEN_AGAIN = frozenset({"backend-unreachable", "backend-busy"})
"""Why there is no token now and may be one in a moment; the call was not made."""
_NATIVE = "v3 on this host"
"""All calls that pass through, in the lines of those who wait: no integration can have this name."""
_GUESSES = "apps that v3 does not know yet"
_NO_ANSWER = ("backend-unreachable", "backend-late", "backend-cut")


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


class _Again(Exception):
    """This attempt may be repeated; `fault` is what to say when it is not."""

    def __init__(self, fault: BackendError) -> None:
        super().__init__(fault.reason)
        self.fault = fault


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
                answer = await self._answered(call, integration, heard)
                if carries_fault(answer):
                    result = "backend-fault"
                    span.failed(result)
                else:
                    result = "answer"
        except BackendError as error:
            result = error.reason
            raise
        finally:
            self._metrics.count(self._metrics.v3_calls, call.full_name, result)
            self._metrics.v3_seconds.observe(time.perf_counter() - began)
        return answer

    async def _answered(self, call: Call, integration: Integration, heard: Heard) -> Answer:
        token, answer = await self._repeated(call, integration, heard)
        if says_authentication(answer) and await self._tokens.renewed(integration, token) is not None:
            token, answer = await self._repeated(call, integration, heard)
        if answer.status == HTTPStatus.UNAUTHORIZED and not carries_fault(answer):
            raise _token_refused(integration)
        for last in (False, True):
            if not says_authentication(answer) or not await self._is_dead(token, integration):
                return answer
            if last or await self._tokens.renewed(integration, token, certain=True) is None:
                break
            token, answer = await self._repeated(call, integration, heard)
        raise _token_dead()

    async def _is_dead(self, token: str, integration: Integration) -> bool:
        """True if the backend refuses the token itself. Raises BackendError when it does not say."""
        if self.control is None:
            return False
        try:
            return says_authentication(await self._attempt(self.control, token, [], integration, None))
        except _Again as again:
            raise again.fault from None

    async def _repeated(self, call: Call, integration: Integration, heard: Heard) -> tuple[str, Answer]:
        """The token that was used and the answer, after as many attempts as are allowed."""
        self._budget.call()
        attempt = 1
        tried: list[str] = []
        while True:
            try:
                token = await self._token(integration)
                return token, await self._attempt(call, token, tried, integration, heard)
            except _Again as again:
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
                raise _Again(error) from None
            raise

    async def _attempt(
        self, call: Call, token: str, tried: list[str], who: Integration, heard: Heard
    ) -> Answer:
        """One attempt, at an address that was not tried if there is one; which it was is added to `tried`."""
        await self._take(who.name, who.quota.in_flight or -(-self._settings.in_flight * 3 // 4))
        try:
            address = self.addresses.choose(tried)
            tried.append(address.url)
            with address.asking():
                answer = await self._answer(call, token, address, heard)
        finally:
            self._places.give(who.name)
        return _judged(call, answer)

    async def _answer(self, call: Call, token: str, address: Breaker, heard: Heard) -> Answer:
        with _watched(address):
            try:
                with address.waiting():
                    return await self._post(call, token, address, heard)
            except aiohttp.ClientConnectorCertificateError:
                raise _unreachable("its certificate is not trusted: check backend.ca_file") from None
            except _NEVER_RAN:
                raise _Again(_unreachable("no connection could be made")) from None
            except TimeoutError:
                raise _broken(call, "backend-late", "did not answer in time.") from None
            except aiohttp.ClientResponseError:
                what = "answered with something that is not HTTP: check backend.url."
                raise _nonsense(call, what, unknown=call.writes) from None
            except (aiohttp.ClientError, OSError):
                raise _broken(call, "backend-cut", "broke the connection.") from None

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
            busy = BackendError(
                "backend-busy", "Too many calls to the v3 backend are under way: try again in a few seconds."
            )
            busy.retry_after = _BUSY_SECONDS
            raise busy from None

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
            with address.asking(), _watched(address), _passing_faults(writes):
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
        sending: Post | AbstractAsyncContextManager[aiohttp.ClientResponse]
        if len(envelope) <= SHORT:
            sending = self._posting.post(url, call.soap_action, tracing.headers(), envelope, timeout)
        else:
            sending = self._session.post(
                url,
                data=envelope,
                headers={**post_headers(call.soap_action), **tracing.headers()},
                timeout=timeout,
                allow_redirects=False,
            )
        async with sending as response:
            body = await self._body(call, response, address, heard)
            _heard(address, response)
            return Answer(response.status, response.headers.get("Content-Type", ""), body)

    async def _body(
        self, call: Call, response: aiohttp.ClientResponse | Post, address: Breaker, heard: Heard
    ) -> bytes:
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
                raise _nonsense(call, what, unknown=call.writes)
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _heard(address: Breaker, response: aiohttp.ClientResponse | Post) -> None:
    """It answered; it may have asked to be left alone for a while."""
    address.answered()
    if (seconds := retry_after(response.status, response.headers.get("Retry-After"))) is not None:
        address.rest(seconds, "Retry-After")


@contextmanager
def _passing_faults(writes: bool) -> Iterator[None]:
    """What goes wrong with a request that passes through, as a fault; it is not made again."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError:
        raise _unreachable("its certificate is not trusted: check backend.ca_file") from None
    except _NEVER_RAN:
        raise _unreachable("no connection could be made") from None
    except TimeoutError:
        raise _gone(writes, "backend-late", "did not answer in time.") from None
    except aiohttp.ClientResponseError:
        what = "answered with something that is not HTTP: check backend.url."
        raise _gone(writes, "backend-nonsense", what) from None
    except (aiohttp.ClientError, OSError):
        raise _gone(writes, "backend-cut", "broke the connection.") from None


@contextmanager
def _watched(address: Breaker) -> Iterator[None]:
    """Count against an address what it did not answer."""
    try:
        yield
    except _Again:
        address.failed()
        raise
    except BackendError as error:
        if error.reason in _NO_ANSWER:
            address.failed()
        raise


def _unreachable(why: str) -> BackendError:
    return BackendError(
        "backend-unreachable",
        f"The v3 backend cannot be reached ({why}): nothing was changed; try again, or tell its operator.",
    )


def _broken(call: Call, reason: str, what: str) -> Exception:
    """The end was not seen: a read may be repeated, a write is unknown."""
    if call.writes:
        return _lost(reason, what)
    return _Again(BackendError(reason, f"The v3 backend {what} Try again."))


def _gone(writes: bool, reason: str, what: str) -> BackendError:
    """The end of a request that passes was not seen."""
    return _lost(reason, what) if writes else BackendError(reason, f"The v3 backend {what} Try again.")


def _lost(reason: str, what: str) -> BackendError:
    return BackendError(reason, f"The v3 backend {what} {_UNKNOWN}", unknown=True)


def _nonsense(call: Call, what: str, *, unknown: bool) -> BackendError:
    text = f"The v3 backend {what}{' ' + _UNKNOWN if unknown else ''}"
    return BackendError("backend-nonsense", text, unknown=unknown)


def _judged(call: Call, answer: Answer) -> Answer:
    """The answer when it is SOAP, or a refused token. What SOAP means in it is the core's.

    Servers and what stands before them send faults with other statuses than 500 as well (400, 401, 403, 503):
    whatever the status, a fault is the backend's own word. Anything else that is no SOAP is no answer.
    """
    status = answer.status
    if status in (200, 500):
        if looks_like_xml(answer.body):
            return answer
        what = "without a body" if not answer.body else "and something that is not XML"
        raise _nonsense(call, f"answered with HTTP status {status} {what}.", unknown=call.writes)
    if status == HTTPStatus.UNAUTHORIZED or (status >= 400 and carries_fault(answer)):
        return answer
    refused = 400 <= status < 500  # by the server or a proxy before it: nothing ran
    fault = _nonsense(
        call,
        f"answered with HTTP status {status} and no SOAP message: check backend.url and what stands between.",
        unknown=call.writes and not refused,
    )
    raise _Again(fault) if status in _AWAY and not call.writes else fault


def _token_refused(integration: Integration) -> BackendError:
    return BackendLoginRefused(
        "backend-login-refused",
        "The v3 backend refuses the access token that it gave (HTTP status 401): nothing was changed. The "
        f"operator of the shim should check the v3 app of integration '{integration.name}', its account, and "
        "what stands between.",
    )


def _token_dead() -> BackendError:
    """Not the backend's own fault, whose code would say as well that what the call names is not there."""
    dead = BackendError(
        "backend-token-dead",
        "The v3 backend refuses the access token that it gave a moment ago: nothing was changed; try again in "
        "a few seconds. If it goes on, its operator should look who else has tokens of the same v3 app.",
    )
    dead.retry_after = _BUSY_SECONDS
    return dead


def open_session(settings: BackendSettings) -> aiohttp.ClientSession:
    """The session that calls are forwarded with; its owner closes it. Raises OSError for a bad `ca_file`."""
    connector = aiohttp.TCPConnector(
        limit=settings.in_flight,
        ssl=tls_context(settings),
        keepalive_timeout=settings.keepalive_timeout,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "systemapi-shim"},
        trust_env=False,
    )
