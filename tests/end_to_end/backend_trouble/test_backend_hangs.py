"""A backend that takes connections and never answers: callers and the operator are told by a started shim."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.end_to_end.messages import GET_CLIENTS, edit_client
from tests.end_to_end.running import HOST, Backend, Shim, StartShim, Tls, running_shim
from tests.end_to_end.wire import Reply, connected, faulted, http_get, post

WAITS_LONGER_THAN_TESTS_DO = 600.0
HEALTH = {"every": 3600, "after": 0.25, "timeout": 0.6}


@pytest.fixture
def hung() -> Iterator[str]:
    """The address of one whose connections are made by the system, and read by nobody."""
    with closing(socket.create_server((HOST, 0), backlog=128)) as listening:
        yield f"http://{HOST}:{listening.getsockname()[1]}"


@pytest.fixture
def shim(hung: str, tls: Tls) -> Iterator[Shim]:
    changes = {
        "backend.call_timeout": WAITS_LONGER_THAN_TESTS_DO,
        "backend.total_timeout": WAITS_LONGER_THAN_TESTS_DO,
        "backend.health": HEALTH,
    }
    with running_shim(hung, tls, changes) as running:
        yield running


def admin(shim: Shim, path: str) -> Reply:
    with connected(shim.admin) as wire:
        return wire.exchange(http_get(path, "Host: 127.0.0.1"))


@pytest.mark.parametrize("body", [GET_CLIENTS, edit_client(21, "<company>Never</company>")])
def test_callers_are_told_and_when_to_try_again(shim: Shim, body: bytes) -> None:
    for _ in range(3):
        reply = post(shim, body)
        said = faulted(reply)
        assert (reply.status, said.side, said.reason) == (500, "Server", "backend-unreachable")
        assert "nothing was changed" in said.text
        assert 1 <= int(reply.headers["retry-after"]) <= 60


def test_readiness_says_so(shim: Shim) -> None:
    faulted(post(shim, GET_CLIENTS))
    reply = admin(shim, "/readyz?verbose")
    assert reply.status == 503
    lines = reply.body.decode().splitlines()
    assert "[+] store" in lines
    assert any(line.startswith("[-] backend") and "answers" in line for line in lines)
    assert admin(shim, "/livez?verbose").status == 200


def test_verbose_readiness_of_one_that_is_well(start_shim: StartShim, backend: Backend) -> None:
    shim = start_shim()
    reply = admin(shim, "/readyz?verbose")
    assert reply.status == 200
    lines = reply.body.decode().splitlines()
    for name in ("store", "backend", "journal", "certificate"):
        assert any(line.startswith(f"[+] {name}") for line in lines), (name, lines)
