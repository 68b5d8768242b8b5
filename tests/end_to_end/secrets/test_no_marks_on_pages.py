"""Messages of both versions with marked values, well, badly, and in every kind of failure: no page that an
operator sees has a mark, no file to take away, no report, capture, replay or journal, and no log either.

Names of elements are no values: what a caller names an unknown element is shown, at most 64 characters of it.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from shim.cli.main import app
from shim.core.message import Element
from shim.core.schema.interface import Operation
from shim.core.serialise import MessageWriter
from shim.interfaces.load import new, old
from tests.end_to_end import sinks
from tests.end_to_end.meanings.test_linked_op import operation as packed_operation
from tests.end_to_end.messages import credentials, envelope
from tests.end_to_end.native import FORM, TOKEN, native
from tests.end_to_end.porting.test_rehearsal import recording
from tests.end_to_end.running import HOST, Backend, Shim, Tls, running_shim
from tests.end_to_end.secrets.test_no_marks_anywhere import LOGIN, PASSWORD, Marked, has_no_mark, messages
from tests.end_to_end.wire import post

USER, ADMIN_PASSWORD = "nora", "a-long-enough-one"
SMUGGLED = "Smuggled-" + "Long" * 40
"""A name that an unknown element has, which is longer than names are shown."""
FAILURES = {
    "EditOrganization": ("Client.EditClient", ("fault:999 zq-told", "garbage", "drop-after", "half", "late:1")),
    "GetOrganizations": ("Client.GetClients", ("fault:999 zq-told", "garbage", "drop", "half", "late:1")),
    "AddUser": ("Extension.AddExtension", ("fault:307 zq-told", "drop-after")),
    "SetUserPL": ("Extension.AddExtension", ("fault:520 zq-told",)),
}
"""By v3 operation: an old one that becomes it, and what goes wrong."""
SENT = "billing/1"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend()
    known = backend.world.apps["admin-key"]
    backend.world.apps["zq-v3-key"] = type(known)("zq-v3-key", "zq-v3-secret", known.account)
    yield backend
    backend.close()


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    integration = {
        "name": "by-password",
        "old": {"username": LOGIN, "password": PASSWORD},
        "new": {"app_key": "zq-v3-key", "app_secret": "zq-v3-secret"},
        "porting": {"Client.GetClientPL": "v3", "Client.SetClientPL": "locked"},
    }
    changes = {
        "integrations": [integration],
        "admin": {
            "port": 0,
            "users": [{"name": USER, "password_hash": PasswordHasher(1, 64, 1).hash(ADMIN_PASSWORD)}],
        },
        "log.level": "debug",
        "backend.call_timeout": 0.5,
        "backend.breaker": {"failures": 1000},  # the trouble made here hits single calls
        "deprecation.flush": 0.1,
        "deprecation.samples": 1000,
        "login.free_failures": 1000,
        "login.address_failures": 1000,
    }
    with running_shim(backend.url, tls, changes) as running:
        yield running


@dataclass(frozen=True)
class Told:
    """Where something was told, and what."""

    place: str
    text: str


@pytest.fixture(scope="module")
def capture(backend: Backend, shim: Shim, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of everything old that was sent; everything native was sent beside it."""
    file = tmp_path_factory.mktemp("marks") / "marked.capture"
    with recording(f"http://{HOST}:{shim.http}", file) as port:
        for operation in old().operations.values():
            path = old().services[operation.service].endpoint
            for message in messages(operation):
                _posted(port, path, message)
        _failures(backend, port)
        _badly(port)
    _natively(shim)
    sinks.until(lambda: sinks.metric(shim, "shim_deprecation_waiting_calls") == 0, "all is counted")
    return file


def _posted(port: int, path: str, body: bytes, kind: str = "text/xml") -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    headers = {"Content-Type": kind, "User-Agent": SENT, "SOAPAction": "zq-action", "Cookie": "a=zq"}
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _failures(backend: Backend, port: int) -> None:
    """What goes wrong behind the shim, with marks in what the backend says."""
    for name, (operation, actions) in FAILURES.items():
        asked = old().operations[operation]
        body = base64.b64encode(messages(asked)[0]).decode()
        for action in actions:
            backend.world.interfere(name, action)
            _posted(port, old().services[asked.service].endpoint, messages(asked)[0])
            backend.world.interfere(name, action)
            linked = f"<LinkedOpRequest>{packed_operation('zq', body)}</LinkedOpRequest>"
            _posted(port, "/soap2/globalop_agent.php", envelope(linked, credentials((LOGIN, PASSWORD))))


