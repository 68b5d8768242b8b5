"""Integrations: who calls, found by the credentials of a 2.5 message.

Laws: whatever is wrong, the caller hears the same sentence, and a wrong password or secret costs the same
work whether its login exists, is disabled, or not. A check that succeeded is
remembered for a while under a keyed digest, so that hashing bounds nothing in steady state. Credentials that
were right before, also before a restart, are checked again however often a stranger failed, and in a lane of
their own: nobody can lock out anybody else. No value of a message is in a text or a log.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from shim.core.errors import CallerError, LoginsBusy
from shim.core.login_forms import LoginForm
from shim.core.message import Credentials
from shim.edge.backend.tokens import SingleFlight
from shim.edge.callers.passwords import Passwords
from shim.edge.callers.proofs import Proofs, digest_of
from shim.edge.callers.refused import LoginRefused, RefusedLogin, refused_login
from shim.edge.callers.throttle import Throttle
from shim.edge.exchange.fair_shares import Rates
from shim.edge.settings.model import Integration, LoginSettings

__all__ = ["Integration", "Integrations"]

_MOST_REMEMBERED = 4096

Way = Literal["password", "app", "crypted"]


@dataclass(frozen=True, slots=True)
class _Proof:
    """The one way that counts: what the caller says it is, and the secret that shows it."""

    way: Way
    login: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Proven:
    """Credentials that were right: whose, good without a check until when, and with which list."""

    integration: Integration
    until: float
    generation: int


@dataclass(frozen=True, slots=True)
class _Check:
    """A login to check: whose it would be, the digests of it in memory and in the store, and whether it
    was right before."""

    proof: _Proof
    digest: bytes
    integration: Integration | None
    kept: str | None
    known: bool


class Integrations:
    """The integrations that may call. `clock` gives seconds that never go back."""

    def __init__(
        self,
        entries: Iterable[Integration],
        login: LoginSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        proofs: Proofs | None = None,
    ) -> None:
        login = login or LoginSettings()
        self._proofs = proofs
        self._clock = clock
        self._remember = login.remember
        self._passwords = Passwords(login.argon2, login.queue)
        self._throttle = Throttle(login, clock)
        self._rates = Rates(clock)
        self._flights = SingleFlight()
        self._key = secrets.token_bytes(64)
        self._proven: dict[bytes, _Proven] = {}
        self._generation = 0
        self.replace(entries)

    def replace(self, entries: Iterable[Integration]) -> None:
        """Let these call from now on; checks under way end by the list that they began with.

        What was right for one who is disabled or gone is forgotten.
        """
        self._by: dict[tuple[Way, str], Integration] = {}
        for each in entries:
            for way, login in _logins(each):
                self._by[way, login] = each
        self._enabled = {each.name for each in self._by.values() if each.enabled}
        self._named = {each.name: each for each in self._by.values()}
        self._proven = {
            digest: proven
            for digest, proven in self._proven.items()
            if proven.integration.name in self._enabled
        }
        if self._proofs is not None:
            self._proofs.only(self._enabled)
        self._generation += 1

    async def authenticate(self, credentials: Credentials, address: str) -> Integration:
        """The integration that these credentials prove.

        Raises CallerError: `login-refused` (code 100) when they prove none, `login-throttled` (code 100)
        after too many failures. Raises LoginsBusy when too many checks wait.
        """
        proof = _proof(credentials)
        digest = self._digest(proof)
        proven = self._proven.get(digest)
        if proven and self._clock() < proven.until and proven.generation == self._generation:
            self._throttle.vouch(address)
            return proven.integration
        integration = self._by.get((proof.way, proof.login))
        if integration is not None and not integration.enabled:
            integration = None  # from here on: what is disabled costs what is unknown costs
        kept = self._kept(integration, proof)
        if digest in self._proven or (kept is not None and self._knows(kept)):
            check = _Check(proof, digest, integration, kept, known=True)
            try:
                shown = await self._flights.run(digest, lambda: self._check(check))  # one for all addresses
            except CallerError:
                self._throttle.attempt(_throttled(proof), address)  # it is right no more
                raise
            self._throttle.vouch(address)
            return shown
        check = _Check(proof, digest, integration, kept, known=False)
        return await self._flights.run((digest, address), lambda: self._stranger(check, address))

    def current(self, integration: Integration) -> Integration:
        """The login that a call that has begun goes on with: the app secret of now, as long as it is the same
        app."""
        now = self._named.get(integration.name)
        if now is None or now is integration:
            return integration
        return now if now.new.app_key == integration.new.app_key else integration

    def wait(self, integration: Integration) -> int | None:
        """None when an integration may call now, which is counted; else the seconds until it may."""
        quota = integration.quota
        return self._rates.wait(integration.name, quota.calls_per_second, quota.burst)

    async def close(self) -> None:
        await self._flights.close()
        self._passwords.close()

    async def _stranger(self, check: _Check, address: str) -> Integration:
        """Check credentials that were never right, slowly if many were wrong."""
        login = _throttled(check.proof)
        if wait := self._throttle.wait(login, address):
            raise _too_many(wait, self._login(check.proof))
        self._throttle.attempt(login, address)
        try:
            shown = await self._check(check)
        except LoginsBusy:
            self._throttle.undone(login, address)
            raise
        self._throttle.succeeded(login, address)
        return shown

    async def _check(self, check: _Check) -> Integration:
        generation, integration, kept = self._generation, check.integration, check.kept
        good = await self._shows(integration, check.proof, known=check.known)
        if integration is None or not good:
            self._proven.pop(check.digest, None)
            if self._proofs is not None and kept is not None:
                self._proofs.wrong(kept)
            raise _refused(self._login(check.proof))
        if self._proofs is not None and kept is not None and integration.name in self._enabled:
            self._proofs.right(integration.name, kept)
        self._keep(check.digest, _Proven(integration, self._clock() + self._remember, generation))
        return integration

    async def _shows(self, integration: Integration | None, proof: _Proof, *, known: bool) -> bool:
        """True if the secret is the integration's. A wrong one has cost one hash, whoever's it is."""
        if proof.way == "crypted":
            return integration is not None  # the lookup by its SHA-256 was the check
        hashed, plain = _expected(integration, proof.way)
        if plain is not None and hmac.compare_digest(_bytes(plain), _bytes(proof.secret)):
            return True
        return await self._passwords.verify(hashed, proof.secret, known=known)

    def _login(self, proof: _Proof) -> RefusedLogin:
        """A login that was refused, as the operator alone is told of it."""
        integration = self._by.get((proof.way, proof.login))
        if integration is None:
            return refused_login("unknown", proof.way, proof.login)
        return refused_login(
            "wrong-secret" if integration.enabled else "disabled", proof.way, proof.login, integration.name
        )

    def _knows(self, kept: str) -> bool:
        return self._proofs is not None and self._proofs.knows(kept)

    def _kept(self, integration: Integration | None, proof: _Proof) -> str | None:
        """The digest of credentials in the store; None, for the same work, for those of nobody."""
        if self._proofs is None:
            return None
        whose = integration or _NOBODY
        expected = whose.old.crypted_digest if proof.way == "crypted" else _expected(whose, proof.way)[0]
        digest = digest_of(whose, proof.way, proof.login, proof.secret, expected or "")
        return None if integration is None else digest

    def _keep(self, digest: bytes, proven: _Proven) -> None:
        self._proven.pop(digest, None)
        self._proven[digest] = proven
        if len(self._proven) > _MOST_REMEMBERED:
            self._proven.pop(next(iter(self._proven)))

    def _digest(self, proof: _Proof) -> bytes:
        """The digest of credentials in memory: worthless without this process's key."""
        login = _bytes(proof.login)
        hashed = hashlib.blake2b(f"{proof.way} {len(login)} ".encode(), key=self._key, digest_size=32)
        hashed.update(login)
        hashed.update(_bytes(proof.secret))
        return hashed.digest()


