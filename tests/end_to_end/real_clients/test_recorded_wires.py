"""What every toolkit put on the wire is told apart and understood, whether it is installed or not."""

from __future__ import annotations

import re

import pytest

from shim.edge.http.toolkits import toolkit as told_apart
from tests.end_to_end.messages import add_client
from tests.end_to_end.running import Backend, Shim, StartShim
from tests.end_to_end.toolkits.life import CLIENTS, COMPANY, NAME, Lived
from tests.end_to_end.toolkits.matrix import TOOLKITS
from tests.end_to_end.toolkits.row import Toolkit
from tests.end_to_end.toolkits.wires import WIRES, requests
from tests.end_to_end.wire import Reply, connected, post

each_toolkit = pytest.mark.parametrize("toolkit", TOOLKITS, ids=[each.key for each in TOOLKITS])


def test_every_toolkit_has_its_wire_and_every_wire_its_toolkit() -> None:
    assert {each.name for each in WIRES.iterdir()} == {f"{each.key}.http" for each in TOOLKITS}


@each_toolkit
def test_a_recorded_wire_is_told_apart(toolkit: Toolkit) -> None:
    values = {"first": "1", "second": "2", "login": "x"}
    for request in requests(WIRES / f"{toolkit.key}.http", values).values():
        head, _, body = request.partition(b"\r\n\r\n")
        agent = re.search(rb"(?im)^user-agent:[ \t]*(.*?)\r?$", head)
        assert told_apart(agent[1].decode() if agent else "", body) == toolkit.page


@each_toolkit
def test_a_recorded_wire_is_understood(
    backend: Backend, shim: Shim, start_shim: StartShim, toolkit: Toolkit
) -> None:
    shim = start_shim(dict(toolkit.changes)) if toolkit.changes else shim
    first, second = (_added(shim, f"{toolkit.key}-wire-{each}") for each in ("first", "second"))
    values = {"first": first, "second": second, "login": f"{toolkit.key}-wire"}
    asked = requests(WIRES / f"{toolkit.key}.http", values)
    with backend.watched() as calls:
        answers = {name: _sent(shim, request) for name, request in asked.items()}
    lived = Lived({}, calls, ())
    assert {name: reply.status for name, reply in answers.items()} == dict.fromkeys(asked, 200)
    assert all(login in answers["empty"].text for login in CLIENTS)
    assert [(each.get("name"), each.get("company")) for each in lived.done("AddUser")] == [(NAME, COMPANY)]
    [limits] = lived.done("SetOrganizationPL")
    phone, queue = limits.child("phoneExtMax"), limits.child("queueExtMax")
    assert phone is not None
    assert queue is not None
    assert phone.attributes["unlimited"] == ("false" if toolkit.bare_limits else "true")
    assert (queue.text, queue.attributes["unlimited"]) == ("3", "false")
    gone = {found.text for each in lived.done("DelOrganization") for found in each.all("ID")}
    assert len(gone) == (1 if "deletes" in toolkit.misses else 2)


@pytest.mark.parametrize("key", ["mono-wsdl", "gsoap"])
def test_a_toolkit_that_leaves_out_unlimited_where_true_wants_the_default(
    backend: Backend, start_shim: StartShim, key: str
) -> None:
    """These never write what is the schema's default; read as a number, their `unlimited` would be 0."""
    path = WIRES / f"{key}.http"
    seen = {}
    for meaning in ("unlimited", "number"):
        shim = start_shim({"conduct.unlimited_absent": meaning})
        values = {"first": _added(shim, f"left-out-{key}-{meaning}"), "second": "1", "login": "x"}
        with backend.watched() as calls:
            assert _sent(shim, requests(path, values)["limits"]).status == 200
        [limits] = Lived({}, calls, ()).done("SetOrganizationPL")
        phone = limits.child("phoneExtMax")
        assert phone is not None
        seen[meaning] = phone.attributes["unlimited"]
    assert seen == {"unlimited": "true", "number": "false"}


def _added(shim: Shim, login: str) -> str:
    found = re.search(r"ID>(\d+)<", post(shim, add_client(login)).text)
    assert found
    return found[1]


def _sent(shim: Shim, request: bytes) -> Reply:
    with connected(shim.http) as wire:
        reply = wire.exchange(request)
        return reply if reply.status >= 200 else wire.read()
