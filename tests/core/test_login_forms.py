"""Forms of login: which counts, what a rung does with it, and what the caller is told."""

from __future__ import annotations

import pytest

from shim.core.errors import AUTHENTICATION, CallerError
from shim.core.findings import Findings
from shim.core.login_forms import LOGIN_FORMS, LoginForm, admit_login


@pytest.mark.parametrize("form", LOGIN_FORMS)
def test_translate_says_nothing_and_warn_is_a_finding(form: LoginForm) -> None:
    findings = Findings()
    admit_login(form, "translate", findings)
    assert list(findings) == []
    admit_login(form, "warn", findings)
    [found] = findings
    assert (found.code, found.severity) == ("old-login", "warning")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("password", "user name and password"),
        ("app_key", "app key and secret"),
        ("crypted_auth", "cryptedAuth"),
    ],
)
def test_refuse_is_a_fault_that_says_which(form: LoginForm, words: str) -> None:
    findings = Findings()
    with pytest.raises(CallerError, match=f"Logging in with {words} has ended") as caught:
        admit_login(form, "refuse", findings)
    assert (caught.value.reason, caught.value.code) == ("login-form-refused", AUTHENTICATION)
    assert [each.code for each in findings] == ["old-login-refused"]


def test_a_caller_without_a_login_is_nobodys_business_here() -> None:
    findings = Findings()
    admit_login(None, "refuse", findings)
    assert list(findings) == []