_NOBODY = Integration.model_validate(
    {
        "name": "nobody",
        "old": {"username": "nobody", "password": "x", "app_key": "nobody", "app_secret": "x"},
        "new": {"app_key": "nobody", "app_secret": secrets.token_hex(16)},
    }
)


def form_of(credentials: Credentials) -> LoginForm | None:
    """The form of login that counts; None when none is complete."""
    if credentials.username and credentials.password:
        return "password"
    if credentials.app_key and credentials.app_secret:
        return "app_key"
    return "crypted_auth" if credentials.crypted_auth else None


def _proof(credentials: Credentials) -> _Proof:
    """The first complete way. Raises CallerError when none is."""
    if credentials.username and credentials.password:
        return _Proof("password", credentials.username, credentials.password)
    if credentials.app_key and credentials.app_secret:
        return _Proof("app", credentials.app_key, credentials.app_secret)
    if credentials.crypted_auth:
        digest = hashlib.sha256(_bytes(credentials.crypted_auth)).hexdigest()
        return _Proof("crypted", digest, credentials.crypted_auth)
    raise LoginRefused(
        "login-refused",
        "The message has no complete userCredentials header: send username and password, appKey and "
        "appSecret, or cryptedAuth.",
        _incomplete(credentials),
    )


def _incomplete(credentials: Credentials) -> RefusedLogin:
    if credentials.username:
        return refused_login("incomplete", "password", credentials.username)
    return refused_login("incomplete", "app", credentials.app_key or "")


def _logins(integration: Integration) -> Iterable[tuple[Way, str]]:
    old = integration.old
    if old.username:
        yield "password", old.username
    if old.app_key:
        yield "app", old.app_key
    if old.crypted_digest:
        yield "crypted", old.crypted_digest


def _expected(integration: Integration | None, way: Way) -> tuple[str | None, str | None]:
    """(hash, plain text) of what the integration has to show; one of them at most."""
    if integration is None:
        return None, None
    old = integration.old
    hashed, plain = (
        (old.password_hash, old.password) if way == "password" else (old.app_secret_hash, old.app_secret)
    )
    return hashed, plain.get_secret_value() if plain else None


def _throttled(proof: _Proof) -> str:
    """Under what failures are counted; of a fixed size, whatever the caller sends."""
    return hashlib.sha256(_bytes(f"{proof.way} {proof.login}")).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _refused(login: RefusedLogin) -> LoginRefused:
    return LoginRefused(
        "login-refused",
        "The credentials were refused: check the user name and password, the app key and secret, or "
        "cryptedAuth, and that the integration is enabled in the shim.",
        login,
    )


def _too_many(wait: float, login: RefusedLogin) -> LoginRefused:
    return LoginRefused(
        "login-throttled",
        f"Too many logins failed: correct the credentials and try again in {max(1, round(wait))} seconds.",
        login,
    )
