"""The nginx and HAProxy of deploy/ before two shims, as they stand there but for addresses and certificates."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.messages import GET_CLIENTS
from tests.end_to_end.running import HOST, PATIENCE, Backend, Shim, Tls, running_shim
from tests.end_to_end.wire import answered, connected, http_get, http_post

DEPLOY = Path(__file__).parents[2] / "deploy"
BEHIND = {"listen.trusted_proxies": ["127.0.0.1/32"], "listen.drain": 600}


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


def served(shim: Shim) -> int:
    return sum(each["event"] == "call" for each in shim.events)
