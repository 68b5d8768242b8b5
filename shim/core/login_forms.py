"""The three ways in which 2.5 logs in, and how far each may still be used: served, served and told, or refused.

A password in a SOAP header is what people want to be rid of first: with a rung for each form and each
integration they are retired one by one, as operations are on the porting ladder. Which rung holds today is told
by the edge, since the core knows no day.
"""

from __future__ import annotations

from typing import Literal, get_args

from shim.core.errors import AUTHENTICATION, CallerError
from shim.core.findings import Findings

LoginForm = Literal["password", "app_key", "crypted_auth"]
LOGIN_FORMS: tuple[LoginForm, ...] = get_args(LoginForm)
LoginRung = Literal["translate", "warn", "refuse"]

WORDS: dict[LoginForm, str] = {
    "password": "user name and password",
    "app_key": "app key and secret",
    "crypted_auth": "cryptedAuth",
}
_ELEMENTS: dict[LoginForm, str] = {
    "password": "userCredentials/password",
    "app_key": "userCredentials/appKey",
    "crypted_auth": "userCredentials/cryptedAuth",
}


def admit_login(form: LoginForm | None, rung: LoginRung, findings: Findings) -> None:
    """Let a login of this form pass, with a finding where it should not be used any more, or raise CallerError
    (`login-form-refused`, code 100)."""
    if form is None or rung == "translate":
        return
    words = WORDS[form]
    if rung == "warn":
        findings.add("old-login", _ELEMENTS[form], f"The call logs in with {words}.")
        return
    findings.add("old-login-refused", _ELEMENTS[form], f"The call logs in with {words}.")
    raise CallerError(
        "login-form-refused",
        f"Logging in with {words} has ended for this integration: nothing was changed. Log in another way that "
        "it has, or port the call to v3; the operator of the shim can say which.",
        AUTHENTICATION,
    )
