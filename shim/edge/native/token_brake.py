"""The brake of the token endpoint: slows whoever guesses app secrets of v3, and nobody who has one.

Failures count for an app key from an address, and for an address, as those of 2.5's logins do (`login`). An app
key with its secret is not slowed at all when the configuration has it, or v3 gave a token for it before:
whatever strangers guess, from the same address too. No key and no secret is kept, but keyed digests.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from shim.edge.callers.throttle import Throttle
from shim.edge.settings.model import Integration, LoginSettings

_MOST_KNOWN = 4096
REFUSED = frozenset({400, 401, 403})
"""HTTP statuses with which v3 says that it gives no token for this."""


@dataclass(frozen=True, slots=True)
class TokenApp:
    """Who asks for a token: an app key and its secret, as v3 is going to read them.

    `sure` is False where it might read others: names given twice, or a form that is not read here.
    """

    key: str | None = None
    secret: str | None = field(default=None, repr=False)
    sure: bool = False


class TokenBrake:
    """`integrations` gives those that are configured now; `clock` gives seconds that never go back."""

    def __init__(
        self,
        integrations: Callable[[], Iterable[Integration]],
        login: LoginSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._integrations = integrations
        self._throttle = Throttle(login or LoginSettings(), clock)
        self._key = secrets.token_bytes(64)
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, app: TokenApp) -> bool:
        """True if this is an app with its secret, as far as can be told without v3."""
        if not (app.sure and app.key and app.secret):
            return False
        return self._digest(app.key, app.secret) in self._known or self._is_configured(app.key, app.secret)

    def wait(self, app: TokenApp, address: str) -> int:
        """Whole seconds until such a request may be made; 0: now, which is counted until it turns out well."""
        seconds = math.ceil(self._throttle.wait(self._counted(app), address))
        if not seconds:
            self._throttle.attempt(self._counted(app), address)
        return seconds

    def ended(self, app: TokenApp, address: str, status: int | None, *, known: bool) -> None:
        """The result of a request: v3's HTTP status, None when it did not answer."""
        if status == 200 and app.sure and app.key and app.secret:
            self._throttle.vouch(address) if known else self._throttle.succeeded(self._counted(app), address)
            self._keep(self._digest(app.key, app.secret))
        elif status in REFUSED:
            if known and app.key and app.secret:  # a secret that was changed
                self._known.pop(self._digest(app.key, app.secret), None)
                self._throttle.attempt(self._counted(app), address)
        elif not known:
            self._throttle.undone(self._counted(app), address)

    def _is_configured(self, key: str, secret: str) -> bool:
        apps = (each.new for each in self._integrations() if each.new.app_key == key)
        return any(
            hmac.compare_digest(_bytes(each.app_secret.get_secret_value()), _bytes(secret)) for each in apps
        )

    def _keep(self, digest: bytes) -> None:
        self._known[digest] = None
        self._known.move_to_end(digest)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _digest(self, key: str, secret: str) -> bytes:
        name = _bytes(key)
        return hashlib.blake2b(
            b"%d " % len(name) + name + _bytes(secret), key=self._key, digest_size=32
        ).digest()

    def _counted(self, app: TokenApp) -> str:
        """Under what failures are counted; of a fixed size, whatever is sent."""
        return self._digest(app.key or "", "").hex()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
