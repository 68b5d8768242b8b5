"""Who may use the page: users of the configuration, their sessions, and what slows guessing.

Laws: a session's token is random and kept as a digest only; a session ends when it is idle, too old, or its
user is no longer configured as at login. Wrong passwords cost as much as right ones, and each failure delays
the next from that address, but never a login with what was right before. Nothing typed is logged.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from shim.core.errors import Fault
from shim.edge.callers.passwords import Passwords
from shim.edge.callers.throttle import Throttle
from shim.edge.settings.admin import Admin, Role
from shim.edge.settings.model import LoginSettings

log = structlog.get_logger()

_MOST_SESSIONS = 1000


class PageLoginRefused(Exception):
    """A login that was not let in; the text is for the person who tried, `why` for the operator."""

    def __init__(self, text: str, why: str = "") -> None:
        super().__init__(text)
        self.why = why or text


class SessionUser(Protocol):
    """Who is logged in, whatever let them in."""

    @property
    def name(self) -> str: ...

    @property
    def role(self) -> Role: ...


@dataclass(slots=True)
class Session:
    """Somebody who is logged in. `token` goes into every form; `messages` stand on the next page, once."""

    user: SessionUser
    granted_by: object
    """The settings that let in; the session ends when they are no longer those of the configuration."""
    began: float
    used: float
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    messages: list[str] = field(default_factory=list)
    typed: tuple[str, Mapping[str, str]] | None = field(default=None, repr=False)
    """The fields that were typed on a page, given by its path, before the session before this one was lost."""


class Sessions:
    """Logins of the page's users, and the sessions they began.

    `admin` gives the settings as they are now, `clock` seconds that never go back.
    """

    def __init__(
        self, admin: Callable[[], Admin], login: LoginSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._admin = admin
        self._clock = clock
        self._passwords = Passwords(login.argon2, login.queue)
        self._throttle = Throttle(login, clock)
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()
        self._key = secrets.token_bytes(64)
        self._proven: dict[str, bytes] = {}

    @property
    def open(self) -> bool:
        """True if anybody may log in at all."""
        return bool(self._admin().users or self._admin().oidc)

    def close(self) -> None:
        self._passwords.close()

    async def enter(self, name: str, password: str, address: str) -> str:
        """Begin a session; the key for its cookie. Raises LoginRefused."""
        user = next((each for each in self._admin().users if each.name == name), None)
        login = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
        proof = self._proof(name, password)
        known = hmac.compare_digest(self._proven.get(name, b""), proof)
        if not known and (wait := self._throttle.wait(login, address)):
            log.warning("review login delayed", address=address)
            raise PageLoginRefused(f"Too many logins failed. Try again in {max(1, round(wait))} seconds.")
        self._throttle.attempt(login, address)
        try:
            good = await self._passwords.verify(user.password_hash if user else None, password)
        except Fault as fault:
            self._throttle.undone(login, address)
            raise PageLoginRefused(fault.text) from None
        if user is None or not good:
            log.warning("review login refused", address=address)
            raise PageLoginRefused("The name or the password is wrong.")
        self._throttle.succeeded(login, address)
        self._proven[name] = proof
        log.info("review login", user=name, address=address)
        return self.begin(user, user)

    def begin(self, user: SessionUser, granted_by: object) -> str:
        """Begin a session of somebody who has proven himself; the key for its cookie."""
        key, now = secrets.token_urlsafe(32), self._clock()
        self._sessions[_digest(key)] = Session(user, granted_by, now, now)
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.popitem(last=False)
        return key

    def session(self, key: str | None) -> Session | None:
        """The session that a cookie's key opens, if it still lasts; it counts as used now."""
        session = self._sessions.get(_digest(key)) if key else None
        if session is None or key is None:
            return None
        admin, now = self._admin(), self._clock()
        lasts = now - session.used < admin.session_idle and now - session.began < admin.session_longest
        if not lasts or session.granted_by not in (*admin.users, admin.oidc):
            self.leave(key)
            return None
        session.used = now
        return session

    def leave(self, key: str | None) -> None:
        """End a session."""
        if key:
            self._sessions.pop(_digest(key), None)

    def _proof(self, name: str, password: str) -> bytes:
        """The digest of a login in memory: worthless without this process's key."""
        text = f"{len(name)} {name}{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._key, digest_size=32).digest()


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
