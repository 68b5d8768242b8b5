"""`shim capture` records 2.5 conversations without a value in them, `shim replay` plays their reads again."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import signal
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from shim.edge.store.database import Store
from tests.cli.programs import PROGRAM, Started, environment
from tests.end_to_end.messages import ACME, ADMIN, CLIENT, NORTHWIND, RESELLER, edit_client, envelope, request
from tests.end_to_end.running import HOST, Backend, Shim

EXTENSION = "/soap2/extension_agent.php"
LOGINS = "acme: acme-secret\nadmin: admin-secret\nnorthwind: northwind-secret\n"
ONE = "GetExtensionDetailsRequest"
READS = [
    (CLIENT, envelope(request("GetClientsRequest"), login=ACME)),
    (CLIENT, envelope(request("GetClientDetailsRequest", "<ID>20</ID>"), login=ACME)),
    (CLIENT, envelope(request("GetClientDetailsRequest", "<ID>9999</ID>"), login=ACME)),
    (RESELLER, envelope(request("GetResellersRequest"), login=ADMIN)),
    (EXTENSION, envelope(f"<{ONE}><ID>30</ID></{ONE}>", login=NORTHWIND)),
    (EXTENSION, envelope("<GetExtensionsRequest/>", login=NORTHWIND)),
]  # fmt: skip
WRITE = (CLIENT, edit_client(20, "<company>Northwind Traders</company>"))


@contextmanager
def recording(to: str, file: Path) -> Iterator[int]:
    """A recorder in front of a server, on a free port."""
    recorder = Started("capture", str(file), "--to", to, "--port", "0", until="recording at")
    try:
        yield int(recorder.find(r":([0-9]+), answers"))
    finally:
        code, _ = recorder.end(signal.SIGINT)
    assert code == 0


def posted(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    try:
        connection.request("POST", path, body, {"Content-Type": "text/xml"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def replayed(file: Path, against: str, *more: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, what it printed as JSON, stderr)."""
    logins = file.with_name("logins.yaml")
    logins.write_text(LOGINS)
    command = ["replay", str(file), "--against", against, "--logins-file", str(logins), "--format", "json"]
    done = subprocess.run(
        [*PROGRAM, *command, *more],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


@pytest.fixture(scope="module")
def capture(shim: Shim, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of all reads and one write, by way of the shim as if it were the old server."""
    file = tmp_path_factory.mktemp("captured") / "day.capture"
    with recording(f"http://{HOST}:{shim.http}", file) as port:
        for path, body in [*READS, WRITE]:
            straight = posted(shim.http, path, body)
            status, passed = posted(port, path, body)
            assert status == straight[0]
            assert _without_reference(passed) == _without_reference(straight[1])
    return file


def _without_reference(body: bytes) -> bytes:
    return re.sub(rb"[0-9a-f]{16}", b"", body)


def test_a_capture_has_shapes_and_no_value(capture: Path) -> None:
    text = capture.read_text()
    head, *lines = [json.loads(line) for line in text.splitlines()]
    assert head["format"] == "systemapi-capture-1"
    assert [each["operation"] for each in lines[:3]] == [
        "Client.GetClients", "Client.GetClientDetails", "Client.GetClientDetails"
    ]  # fmt: skip
    assert lines[2]["fault"] == "100"
    beside_digests = re.sub(r'"#?[0-9a-f]{24}"', '""', text)
    assert beside_digests.count('""') > len(lines), "the digests, which may hold the digits of any value"
    for value in ("acme", "Northwind", "northwind", "secret", "0020*001", "example", "Traders", "9999"):
        assert value not in beside_digests, value
    details = {child[0]: child[1] for child in lines[1]["answer"][3]}
    assert details["status"] == "true", "the interface's own words stay"
    assert details["company"].startswith("#")
    for file in (capture, capture.with_name("day.capture.key")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_replay_against_the_same_server_differs_in_nothing(
    backend: Backend, shim: Shim, capture: Path
) -> None:
    with backend.watched() as calls:
        code, told, messages = replayed(capture, f"http://{HOST}:{shim.http}")
    assert (code, told["differences"]) == (0, []), messages
    assert told["totals"] == {"same": 5, "unknown-value": 1, "write": 1}, "9999 is in no answer"
    [write] = told["writes"]
    assert write == {
        "operation": "Client.EditClient",
        "count": 1,
        "calls": ["Organization.EditOrganization"],
        "findings": [],
    }
    assert not [each for each in calls if "Edit" in each.operation], "writes are planned, never sent"


def test_values_that_no_answer_tells_can_be_given(shim: Shim, capture: Path, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("9999\n")
    code, told, _ = replayed(capture, f"http://{HOST}:{shim.http}", "--values", str(tmp_path / "ids"))
    assert (code, told["totals"]) == (0, {"same": 6, "write": 1})


def test_what_changed_since_is_a_difference_with_its_path(backend: Backend, shim: Shim, capture: Path) -> None:
    organization = backend.world.accounts[20]
    before = dict(organization.profile)
    organization.profile["company"] = "Somebody else"
    try:
        code, told, _ = replayed(capture, f"http://{HOST}:{shim.http}")
    finally:
        organization.profile = before
    assert code == 1
    assert told["differences"] == [
        {"operation": "Client.GetClientDetails", "path": "company", "kind": "differs", "conversations": 1}
    ]
    assert "Somebody" not in json.dumps(told)


async def _make_store(url: str) -> None:
    """As `shim serve` does at its first start: who only reads or records makes none."""
    await (await Store.open(url)).close()


def test_what_differs_is_recorded_where_findings_are(
    backend: Backend, shim: Shim, capture: Path, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/log.db"
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**shim.settings, "store": {"url": store}}))
    asyncio.run(_make_store(store))
    organization = backend.world.accounts[20]
    before = dict(organization.profile)
    organization.profile["company"] = "Somebody else"
    try:
        code, _, messages = replayed(capture, f"http://{HOST}:{shim.http}", "--config", str(config))
    finally:
        organization.profile = before
    assert code == 1, messages
    with closing(sqlite3.connect(tmp_path / "log.db")) as database:
        rows = database.execute("SELECT integration, operation, code, path, count FROM findings").fetchall()
    assert rows == [("acme", "Client.GetClientDetails", "answer-differs", "company", 1)]


def test_another_key_and_another_file_are_refused(shim: Shim, capture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text("00" * 32)
    code, _, messages = replayed(capture, f"http://{HOST}:{shim.http}", "--key-file", str(other))
    assert (code, "another key" in messages) == (2, True)
    code, _, messages = replayed(tmp_path / "logins.yaml", "http://127.0.0.1:1", "--key-file", str(other))
    assert (code, "no capture" in messages) == (2, True)


def test_a_file_that_exists_is_not_overwritten(shim: Shim, capture: Path) -> None:
    command = ["capture", str(capture), "--to", f"http://{HOST}:{shim.http}", "--port", "0"]
    done = subprocess.run(
        [*PROGRAM, *command], capture_output=True, text=True, env=environment(), timeout=60, check=False
    )
    assert (done.returncode, "cannot be made" in done.stderr) == (2, True)


def test_an_old_server_that_is_away_is_told_to_the_client(tmp_path: Path) -> None:
    with recording("http://127.0.0.1:9", tmp_path / "none.capture") as port:
        status, body = posted(port, CLIENT, READS[0][1])
    assert (status, b"cannot be reached" in body) == (502, True)


def test_an_unreachable_server_ends_the_replay_with_its_own_code(capture: Path) -> None:
    code, _, messages = replayed(capture, "http://127.0.0.1:9")
    assert (code, "cannot be called" in messages) == (3, True)
