"""Another program locks the store under load: no call fails, no call and no finding is lost.

The review page is read meanwhile, and so is the porting ladder; who changes something there hears that the
store is busy.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from shim.cli.main import app
from shim.review.page.desk import PATIENCE
from tests.end_to_end import sinks
from tests.end_to_end.messages import ACME, CLIENT, edit_client, envelope, request
from tests.end_to_end.running import HOST, Backend, Shim, Tls, running_shim
from tests.end_to_end.wire import connected, http_post

EXTENSION = "/soap2/extension_agent.php"
EXTENSIONS = envelope("<GetExtensionsRequest/>", login=ACME)
CALLS = [
    (CLIENT, envelope(request("GetClientsRequest", "<naem>x</naem>"))),
    (CLIENT, envelope(request("GetClientDetailsRequest", "<ID>20</ID><naem>x</naem><surplus>y</surplus>"))),
    (EXTENSION, EXTENSIONS),
]
"""(endpoint, message)"""
LOADERS = 4
USER, PASSWORD = "nora", "a-long-enough-one"
PAGES = ("", "integrations/acme", "findings", "operations", "brownouts", "export/findings.json")
PREPARED = {
    ("Client.GetClients", "unknown-element", "naem"): 1,
    ("Client.GetClientDetails", "unknown-element", "naem"): 1,
    ("Client.GetClientDetails", "unknown-element", "surplus"): 1,
}
"""Findings of the process before."""


class Load:
    """Callers side by side, each with a pause after each call, until told to end."""

    def __init__(self, shim: Shim, pause: float) -> None:
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self._shim = shim
        self._pause = pause
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(number,)) for number in range(LOADERS)]

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def end(self) -> None:
        self._end.set()
        for each in self._threads:
            each.join(60)
            assert not each.is_alive()

    def _call(self, number: int) -> None:
        while not self._end.is_set():
            path, message = CALLS[number % len(CALLS)]
            self.send(path, message)
            number += 1
            time.sleep(self._pause)

    def send(self, path: str, message: bytes) -> None:
        began = time.perf_counter()
        with connected(self._shim.http, timeout=60) as wire:
            self.statuses[wire.exchange(http_post(message, path)).status] += 1
        self.slowest = max(self.slowest, time.perf_counter() - began)


class Reader:
    """Somebody who reads the review page, and tries to change something there."""

    def __init__(self, shim: Shim) -> None:
        self.statuses: Counter[int] = Counter()
        self.refused: list[str] = []
        self._client = httpx.Client(base_url=f"http://{HOST}:{shim.admin}", follow_redirects=True, timeout=60)
        self._send("/review/login", self._client.get("/review/login").text, name=USER, password=PASSWORD)
        self._end = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._read, self._change)]

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def end(self) -> None:
        self._end.set()
        for each in self._threads:
            each.join(60)
            assert not each.is_alive()
        self._client.close()

    def _read(self) -> None:
        while not self._end.is_set():
            for path in PAGES:
                answer = self._client.get(f"/review/{path}")
                self.statuses[answer.status_code] += 1
                assert "Traceback" not in answer.text
            time.sleep(0.2)

    def _change(self) -> None:
        page = self._client.get("/review/integrations/acme").text
        while not self._end.is_set():
            text = self._send("/review/integrations/acme/ladder", page, operation="*", rung="compare")
            if "The store is busy" in text:
                self.refused.append(text)
            time.sleep(0.2)

    def _send(self, path: str, page: str, **fields: str) -> str:
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert token
        return self._client.post(path, data={"token": token[1], **fields}).text


@pytest.mark.parametrize(
    ("seconds", "pause"), [(2, 0.02), pytest.param(30, 0.05, marks=pytest.mark.slow)], ids=["short", "long"]
)
def test_a_locked_store_costs_no_call_and_no_finding(
    backend: Backend, tls: Tls, tmp_path: Path, seconds: float, pause: float
) -> None:
    changes = {
        "store.url": f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}",
        "deprecation.flush": 0.2,
        "deprecation.patience": 0.5,
        "admin.users": [{"name": USER, "password_hash": PasswordHasher(1, 64, 1).hash(PASSWORD)}],
    }
    with running_shim(backend.url, tls, changes) as before:  # the identity map is filled, as it is in real life
        for path, message in CALLS:
            Load(before, 0).send(path, message)
    with running_shim(backend.url, tls, changes) as shim:
        _loaded(shim, seconds, pause)


def _loaded(shim: Shim, seconds: float, pause: float) -> None:
    sinks.until(lambda: sinks.spool(shim) == "", "what the process before spooled at its end is taken in")
    before = sinks.calls(shim)
    load, reader = Load(shim, pause), Reader(shim)
    writer = threading.Thread(target=load.send, args=(CLIENT, edit_client(20, "<industry>4</industry>")))
    with sinks.locked(shim):
        load.start()
        writer.start()
        reader.start()
        time.sleep(seconds)
        during = load.statuses.total()
        assert sinks.metric(shim, "shim_store_down") == 1
    writer.join(60)
    load.end()
    reader.end()
    assert set(reader.statuses) == {200}, reader.statuses
    assert bool(reader.refused) == (seconds > PATIENCE), "who waits longer than that is told"
    assert not [each for each in reader.refused if "<h1>This cannot be shown now</h1>" not in each]
    command = ["porting", "show", "acme", "-c", str(shim.folder / "config.yaml")]
    assert "compare" in CliRunner().invoke(app, command).stdout
    assert not [each for each in shim.events if each["event"].startswith("porting not reread")]
    reading = sum(reader.statuses.values())
    assert set(load.statuses) == {200}, load.statuses
    assert during > LOADERS, "reads went on while the store was locked"
    total = load.statuses.total()
    sinks.until(lambda: sinks.calls(shim) == before + total, "every call counts once")
    logged: Counter[tuple[str, str, str]] = Counter(PREPARED)
    for event in shim.events:
        if event["event"] == "finding":
            logged[event["operation"], event["code"], event["path"]] += event["count"]
    written = {
        (row["operation"], row["code"], row["path"]): row["count"] for row in sinks.table(shim, "findings")
    }
    assert written == dict(logged)
    assert written["Client.GetClients", "unknown-element", "naem"] > 0
    sinks.until(lambda: sinks.metric(shim, "shim_deprecation_spool_bytes") == 0, "the spool is taken in")
    print(f"{total} calls, {during} while locked, slowest {load.slowest:.1f} s")
    print(f"{reading} pages, {len(reader.refused)} changes refused")


def test_what_is_spooled_survives_a_kill_and_counts_once(backend: Backend, tls: Tls, tmp_path: Path) -> None:
    changes = {
        "store.url": f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}",
        "deprecation.flush": 0.1,
        "deprecation.keep_out": {"agents": ["check*"]},
    }
    with running_shim(backend.url, tls, changes) as shim:
        with sinks.locked(shim):
            for _ in range(5):
                Load(shim, 0).send(*CALLS[0])
            waiting = "shim_deprecation_waiting_calls"
            sinks.until(lambda: sinks.metric(shim, waiting) == 0, "what the store does not take is spooled")
            assert sinks.metric(shim, "shim_deprecation_spool_bytes") > 0
            shim.process.kill()
            shim.wait()
        assert sinks.calls(shim) == 0
    with running_shim(backend.url, tls, changes) as again:
        with connected(again.http) as wire:
            wire.exchange(http_post(CALLS[0][1], CLIENT, "User-Agent: check/1"))
        sinks.until(lambda: sinks.calls(again) == 5, "what was spooled follows")
        labels = 'integration="acme",operation="Client.GetClients",result="kept-out"'
        assert sinks.metric(again, f"shim_calls_total{{{labels}}}") == 1
        sinks.until(lambda: sinks.spool(again) == "", "the file goes when its batches are in the store")
    assert sinks.calls(again) == 5
    [row] = sinks.table(again, "findings")
    assert (row["code"], row["count"]) == ("unknown-element", 5)
