"""The nginx and HAProxy of deploy/ before two shims, as they stand there but for addresses and certificates."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.messages import CLIENT, GET_CLIENTS, add_client, envelope, request
from tests.end_to_end.running import HOST, PATIENCE, Backend, Shim, Tls, running_shim
from tests.end_to_end.sinks import until
from tests.end_to_end.wire import answered, connected, http_get, http_post

DEPLOY = Path(__file__).parents[2] / "deploy"
BEHIND = {"listen.trusted_proxies": ["127.0.0.1/32"], "listen.drain": 600}


ESTABLISHED = "01"
"""The state of a connection in /proc/net/tcp that both sides have."""


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        assert not os.environ.get("CI"), f"{name} is missing: it is a package of Debian"
        pytest.skip(f"{name} is not installed")
    return found


def free_port() -> int:
    with socket.create_server((HOST, 0)) as taken:
        return int(taken.getsockname()[1])


def addressed(text: str, shims: list[Shim], port: int) -> str:
    """The configuration with the addresses of the test in place of its examples."""
    for example, shim in zip(("10.0.0.11:8025", "10.0.0.12:8025"), shims, strict=True):
        assert example in text
        text = text.replace(example, f"{HOST}:{shim.http}")
    text, count = re.subn(r"(listen |bind ):?443", rf"\g<1>{HOST}:{port}", text)
    assert count == 1
    return text


def haproxy(folder: Path, shims: list[Shim], tls: Tls, port: int) -> list[str]:
    pem = folder / "pem"
    pem.write_bytes(tls.certificate.read_bytes() + tls.key.read_bytes())
    text = addressed((DEPLOY / "haproxy" / "haproxy.cfg").read_text(), shims, port)
    (folder / "haproxy.cfg").write_text(text.replace("/etc/ssl/voipnow.example.com.pem", str(pem)))
    return [program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")]


def nginx(folder: Path, shims: list[Shim], tls: Tls, port: int) -> list[str]:
    text = addressed((DEPLOY / "nginx" / "shim.conf").read_text(), shims, port)
    text = text.replace("/etc/ssl/voipnow.example.com.pem", str(tls.certificate))
    text = text.replace("/etc/ssl/private/voipnow.example.com.key", str(tls.key))
    paths = "".join(
        f"{kind}_temp_path {folder / kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder / 'pid'}; error_log stderr;"
        f"events {{}} http {{ access_log off; {paths}\n{text}\n}}\n"
    )
    return [program("nginx"), "-e", "stderr", "-c", str(folder / "nginx.conf")]


@contextmanager
def running(command: list[str], port: int, tls: Tls) -> Iterator[None]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not ready(port, tls):
                assert process.poll() is None, process.stderr.read() if process.stderr else ""
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def ready(port: int, tls: Tls) -> bool:
    try:
        with connected(port, tls.authority) as wire:
            return wire.exchange(http_get("/readyz")).status == 200
    except OSError:
        return False


def call(port: int, tls: Tls) -> None:
    """A call over TLS, on a connection of its own."""
    with connected(port, tls.authority, timeout=PATIENCE) as wire:
        answered(wire.exchange(http_post(GET_CLIENTS)))


@pytest.mark.parametrize("make", [haproxy, nginx])
def test_calls_go_on_while_one_shim_after_the_other_is_gone(
    make: object,
    backend: Backend,
    tls: Tls,
    tmp_path: Path,
) -> None:
    assert callable(make)
    with ExitStack() as stack:
        shims = [stack.enter_context(running_shim(backend.url, tls, BEHIND)) for _ in range(2)]
        port = free_port()
        stack.enter_context(running(make(tmp_path, shims, tls, port), port, tls))
        for _ in range(6):
            call(port, tls)
        assert all(served(each) for each in shims), "calls are shared"
        shims[0].process.kill()
        shims[0].wait()
        for _ in range(6):
            call(port, tls)
        assert sum(map(served, shims)) == 12


@pytest.mark.parametrize("make", [haproxy, nginx])
def test_a_client_that_left_finds_its_answer_when_it_calls_again(
    make: object, backend: Backend, tls: Tls, tmp_path: Path
) -> None:
    """The balancer gives its connection up with the client's: the shim knows by that who has no answer."""
    assert callable(make)
    message = add_client(f"left.{make.__name__}")
    adding = _adding(backend)
    idle_ones_go = {"listen.keepalive_timeout": 1}
    with running_shim(backend.url, tls, BEHIND | idle_ones_go) as shim:
        port = free_port()
        with running(make(tmp_path, [shim, shim], tls, port), port, tls):
            mark = shim.mark
            with backend.held("AddOrganization"), connected(port, tls.authority) as wire:
                wire.send(http_post(message))
                until(lambda: _adding(backend) > adding, "v3 is asked to add")
                wire.socket.close()
                until(lambda: not _is_connected(shim.http), "the balancer gives the connection up")
            shim.said("call", since=mark, operation="Client.AddClient", result="answer")
            with connected(port, tls.authority, timeout=PATIENCE) as again:
                answered(again.exchange(http_post(message)))
    assert _adding(backend) == adding + 1


