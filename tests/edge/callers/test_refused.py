"""What is told of a login that was refused: enough to find it, and too little to use it."""

from __future__ import annotations

import hashlib

import pytest

from shim.core.errors import CallerError
from shim.core.message import Credentials
from shim.edge.callers.integrations import Integrations
from shim.edge.callers.refused import LoginRefused, RefusedLogin, digest, masked, refused_login
from shim.edge.settings.model import Integration, LoginSettings

NEW = {"app_key": "k", "app_secret": "s"}


@pytest.mark.parametrize(
    ("login", "mask"),
    [
        ("", ""),
        ("abc", "…"),
        ("ledger", "l…"),
        ("ledger-eu", "l…u"),
        ("\x1b[31mevil\n", "·…·"),
    ],
)
def test_a_mask_shows_too_little_to_use(login: str, mask: str) -> None:
    assert masked(login) == mask


def test_the_digest_is_what_sha256sum_begins_with() -> None:
    assert digest("ledger-eu") == hashlib.sha256(b"ledger-eu").hexdigest()[:10]
    assert digest("") == ""
    assert digest("\udcff")


def test_of_crypted_auth_only_the_digest_is_told() -> None:
    whole = hashlib.sha256(b"secret").hexdigest()
    assert refused_login("unknown", "crypted", whole) == RefusedLogin("unknown", "crypted", "", whole[:10])


@pytest.mark.parametrize(
    ("credentials", "told"),
    [
        (Credentials("billing-login", "guess"), ("wrong-secret", "password", "", "billing")),
        (Credentials("asleep-login", "right"), ("disabled", "password", "", "asleep")),
        (Credentials("stranger-login", "guess"), ("unknown", "password", "s…n", None)),
        (Credentials(app_key="an-app-key", app_secret="x"), ("unknown", "app", "a…y", None)),
        (Credentials(crypted_auth="x"), ("unknown", "crypted", "", None)),
        (Credentials("billing-login"), ("incomplete", "password", "b…n", None)),
        (Credentials(), ("incomplete", "app", "", None)),
    ],
)
async def test_a_refusal_says_whose_login_it_was(
    credentials: Credentials, told: tuple[str | None, ...]
) -> None:
    known = Integrations([entry("billing"), entry("asleep", enabled=False)], LoginSettings(queue=10))
    try:
        with pytest.raises(LoginRefused) as refused:
            await known.authenticate(credentials, "192.0.2.1")
    finally:
        await known.close()
    login = refused.value.login
    assert (login.why, login.way, login.login, login.integration) == told
    assert isinstance(refused.value, CallerError)
    assert "billing" not in refused.value.text, "the caller hears nothing of it"


async def test_what_was_not_looked_at_is_told_as_well() -> None:
    known = Integrations([entry("billing")], LoginSettings(free_failures=1, first_delay=60), clock=lambda: 0.0)
    reasons = []
    try:
        for _ in range(3):
            with pytest.raises(LoginRefused) as refused:
                await known.authenticate(Credentials("billing-login", "guess"), "192.0.2.1")
            reasons.append((refused.value.reason, refused.value.login.integration))
    finally:
        await known.close()
    assert reasons[0] == ("login-refused", "billing")
    assert reasons[-1] == ("login-throttled", "billing")


def entry(name: str, **more: bool) -> Integration:
    old = {"username": f"{name}-login", "password": "right"}
    return Integration.model_validate({"name": name, "old": old, "new": NEW, **more})