def _badly(port: int) -> None:
    """What goes wrong at the shim."""
    login = credentials((LOGIN, PASSWORD))
    add = old().operations["Client.AddClient"]
    _posted(port, "/soap2/client_agent.php", messages(add, "zq-wrong")[0])
    for body in (
        f"<GetClientsRequest><{SMUGGLED}>zq</{SMUGGLED}></GetClientsRequest>",
        f'<GetClientsRequest><filter {SMUGGLED}="zq">zq</filter>zq</GetClientsRequest>',
        '<GetClientsRequest xmlns="urn:zq"><a:naem xmlns:a="urn:zq">zq</a:naem></GetClientsRequest>',
        f"<{SMUGGLED}>zq</{SMUGGLED}>",
        "<AddUser><name>zq</name></AddUser>",
        "<EditClientRequest><ID>zq</ID></EditClientRequest>",
        "<LinkedOpRequest><operation><identifier>zq</identifier><package>zq!</package></operation></LinkedOpRequest>",
    ):
        _posted(port, "/soap2/client_agent.php", envelope(body, login))
    for broken in (
        b"<zq",
        b"zq",
        b'<!DOCTYPE zq [<!ENTITY zq "zq">]><a>&zq;</a>',
        envelope("<a/>", login)[:-20] + b"zq",
    ):
        _posted(port, "/soap2/client_agent.php", broken)
    _posted(port, "/soap2/client_agent.php", envelope("<GetClientsRequest/>", login), "text/zq; charset=zq")
    _posted(port, "/soap2/client_agent.php?zq=zq", envelope("<GetClientsRequest/>", login))


def _natively(shim: Shim) -> None:
    """Every v3 operation with marks, with a token of the app, and some with a token that nobody gave."""
    form = {"grant_type": "client_credentials", "client_id": "zq-v3-key", "client_secret": "zq-v3-secret"}
    token = json.loads(post(shim, urlencode(form).encode(), TOKEN, FORM).body)["access_token"]
    post(shim, urlencode({**form, "client_secret": "zq-wrong"}).encode(), TOKEN, FORM)
    for operation in new().operations.values():
        path = new().services[operation.service].endpoint
        post(shim, _native(operation, token), path)
    user = "/soap2/user_agent.php"
    post(shim, native("zq-token", "<GetUsers><filter>zq</filter></GetUsers>"), user)
    post(shim, native(token, f"<GetUsers><{SMUGGLED}>zq</{SMUGGLED}></GetUsers>"), user)
    post(shim, native(token, "<zq>zq</zq>"), user)
    post(shim, b"zq", user)


def _native(operation: Operation, token: str) -> bytes:
    writer = MessageWriter(new(), operation.input)
    body, _ = writer.write(Marked(random.Random(operation.full_name), 0.5).message(operation.input))
    login = Element("userCredentials", children=[Element("accessToken", token)])
    return writer.envelope(body, login)


_TOKEN = re.compile(r'name="token" value="[^"]*"')
"""The token of a form: random letters, among which a short mark stands by chance."""


def marked(told: Iterator[Told] | list[Told]) -> list[str]:
    """Where a mark stands, with its line."""
    found = []
    for each in told:
        assert each.text, each.place
        text = _TOKEN.sub("", each.text)
        found += [f"{each.place}: {line[:300]}" for line in text.splitlines() if not has_no_mark(line)]
    return found


# ---- the page ----


@pytest.fixture(scope="module")
def browser(shim: Shim, capture: Path) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{HOST}:{shim.admin}", follow_redirects=True, timeout=30) as client:
        page = client.get("/review/login").text
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert token
        said = client.post("/review/login", data={"token": token[1], "name": USER, "password": ADMIN_PASSWORD})
        assert "Log out" in said.text
        yield client


def pages(browser: httpx.Client) -> Iterator[Told]:
    """Every page and every file that links lead to; of findings one of each kind and operation's service."""
    waiting, seen = ["/review/", "/review/findings?show=any"], set()
    while waiting:
        path = waiting.pop()
        if path in seen or len(seen) > 2000:
            continue
        seen.add(path)
        answer = browser.get(path)
        assert answer.status_code == 200, path
        yield Told(path, answer.text)
        found = (
            re.findall(r'href="(/review/[^"#]*)"', answer.text)
            if "html" in answer.headers["Content-Type"]
            else []
        )
        waiting += [unescape(each) for each in found if not re.search("/(static|login)|/findings/[0-9]", each)]


def test_no_page_and_no_file_has_a_mark(browser: httpx.Client) -> None:
    told = list(pages(browser))
    assert {"/review/operations", "/review/brownouts", "/review/integrations/by-password"} <= {
        each.place for each in told
    }
    assert any(".csv" in each.place for each in told)
    assert any("letter.md" in each.place for each in told)
    assert not marked(told)


