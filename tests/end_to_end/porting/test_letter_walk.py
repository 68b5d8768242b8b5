"""From the letter alone: two operations are ported in PHP and in Python, on the shim's own host, over TLS.

The program still makes its 2.5 calls, the letter is printed from what the deprecation log then has, and its
helper and its programs are run as they stand in it, with nothing but the values filled in that they ask for.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from shim.cli.main import app
from shim.emulator.world.world import EmulatedAccount
from tests.end_to_end.messages import envelope
from tests.end_to_end.real_clients.test_real_clients import needed_php
from tests.end_to_end.running import Backend, Shim, Tls
from tests.end_to_end.wire import answered, post

CLIENTS = "/soap2/client_agent.php"
COMPANY = "Müller &amp; Söhne"


@dataclass(frozen=True)
class Walker:
    """An integration that a program in a language uses, and how a file in it is run."""

    login: str
    agent: str
    fence: str
    helper: str
    command: tuple[str, ...]


PHP = Walker("acme", "PHP-SOAP/8.2.20", "php", "v3.php", ("php", "-d", "openssl.cafile={ca}"))
PYTHON = Walker(
    "fabrikam", "Zeep/4.3.1 (www.python-zeep.org)", "python", "v3.py", (sys.executable, "-W", "error")
)


def old_call(shim: Shim, by: Walker, operation: str, fields: str) -> str:
    """A 2.5 call of the program as it is; the ID in its answer."""
    login = (by.login, f"{by.login}-secret")
    message = envelope(f"<{operation}Request>{fields}</{operation}Request>", login=login)
    return answered(post(shim, message, CLIENTS, f"User-Agent: {by.agent}")).get("ID") or ""


def profile(login: str) -> str:
    return (
        f"<name>Jo</name><company>{COMPANY}</company><login>{login}</login><password>Pass-2025</password>"
        "<country>us</country><industry>4</industry>"
    )


def limits(client: str) -> str:
    return f"<phoneExtMax>7</phoneExtMax><queueExtMax unlimited='false'>3</queueExtMax><ID>{client}</ID>"


def letter(shim: Shim, by: Walker, folder: Path) -> str:
    """The letter as `shim report` prints it, once both operations are in the deprecation log."""
    settings = yaml.safe_load((shim.folder / "config.yaml").read_text("utf-8"))
    settings["listen"]["public_url"] = f"https://localhost:{shim.https}"
    file = folder / "config.yaml"
    file.touch(0o600)
    file.write_text(yaml.safe_dump(settings), "utf-8")
    for _ in range(1_000):  # counts are written a moment after the call
        done = CliRunner().invoke(app, ["report", by.login, "-c", str(file), "--format", "markdown"])
        assert done.exit_code == 0, done.output
        if all(f"### {number}. Client." in done.stdout for number in (1, 2)):
            return done.stdout
        time.sleep(0.1)
    raise AssertionError(done.stdout)


def code_of(text: str, fence: str) -> list[str]:
    """The blocks of code in a language, in their order."""
    return re.findall(rf"^```{fence}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def program_of(text: str, operation: str, fence: str) -> str:
    """The last program in the section of an operation of 2.5: the one of the call that it becomes."""
    [section] = [
        each for each in re.split(r"^### ", text, flags=re.MULTILINE) if f". {operation} " in each[:80]
    ]
    return code_of(section, fence)[-1]


def filled(code: str, values: dict[str, str]) -> str:
    """The code with what begins with YOUR put in; each value has to be asked for, and no other."""
    asked = set(re.findall(r"YOUR ([\w ]+?)['\"]", code))
    assert asked == set(values), code
    for name, value in values.items():
        code = code.replace(f"YOUR {name}'", f"{value}'").replace(f'YOUR {name}"', f'{value}"')
    return code


def run(by: Walker, folder: Path, name: str, code: str, tls: Tls) -> str:
    """What a program prints; it may complain of nothing."""
    (folder / name).write_text(code, "utf-8")
    command = [part.format(ca=tls.authority) for part in by.command]
    environment = {**os.environ, "REQUESTS_CA_BUNDLE": str(tls.authority)}
    done = subprocess.run(
        [*command, name], cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


def account(backend: Backend, login: str) -> EmulatedAccount:
    found = backend.world.by_login(login)
    assert found is not None
    return found


@pytest.mark.parametrize("by", [pytest.param(PHP, marks=pytest.mark.clients), PYTHON], ids=lambda by: by.fence)
def test_two_operations_are_ported_from_the_letter_alone(
    shim: Shim, backend: Backend, tls: Tls, tmp_path: Path, by: Walker
) -> None:
    if by is PHP:
        needed_php()
    old = old_call(shim, by, "AddClient", profile(f"{by.fence}-old"))
    assert old_call(shim, by, "SetClientPL", limits(old)) == old
    text = letter(shim, by, tmp_path)
    assert f"`https://localhost:{shim.https}`" in text
    assert "- user name and password: 2 calls, the last on " in text

    helper = next(code for code in code_of(text, by.fence) if "YOUR app key" in code)
    app_login = {"app key": f"{by.login}-key", "app secret": f"{by.login}-app-secret"}
    (tmp_path / by.helper).write_text(filled(helper, app_login), "utf-8")

    login = f"{by.fence}-new"
    add = program_of(text, "Client.AddClient", by.fence)
    values = {"name": "Jo", "company": "Müller & Söhne", "login": login}
    values |= {"password": "Pass-2025", "country": "us"}
    suffix = by.helper.partition(".")[2]
    told = run(by, tmp_path, f"add.{suffix}", filled(add, values), tls)
    new = account(backend, login)
    assert str(new.id) in told
    own = ("login", "password")
    profiles = [
        {name: value for name, value in account(backend, each).profile.items() if name not in own}
        for each in (f"{by.fence}-old", login)
    ]
    assert profiles[0] == profiles[1]

    allow = program_of(text, "Client.SetClientPL", by.fence)
    assert "`userMax`" in text, "what v3 has besides is told"
    given = {"phoneExtMax": "7", "queueExtMax": "3", "userMax": "0", "ID": str(new.id)}
    told = run(by, tmp_path, f"allow.{suffix}", filled(allow, given), tls)
    assert str(new.id) in told
    assert new.limits == account(backend, f"{by.fence}-old").limits
