"""For all tests: nothing connects to or looks up anything outside this machine, and every v3 request is valid.

What tries, or sends a request that the exact schema of v3 does not allow, fails its test.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog

from shim.core import forward
from shim.core.commands.backend import Call
from shim.edge.telemetry.log import set_level
from tests.support.schemas import assert_valid

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


@pytest.fixture(scope="session", autouse=True)
def _no_logger_is_kept() -> Iterator[None]:
    """A logger asks for its configuration at every line, so that no test's configuration outlives the test."""
    configure = structlog.configure

    def without_cache(**settings: Any) -> None:
        configure(**{**settings, "cache_logger_on_first_use": False})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(structlog, "configure", without_cache)
        yield


@pytest.fixture(autouse=True)
def _log_of_its_own() -> Iterator[None]:
    """What a test configures of the log ends with it."""
    yield
    structlog.reset_defaults()
    set_level("info")


_INVALID: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def _judge_v3_requests() -> Iterator[None]:
    """Whatever is forwarded in this process is judged by libxml2, by the schema of the version it is in.

    Texts may be such as callers send them: nobody judges their patterns and lengths before v3 does.
    """
    made = forward._command

    def judged(writer: Any, operation: Any, body: str, writes: bool) -> Call:
        call = made(writer, operation, body, writes)
        assert call.soap_action == operation.soap_action

        def envelope(token: str) -> bytes:
            data = call.envelope(token)
            try:
                assert_valid(data, writer.interface, texts_as_sent=True)
            except AssertionError as problem:
                _INVALID.append(f"{operation.full_name}: {problem}")
            return data

        return replace(call, envelope=envelope)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forward, "_command", judged)
        yield


@pytest.fixture(autouse=True)
def invalid_requests() -> Iterator[list[str]]:
    """The v3 requests of this test that are not valid. Whoever makes one on purpose empties the list."""
    _INVALID.clear()
    yield _INVALID
    if _INVALID:
        pytest.fail(f"{len(_INVALID)} v3 requests are not valid, the first one is {_INVALID[0]}")