def _adding(backend: Backend) -> int:
    """How often v3 was asked to add an organization."""
    return sum(b"AddOrganization" in each for each in backend.bodies)


def _is_connected(port: int) -> bool:
    """True if somebody has a connection to a port that neither side has closed."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(int(row[1].split(":")[1], 16) == port and row[3] == ESTABLISHED for row in rows)


def served(shim: Shim) -> int:
    return sum(each["event"] == "call" for each in shim.events)


GUESS = envelope(request("GetClientsRequest"), login=("acme", "guessed"))
CALLER = "127.0.0.2"
"""Not the address from which the balancers connect, which is a trusted one."""
FORWARDED = {
    haproxy: ("option forwardfor", 'http-request add-header Forwarded "for=%[src];proto=https"'),
    nginx: (
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        'proxy_set_header Forwarded "$http_forwarded, for=$remote_addr;proto=https";',
    ),
}


@pytest.mark.parametrize("header", ["x-forwarded", "forwarded"])
@pytest.mark.parametrize("make", [haproxy, nginx])
def test_a_guesser_who_writes_another_address_into_every_call_is_slowed_all_the_same(
    make: Callable[..., list[str]], header: str, backend: Backend, tls: Tls, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        settings = {**BEHIND, "listen.forwarded": header}
        shims = [stack.enter_context(running_shim(backend.url, tls, settings)) for _ in range(2)]
        port = free_port()
        command = make(tmp_path, shims, tls, port)
        if header == "forwarded":
            file = tmp_path / ("haproxy.cfg" if make is haproxy else "nginx.conf")
            old, new = FORWARDED[make]
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))
        stack.enter_context(running(command, port, tls))
        for number in range(18):
            guess(port, tls, f"198.51.100.{number}")
        calls = [each for shim in shims for each in shim.events if each["event"] == "call"]
        assert len(calls) == 18
        refused = Counter(each["reason"] for each in calls)
        assert set(refused) == {"login-refused", "login-throttled"}
        assert refused["login-refused"] <= 2 * 6, "each of the two checks six: five are free"


def guess(port: int, tls: Tls, address: str) -> None:
    """A call with a wrong password, which says that it came from another address."""
    forged = {"X-Forwarded-For": address, "Forwarded": f"for={address}"}
    context = ssl.create_default_context(cafile=str(tls.authority))
    where = http.client.HTTPSConnection(
        HOST, port, timeout=PATIENCE, source_address=(CALLER, 0), context=context
    )
    with closing(where) as wire:
        wire.request("POST", CLIENT, GUESS, forged)
        assert wire.getresponse().status == 500
