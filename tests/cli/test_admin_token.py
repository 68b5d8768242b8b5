"""shim admin token: printed once, and what the configuration gets of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

from typer.testing import Result

from shim.edge.settings.admin import AdminToken
from shim.review.api.roles import token_of

Invoke = Callable[..., Result]


def test_the_entry_knows_the_token_and_does_not_have_it(invoke: Invoke) -> None:
    done = invoke("admin", "token", "dashboard", "--role", "editor", "--format", "json")
    told = json.loads(done.stdout)
    assert told["token"] not in done.stderr
    assert told["entry"]["sha256"] == hashlib.sha256(told["token"].encode()).hexdigest()
    entry = AdminToken.model_validate(told["entry"])
    assert token_of(f"Bearer {told['token']}", [entry]) == entry
    assert token_of(f"Basic {told['token']}", [entry]) is None
    assert token_of("Bearer ", [entry]) is None
    assert token_of(None, [entry]) is None


def test_two_are_never_the_same_and_text_is_the_token_alone(invoke: Invoke) -> None:
    tokens = {invoke("admin", "token", "x").stdout for _ in range(5)}
    assert len(tokens) == 5
    assert all(each.startswith("shim_") and each.count("\n") == 1 for each in tokens)


def test_a_name_is_one_word(invoke: Invoke) -> None:
    done = invoke("admin", "token", "two words")
    assert (done.exit_code, done.stdout) == (2, "")
