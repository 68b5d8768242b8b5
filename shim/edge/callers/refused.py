"""Logins that were refused: what an operator is told of one, and nobody else.

Laws: no login and no secret is kept or logged. Whose a known login is, is told by the integration's name. Of an
unknown one a mask of two letters at most is shown, and of both the beginning of the SHA-256, by which somebody
who knows a login finds it again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

from shim.core.errors import AUTHENTICATION, CallerError

RefusedWhy = Literal["wrong-secret", "unknown", "disabled", "incomplete"]
"""A known login with a wrong secret; one that no integration has; one of a disabled integration; no whole
login at all."""
WHYS: tuple[RefusedWhy, ...] = get_args(RefusedWhy)

_DIGITS = 10
_LONG, _MIDDLE = 8, 4


@dataclass(frozen=True, slots=True)
class RefusedLogin:
    """`way` is `password`, `app` or `crypted`; `login` a mask of an unknown one (`l…r`), `digest` ten digits of
    the SHA-256 of the login, both empty where there was none; `integration` whose it is, if that is known."""

    why: RefusedWhy
    way: str
    login: str
    digest: str
    integration: str | None = None


class LoginRefused(CallerError):
    """Credentials that prove no integration, or that were not looked at after too many that did not."""

    def __init__(self, reason: str, text: str, login: RefusedLogin) -> None:
        super().__init__(reason, text, AUTHENTICATION)
        self.login = login


def refused_login(why: RefusedWhy, way: str, login: str, integration: str | None = None) -> RefusedLogin:
    """A refused login as it is told; of `cryptedAuth`, `login` is its SHA-256 already."""
    if way == "crypted":
        return RefusedLogin(why, way, "", login[:_DIGITS], integration)
    shown = masked(login) if integration is None else ""
    return RefusedLogin(why, way, shown, digest(login), integration)


def masked(login: str) -> str:
    """A login of which nearly all is left out: `l…u` of `ledger-eu`, `l…` of `ledger`, `…` of what is short."""
    first, last = (
        "".join(each if each.isprintable() else "·" for each in part) for part in (login[:1], login[-1:])
    )
    if len(login) >= _LONG:
        return f"{first}…{last}"
    return f"{first}…" if len(login) >= _MIDDLE else "…" if login else ""


def digest(login: str) -> str:
    """The beginning of its SHA-256, as `printf %s LOGIN | sha256sum` gives it; nothing of nothing."""
    if not login:
        return ""
    return hashlib.sha256(login.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
