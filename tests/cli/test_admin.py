"""Passwords of the review page: what is printed, and what is refused."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator

import pytest
from argon2 import PasswordHasher
from typer.testing import Result

Invoke = Callable[..., Result]
GOOD = "a-long-enough-one"


def test_hash_from_stdin_is_the_passwords(invoke: Invoke) -> None:
    done = invoke("admin", "password", "-", stdin=f"{GOOD}\n")
    assert done.exit_code == 0
    assert PasswordHasher().verify(done.stdout.strip(), GOOD)
    assert GOOD not in done.output
    assert "admin.users" in done.stderr


@pytest.mark.parametrize(
    ("args", "stdin", "told"),
    [
        (("-",), "short\n", "12 characters"),
        (("-",), "", "12 characters"),
        ((GOOD,), "", "no argument"),
        ((), "", "no terminal"),
    ],
)
def test_what_is_refused(invoke: Invoke, args: tuple[str, ...], stdin: str, told: str) -> None:
    done = invoke("admin", "password", *args, stdin=stdin)
    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


@pytest.mark.parametrize(("second", "code"), [(GOOD, 0), ("another-long-one", 2)])
def test_prompt_asks_twice(monkeypatch: pytest.MonkeyPatch, second: str, code: int) -> None:
    from shim.cli import admin

    answers: Iterator[str] = iter((GOOD, second))
    monkeypatch.setattr(getpass, "getpass", lambda prompt: next(answers))
    monkeypatch.setattr(sys, "stdin", _Terminal())
    if code:
        with pytest.raises(admin.typer.Exit) as ended:
            admin.password(None)
        assert ended.value.exit_code == code
    else:
        admin.password(None)
    assert next(answers, None) is None


class _Terminal:
    def isatty(self) -> bool:
        return True
