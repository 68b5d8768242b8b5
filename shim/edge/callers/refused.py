"""Logins that were refused: what an operator is told of one, and nobody else.

Laws: no login and no secret is kept or logged. A login is shown as a mask, which tells a typing error from a
stranger, with the beginning of its SHA-256, by which somebody who knows a login finds it again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal, get_args

from shim.core.errors import AUTHENTICATION, CallerError

Why = Literal["wrong-secret", "unknown", "disabled", "incomplete"]
"""A known login with a wrong secret; one that no integration has; one of a disabled integration; no whole
login at all."""
WHYS: tuple[Why, ...] = get_args(Why)

_DIGITS = 10
_LONG, _MIDDLE = 8, 4


@dataclass(frozen=True, slots=True)
class RefusedLogin:
    """`way` is `password`, `app` or `crypted`; `login` a mask (`le…r`), `digest` ten digits of the SHA-256 of
    the login, both empty where there was none; `integration` whose login it is, where that is known."""

    why: Why
    way: str
    login: str
    digest: str
    integration: str | None = None


class LoginRefused(CallerError):
    """Credentials that prove no integration, or that were not looked at after too many that did not."""

    def __init__(self, reason: str, text: str, login: RefusedLogin) -> None:
        super().__init__(reason, text, AUTHENTICATION)
        self.login = login


def refused_login(why: Why, way: str, login: str, integration: str | None = None) -> RefusedLogin:
    """What is told of a login; of `cryptedAuth`, `login` is its SHA-256 already."""
    if way == "crypted":
        return RefusedLogin(why, way, "", login[:_DIGITS], integration)
    return RefusedLogin(why, way, masked(login), digest(login), integration)


def masked(login: str) -> str:
    """A login of which most is left out: `le…r` of `ledger-eu`, `l…` of `ledger`, `…` of what is short."""
    shown = "".join(each if each.isprintable() else "·" for each in (*login[:2], *login[-1:]))
    if len(login) >= _LONG:
        return f"{shown[:2]}…{shown[-1:]}"
    return f"{shown[:1]}…" if len(login) >= _MIDDLE else "…" if login else ""


def digest(login: str) -> str:
    """The beginning of its SHA-256, as `printf %s LOGIN | sha256sum` gives it; nothing of nothing."""
    if not login:
        return ""
    return hashlib.sha256(login.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
