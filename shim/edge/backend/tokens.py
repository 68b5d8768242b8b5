"""Tokens: an access token of the v3 backend for each integration, got by OAuth client_credentials.

Kept until shortly before it expires, fetched once however many calls wait for it, renewed once when the
backend refuses it. No token and no secret is ever in a text, a log or a repr.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Coroutine, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import httpx

from shim.core.errors import BackendError, BackendLoginRefused
from shim.edge.backend.breaker import Addresses
from shim.edge.settings.backend import BackendSettings
from shim.edge.settings.model import Integration, NewLogin
from shim.edge.telemetry.metrics import Metrics

T = TypeVar("T")

RENEWAL_PAUSE = 10.0
"""Seconds between two renewals for refused tokens: code 100 also means that an object ID is invalid."""
DEAD_PAUSE = 1.0
"""The same for tokens that are known to be dead."""

_LIFETIME_UNKNOWN = 3600.0
"""Where the answer says nothing of it: the shorter of the two that v3 gives, in seconds."""
_BUSY = frozenset({429, 503})
_AWAY = frozenset({502, 504})


class SingleFlight:
    """Runs one piece of work for all who want the same; whoever gives up waiting harms nobody else."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task: asyncio.Task[T] | None = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        try:
            return await asyncio.shield(task)
        finally:
            del task  # its fault would hold this frame, and this frame the task

    def has(self, key: Hashable) -> bool:
        return key in self._tasks

    def _landed(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        del self._tasks[key]
        if not task.cancelled():
            task.exception()  # taken note of, should nobody wait any more

    async def close(self) -> None:
        """End what is under way; those who wait are cancelled."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A token, the app it was given to, and until when it is used."""

    app: NewLogin
    token: str = field(repr=False)
    until: float

    def is_for(self, app: NewLogin) -> bool:
        """True if it was given to that app."""
        return self.app is app or self.app == app


class Tokens:
    """The tokens of all integrations. `url` is the token endpoint, or its path where there are `addresses`;
    `clock` gives seconds that never go back."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        url: str,
        clock: Callable[[], float] = time.monotonic,
        metrics: Metrics | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        self._http = http
        self._addresses = addresses
        self._url = url
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._kept: dict[str, _Kept] = {}
        self._renewed: dict[str, float] = {}
        self._flights = SingleFlight()

    async def token(self, integration: Integration) -> str:
        """A token that is good now. Raises BackendError when none is to be had."""
        return self.kept(integration) or await self._fetched(integration)

    def kept(self, integration: Integration) -> str | None:
        """The token that is there and good now; None: one has to be fetched."""
        kept = self._kept.get(integration.name)
        if kept and self._clock() < kept.until and kept.is_for(integration.new):
            return kept.token
        return None

    async def renewed(self, integration: Integration, refused: str, *, certain: bool = False) -> str | None:
        """Another token than the refused one; None: take the refusal for a plain fault.

        `certain`: it is known to be dead.

        Raises BackendError (`backend-login-refused`) when the backend no longer knows the app.
        """
        kept = self._kept.get(integration.name)
        if kept and kept.token != refused and kept.is_for(integration.new):
            return kept.token
        now = self._clock()
        if not self._flights.has(_key(integration)):
            pause = DEAD_PAUSE if certain else RENEWAL_PAUSE
            if now - self._renewed.get(integration.name, -pause) < pause:
                return None
            self._renewed[integration.name] = now
        try:
            token = await self._fetched(integration)
        except BackendLoginRefused:
            raise
        except BackendError:
            return None
        return token if token != refused else None

    async def close(self) -> None:
        await self._flights.close()

    async def _fetched(self, integration: Integration) -> str:
        return await self._flights.run(_key(integration), lambda: self._fetch(integration))

    async def _fetch(self, integration: Integration) -> str:
        result = "stopped"
        try:
            token = await self._given(integration)
            result = "granted"
        except BackendError as error:
            result = error.reason
            raise
        finally:
            self._metrics.count(self._metrics.token_fetches, result)
        return token

    async def _given(self, integration: Integration) -> str:
        app = integration.new
        asked_at = self._clock()
        answer = await self._ask(app)
        if answer.status_code != httpx.codes.OK:
            _refused(answer, integration)
        token, lifetime = _granted(answer)
        self._kept[integration.name] = _Kept(app, token, asked_at + lifetime - min(60.0, lifetime / 10))
        return token

    async def _ask(self, app: NewLogin) -> httpx.Response:
        """The answer of the first address that gives one."""
        if self._addresses is None:
            return await self._ask_at(self._url, app)
        tried: list[str] = []
        while True:
            address = self._addresses.choose(tried)
            tried.append(address.url)
            with address.asking():
                try:
                    with address.waiting():
                        answer = await self._ask_at(address.url + self._url, app)
                except TimeoutError:  # it rests from now on: the next one, or a fault that says so
                    address.failed()
                except BackendError:
                    address.failed()
                    if set(tried) >= {each.url for each in self._addresses.all if not each.resting}:
                        raise
                else:
                    address.answered()
                    return answer

    async def _ask_at(self, url: str, app: NewLogin) -> httpx.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": app.app_key,
            "client_secret": app.app_secret.get_secret_value(),
        }
        try:
            return await self._http.post(url, data=form)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            reason, what = "backend-unreachable", "cannot be reached"
        except httpx.TimeoutException:
            reason, what = "backend-late", "did not answer in time"
        except httpx.HTTPError:
            reason, what = "backend-unreachable", "broke the connection"
        raise BackendError(
            reason, f"The v3 backend {what} when asked for an access token: the call was not made; try again."
        )


def _key(integration: Integration) -> Hashable:
    return integration.name, integration.new


def _refused(answer: httpx.Response, integration: Integration) -> NoReturn:
    status = answer.status_code
    if status == 401 or (status == 400 and _error(answer) in ("invalid_client", "unauthorized_client")):
        raise BackendLoginRefused(
            "backend-login-refused",
            "The v3 backend refuses the app key or secret that the shim has for integration "
            f"'{integration.name}': its operator should check new.app_key and new.app_secret, and that the "
            "app is enabled in v3.",
        )
    if status in _BUSY or status in _AWAY:
        what = "is busy" if status in _BUSY else "cannot be reached by what stands before it"
        raise BackendError(
            "backend-busy" if status in _BUSY else "backend-unreachable",
            f"The v3 backend {what} (HTTP status {status} when asked for an access token): the call was not "
            "made, nothing was changed; try again in a few seconds.",
        )
    raise _nonsense(f"HTTP status {status}")


def _error(answer: httpx.Response) -> str:
    try:
        data = answer.json()
    except (ValueError, RecursionError):
        return ""
    return str(data.get("error")) if isinstance(data, dict) else ""


def _granted(answer: httpx.Response) -> tuple[str, float]:
    """Token and lifetime in seconds. Some versions give one hour, others two: `expires_in` decides."""
    try:
        data = answer.json()
        token, lifetime = data["access_token"], lifetime_of(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _nonsense("something that is no token") from None
    if not isinstance(token, str) or not token or not 0 < lifetime < float("inf"):
        raise _nonsense("something that is no token")
    return token, lifetime


def lifetime_of(granted: Mapping[str, Any]) -> float:
    """How long a token is good for, in seconds; an hour where `expires_in` is absent, null or empty.

    Raises ValueError or TypeError when it is no number, or one without bounds.
    """
    seconds = granted.get("expires_in")
    if seconds is None or (isinstance(seconds, str) and not seconds.strip()):
        return _LIFETIME_UNKNOWN
    try:
        return float(seconds)
    except OverflowError:
        raise ValueError("more than any time") from None


def _nonsense(what: str) -> BackendError:
    return BackendError(
        "backend-nonsense",
        f"The v3 backend answered with {what} when asked for an access token: the call was not made; check "
        "backend.url and backend.token_path.",
    )


def tls_context(settings: BackendSettings) -> ssl.SSLContext:
    """How the backend's certificate is checked. Raises OSError for an unusable `ca_file`."""
    ca_file = settings.ca_file
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if not settings.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def open_http(settings: BackendSettings, tls: ssl.SSLContext | None = None) -> httpx.AsyncClient:
    """The client that tokens are fetched with; its owner closes it. `tls`: the context, where one was made."""
    return httpx.AsyncClient(
        verify=tls or tls_context(settings),
        timeout=httpx.Timeout(settings.call_timeout, connect=settings.connect_timeout),
        trust_env=False,
    )
