"""What every toolkit put on the wire is told apart and understood, whether it is installed or not."""

from __future__ import annotations

import re

import pytest

from shim.edge.toolkits import toolkit as told_apart
from tests.end_to_end.messages import add_client
from tests.end_to_end.running import Backend, Shim
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
def test_a_recorded_wire_is_understood(backend: Backend, shim: Shim, toolkit: Toolkit) -> None:
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
    assert phone.attributes["unlimited"] == "true"
    assert (queue.text, queue.attributes["unlimited"]) == ("3", "false")
    gone = {found.text for each in lived.done("DelOrganization") for found in each.all("ID")}
    assert len(gone) == 2


def _added(shim: Shim, login: str) -> str:
    found = re.search(r"ID>(\d+)<", post(shim, add_client(login)).text)
    assert found
    return found[1]


def _sent(shim: Shim, request: bytes) -> Reply:
    with connected(shim.http) as wire:
        reply = wire.exchange(request)
        return reply if reply.status >= 200 else wire.read()
