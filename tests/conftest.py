"""For all tests: nothing connects to or looks up anything outside this machine. What tries fails its test."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest

_ATTEMPTS: list[str] = []


def _is_here(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "", "localhost", "ip6-localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guard(host: object) -> None:
    if not _is_here(host):
        _ATTEMPTS.append(str(host))
        raise ConnectionRefusedError(f"tests must not reach {host}")


@pytest.fixture(scope="session", autouse=True)
def _only_this_machine() -> Iterator[None]:
    connect, connect_ex, lookup = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _guard(address[0])
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _guard(address[0])
        return connect_ex(self, address)

    def guarded_lookup(host: Any, *args: Any, **kwargs: Any) -> Any:
        _guard(host)
        return lookup(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        patch.setattr(socket, "getaddrinfo", guarded_lookup)
        yield


@pytest.fixture(autouse=True)
def network_attempts() -> Iterator[list[str]]:
    """What this test tried to reach. Whoever tries on purpose empties the list."""
    _ATTEMPTS.clear()
    yield _ATTEMPTS
    if _ATTEMPTS:
        pytest.fail(f"reached for the network: {', '.join(_ATTEMPTS)}")