def test_no_page_of_a_finding_has_a_mark(browser: httpx.Client) -> None:
    """One of each kind and service; the samples of all are in one file."""
    rows = json.loads(browser.get("/review/export/findings.json?show=any").text)["findings"]
    codes = {each["row"]["code"] for each in rows}
    assert {"field-dropped", "unknown-element", "package-failed", "came-back", "operation-locked"} <= codes
    assert sum(each["sample"] is not None for each in rows) > len(rows) / 2
    chosen = {
        (each["row"]["code"], each["row"]["operation"].partition(".")[0]): each["row"]["id"] for each in rows
    }
    told = [
        Told(f"/review/findings/{id}", browser.get(f"/review/findings/{id}").text) for id in chosen.values()
    ]
    assert sum("YOUR" in each.text for each in told) > 5, "with code to copy"
    assert not marked(told)


def test_a_name_is_cut_wherever_it_is_shown(shim: Shim, browser: httpx.Client, capture: Path) -> None:
    path = "/review/findings?show=any&text=Smuggled"
    found = browser.get(path).text
    assert SMUGGLED[:64] in found
    files = ("findings.json", "findings.csv")
    places = [found, *(browser.get(f"/review/export/{name}?show=any").text for name in files)]
    for text in (*places, capture.read_text(), sinks.deprecation_rows(shim), sinks.metrics(shim), shim.log):
        assert SMUGGLED[:65] not in text


# ---- the command line ----


def command(shim: Shim, *args: str) -> Told:
    """What a command prints, whatever it ends with."""
    done = CliRunner(env={"COLUMNS": "300"}).invoke(app, [*args, "-c", str(shim.folder / "config.yaml")])
    assert done.exit_code in (0, 1), (args, done.output)
    return Told(" ".join(args), done.output)


def test_no_report_has_a_mark(shim: Shim, browser: httpx.Client) -> None:
    ids = [each["id"] for each in sinks.table(shim, "findings")]
    told = [
        command(shim, "report", *what, "--format", form)
        for what in (
            [],
            ["by-password"],
            ["(unknown)"],
            *(["--finding", str(id)] for id in ids[:: len(ids) // 6]),
        )
        for form in ("table", "json", "csv", "markdown")
    ]
    told += [
        command(shim, "report", "by-password", "--format", "markdown", "--code", code)
        for code in ("php", "curl")
    ]
    told += [command(shim, "porting", "show"), command(shim, "porting", "history", "--format", "json")]
    assert not marked(told)


def test_the_journal_shows_no_mark(shim: Shim, browser: httpx.Client) -> None:
    told = [command(shim, "journal", "list", "--all")]
    entries = [str(row["id"]) for row in sinks.table(shim, "journal_entries")]
    assert entries, "extensions were added"
    told += [command(shim, "journal", "show", each) for each in entries]
    assert not marked(told)


# ---- what stays on disk ----


def test_the_log_and_every_table_have_no_mark(shim: Shim, browser: httpx.Client) -> None:
    rows = sinks.table(shim, "usage")
    assert {row["operation"] for row in rows if row["side"] == "new"} >= set(new().operations)
    told = [
        Told("log", shim.log),
        Told("tables", sinks.deprecation_rows(shim)),
        Told("metrics", sinks.metrics(shim)),
    ]
    assert not marked(told)


def test_no_token_is_anywhere(backend: Backend, shim: Shim, browser: httpx.Client) -> None:
    everything = [shim.log, sinks.deprecation_rows(shim), sinks.metrics(shim), browser.get("/review/").text]
    assert backend.world.tokens
    for token in backend.world.tokens:
        assert not any(token in text for text in everything)


def test_a_capture_and_its_replay_have_no_mark(shim: Shim, capture: Path, browser: httpx.Client) -> None:
    text = capture.read_text()
    assert text.count("\n") > 2 * len(old().operations)
    logins = capture.with_name("logins.yaml")
    logins.write_text(f"{LOGIN}: {PASSWORD}\n")
    told = [Told("capture", text)]
    for form in ("table", "json"):
        against = ("--against", f"http://{HOST}:{shim.http}", "--logins-file", str(logins), "--format", form)
        done = CliRunner(env={"COLUMNS": "300"}).invoke(app, ["replay", str(capture), *against])
        assert done.exit_code in (0, 1), done.output
        assert "same" in done.output
        told.append(Told(f"replay as {form}", done.output))
    assert not marked(told)
