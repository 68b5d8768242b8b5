"""Commands that stay up: what they print, how they end, and what they say when they cannot start."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.cli.programs import Run, Started

Invoke = Callable[..., Result]
Start = Callable[..., Started]
ConfigFile = Callable[..., Path]
FREE = ("--port", "0", "--tls-port", "0", "--admin-port", "0", "--backend-port", "0")
CALL = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header><userCredentials>'
    "<username>{login}</username><password>{login}-secret</password></userCredentials></e:Header>"
    "<e:Body><GetClientsRequest/></e:Body></e:Envelope>"
)


def fetch(url: str, body: str | None = None, trust: str | None = None) -> str:
    context = ssl.create_default_context(cafile=trust) if trust else None
    with urllib.request.urlopen(url, body.encode() if body else None, timeout=20, context=context) as answer:
        return str(answer.read().decode())


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_demo_serves_until_a_signal_and_ends_clean(
    start: Start, tmp_path: Path, number: int, code: int
) -> None:
    demo = start("demo", *FREE, "--tls-dir", str(tmp_path / "tls"), until="nw005")
    base, tls = demo.find(r"WSDL +(http://[^/]+)"), demo.find(r"(https://[^/\s]+)")
    certificate = demo.find(r"trust: (\S+)")
    assert "definitions" in fetch(demo.find(r"WSDL +(\S+)"))
    assert "ready" in fetch(demo.find(r"admin +(http://\S+)"))
    assert "<h1>Log in</h1>" in fetch(demo.find(r"review +(http://\S+)"))
    for url, trust in ((base, None), (tls, certificate), (tls.replace("127.0.0.1", "localhost"), certificate)):
        answer = fetch(f"{url}/soap2/client_agent.php", CALL.format(login="acme"), trust)
        assert "northwind" in answer
    ended, messages = demo.end(number)
    assert ended == code
    assert "Traceback" not in messages
    assert certificate == str(tmp_path / "tls" / "cert.pem")


@pytest.mark.slow
def test_demo_once_works(shim: Run) -> None:
    done = shim("demo", "--once")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    found = re.search(r"(\d+) of (\d+) old calls worked", done.stdout)
    assert found
    assert found[1] == found[2]
    assert int(found[1]) > 40
    for told in (
        "acme: Client.AddClient {login=tour-client-a",
        "v3 call  Organization.AddOrganization {",
        "finding  warning: field-kept industry",
        "admin: Client.MoveClients",
        "admin: Reseller.UpdateResellerPL",
        "(has to be refused with code 100)",
    ):
        assert told in done.stdout
    assert "Tour-pass" not in done.stdout
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert set(events) <= {"login refused"}  # of the call that the tour makes with a wrong password


def test_demo_names_ports_that_are_taken_and_their_flags(invoke: Invoke) -> None:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
            each.listen()
        ports = (str(one.getsockname()[1]), str(other.getsockname()[1]))
        done = invoke("demo", *FREE, "--tls-port", ports[0], "--backend-port", ports[1])
    assert done.exit_code == 2
    assert (
        f"127.0.0.1:{ports[0]} cannot be had (address already in use). Give another --tls-port" in done.stderr
    )
    assert (
        f"127.0.0.1:{ports[1]} cannot be had (address already in use). Give another --backend-port"
        in done.stderr
    )
    assert done.stdout == ""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_emulate_gives_tokens_until_a_signal(start: Start, number: int, code: int) -> None:
    emulator = start("emulate", "--port", "0", "--latency-ms", "1", until="nw005")
    url = emulator.find(r"emulated: (\S+)")
    form = "grant_type=client_credentials&client_id=acme-key&client_secret=acme-app-secret"
    assert "access_token" in fetch(f"{url}/oauth/token.php", form)
    assert "Ctrl-C ends it." in emulator.end(number)[1]
    assert emulator.process.returncode == code


def test_emulate_tells_what_is_wrong_with_a_seed(invoke: Invoke, tmp_path: Path) -> None:
    seed = tmp_path / "seed.yaml"
    seed.write_text("accounts: 7\n")
    done = invoke("emulate", "--port", "0", "--seed", str(seed))
    assert done.exit_code == 2
    assert "seed.yaml: accounts" in done.stderr


@pytest.mark.slow
def test_serve_rereads_on_sighup_and_ends_with_130_on_ctrl_c(
    start: Start, config: ConfigFile, backend: str, tmp_path: Path
) -> None:
    file = config(backend=backend)
    with socket.socket() as free, socket.socket() as also_free:
        for each in (free, also_free):
            each.bind(("127.0.0.1", 0))
        port, admin = (str(each.getsockname()[1]) for each in (free, also_free))
    server = Serving(
        start, "serve", "-c", str(file), "--port", port, "--admin-port", admin, "--log-format", "json"
    )
    url = f"http://127.0.0.1:{port}/soap2/client_agent.php"
    assert "northwind" in server.until(lambda: fetch(url, CALL.format(login="acme")))
    with pytest.raises(urllib.error.HTTPError):
        fetch(url, CALL.format(login="fabrikam"))
    with pytest.raises(urllib.error.HTTPError) as closed:
        fetch(f"http://127.0.0.1:{admin}/review/")
    assert "shim admin password" in closed.value.read().decode()
    closed.value.close()
    (tmp_path / "integrations.yaml").write_text(
        "- name: fabrikam\n  old: {username: fabrikam, password: fabrikam-secret}\n"
        "  new: {app_key: fabrikam-key, app_secret: fabrikam-app-secret}\n"
    )
    server.started.process.send_signal(signal.SIGHUP)
    assert "GetClientsResponse" in server.until(lambda: fetch(url, CALL.format(login="fabrikam")))
    code, messages = server.started.end(signal.SIGINT)
    assert code == 130
    assert "configuration reread" in messages
    assert "Traceback" not in messages


class Serving:
    """`shim serve` says nothing on stdout, so it is asked until it answers."""

    def __init__(self, start: Start, *args: str) -> None:
        self.started = start(*args, until="")

    def until(self, ask: Callable[[], str]) -> str:
        for _ in range(600):
            try:
                return ask()
            except OSError:
                time.sleep(0.1)
        raise AssertionError("it never answered")


def test_serve_tells_every_problem_and_ends_with_2(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "shim.yaml"
    file.write_text("listen: {prot: 1}\n")
    done = invoke("serve", "--config", str(file))
    assert done.exit_code == 2
    assert "listen.prot" in done.stderr
    assert "backend" in done.stderr
    assert done.stdout == ""


def test_serve_takes_flags_over_environment_over_file(
    invoke: Invoke, config: ConfigFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen through problems: the place that is told is the one that counts."""
    file = str(config("limits: {depth: 0}\n"))
    monkeypatch.setenv("SHIM_LISTEN__PORT", "70000")
    told = invoke("serve", "-c", file).stderr
    assert "environment variable SHIM_LISTEN__PORT: listen.port" in told
    assert re.search(r"shim\.yaml\b.*: limits\.depth", told)
    assert "command line: listen.port" in invoke("serve", "-c", file, "--port", "70001").stderr


_ENDLESS = """
import asyncio
from shim.cli.common import running
from shim.cli.common.console import ExitCode

async def endless():
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def main():
    asyncio.get_running_loop().left = asyncio.create_task(endless())
    await asyncio.sleep(0)
    return ExitCode.FINDINGS

running.LEFT_BEHIND = 0.1
running.run(main())
"""


def test_a_task_that_does_not_end_does_not_keep_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ENDLESS], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "did not wait for tasks that do not end" in done.stderr
