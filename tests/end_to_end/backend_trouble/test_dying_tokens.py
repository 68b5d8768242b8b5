"""A token that dies soon after it was given: its code 100 is not taken for the absence of what was made."""

from __future__ import annotations

import re

import pytest

from tests.end_to_end.messages import NORTHWIND, envelope, namespace
from tests.end_to_end.running import Backend, Shim, StartShim
from tests.end_to_end.sinks import until
from tests.end_to_end.wire import Reply, answered, faulted, post

EXTENSION = "/soap2/extension_agent.php"
SETTINGS = {"journal.sweep": 0.2}


def call(shim: Shim, name: str, fields: str) -> Reply:
    body = f'<m:{name}Request xmlns:m="{namespace("ExtensionMessages")}">{fields}</m:{name}Request>'
    return post(shim, envelope(body, login=NORTHWIND), EXTENSION)


def added(shim: Shim, login: str) -> Reply:
    profile = f"<name>{login}</name><company>Northwind</company><login>{login}</login>"
    rest = "<password>Pass-2025</password><country>us</country><parentID>20</parentID>"
    return call(shim, "AddExtension", profile + rest)


@pytest.fixture
def shim(start_shim: StartShim, backend: Backend) -> Shim:
    """One that has got another token a moment ago, and asks for none so soon after that on a mere suspicion."""
    shim = start_shim(SETTINGS)
    backend.world.interfere("Extension.GetExtensions", "dead-token")
    answered(call(shim, "GetExtensions", "<parentID>20</parentID>"))
    assert not backend.world.faults
    return shim


@pytest.mark.parametrize("deaths", [1, 3])
def test_what_a_failed_call_had_made_is_undone_although_the_token_dies(
    shim: Shim, backend: Backend, deaths: int
) -> None:
    """Each refusal may be that of the ID: what is there would be left to itself."""
    login = f"dying{deaths}"
    backend.world.interfere("Extension.AddExtension", "fault:520")
    for _ in range(deaths):
        backend.world.interfere("User.DelUser", "dead-token")
    faulted(added(shim, login))
    until(lambda: backend.world.by_login(login) is None, "the user is deleted again")
    assert not backend.world.faults


def test_an_extension_is_not_denied_because_the_token_died(shim: Shim, backend: Backend) -> None:
    reply = answered(added(shim, "stays"))
    identity = reply.get("ID")
    assert identity
    assert re.fullmatch(r"\d+", identity)
    for operation in ("Extension.GetExtensions", "Extension.GetExtensionDetails", "User.GetUsers"):
        backend.world.interfere(operation, "dead-token")
    replies: list[Reply] = []

    def deleted() -> bool:
        replies.append(call(shim, "DelExtension", f"<ID>{identity}</ID>"))
        return replies[-1].status == 200

    until(deleted, "the extension is deleted")
    assert answered(replies.pop()).get("items") == "1"
    assert {faulted(each).code for each in replies} <= {None}, "v3 does not say that there is no such extension"
    assert backend.world.by_login("stays") is None
