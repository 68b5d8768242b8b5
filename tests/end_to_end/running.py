"""What the tests run against: an emulated backend in a thread, and `shim serve` in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import trustme
import yaml
from aiohttp import web
from aiohttp.typedefs import Handler

from shim.cli.common.listening import listening
from shim.cli.demo.world import LOGINS
from shim.emulator.app import Options, application
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import SeenRequest, World
from tests.end_to_end import serving

HOST = "127.0.0.1"
PATIENCE = 60.0
"""How long a test waits for what has to come, seconds: only a defect makes it wait so long."""

Integration = dict[str, Any]
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came to the backend over HTTP and what it answered, as bytes."""

    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    status: int
    answer: bytes = field(repr=False)


class Backend:
    """The emulator on a free port, in a thread with an event loop of its own."""

    def __init__(self, options: Options | None = None) -> None:
        self.world: World = load_seed()
        self.url = ""
        self.hits: list[str] = []
        """The path of every HTTP request that arrived."""
        self.bodies: list[bytes] = []
        """What came with them."""
        self.exchanges: list[Exchange] = []
        """All of what arrived and was answered in one piece."""
        self._held = b""
        self._free = threading.Event()
        self._free.set()
        self._options = options or Options()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="emulator", daemon=True)
        self._thread.start()
        assert self._up.wait(PATIENCE), "the emulator did not start"

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        app = self.application()
        app.middlewares.append(self._hit)
        async with listening(app, HOST, 0) as url:
            self.url = url
            self._up.set()
            await self._end.wait()

    @web.middleware
    async def _hit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body = await request.read()
        self.hits.append(request.path)
        self.bodies.append(body)
        while self._held in body and not self._free.is_set():  # noqa: ASYNC110  # it is another thread's
            await asyncio.sleep(0.005)
        response = await handler(request)
        if isinstance(response, web.Response) and isinstance(response.body, bytes):
            answer = response.status, response.body
            self.exchanges.append(Exchange(request.path_qs, dict(request.headers), body, *answer))
        return response

    def application(self) -> web.Application:
        return application(self.world, self._options)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive(), "the emulator did not stop"

    @property
    def calls(self) -> list[SeenRequest]:
        return list(self.world.calls)

    @contextmanager
    def held(self, operation: str) -> Iterator[threading.Event]:
        """Calls of an operation wait until the event is set, or the block ends; `hits` has them already."""
        self._held = operation.encode()
        self._free.clear()
        try:
            yield self._free
        finally:
            self._free.set()

    @contextmanager
    def watched(self) -> Iterator[list[SeenRequest]]:
        """The calls that arrive within the block, known at its end."""
        before = len(self.world.calls)
        arrived: list[SeenRequest] = []
        yield arrived
        arrived += self.calls[before:]


@dataclass(frozen=True, slots=True)
class Tls:
    """The server's certificate and key, the authority that clients trust, and its key. PEM files."""

    certificate: Path
    key: Path
    authority: Path
    authority_key: Path


def make_tls(folder: Path) -> Tls:
    authority = trustme.CA(key_type=trustme.KeyType.RSA)
    issued = authority.issue_cert(HOST, "localhost", key_type=trustme.KeyType.RSA)
    files = Tls(*(folder / f"{name}.pem" for name in ("cert", "key", "authority", "authority-key")))
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(str(files.certificate), append=number > 0)
    issued.private_key_pem.write_to_path(str(files.key))
    files.key.chmod(0o600)
    authority.cert_pem.write_to_path(str(files.authority))
    authority.private_key_pem.write_to_path(str(files.authority_key))
    return files


def integration(login: str, password: str, **new: str) -> Integration:
    """An integration of the configuration; by default its app is that of the account in the demo world."""
    app = {"app_key": f"{login}-key", "app_secret": f"{login}-app-secret", **new}
    return {"name": login, "old": {"username": login, "password": password}, "new": app}


def demo_integrations() -> list[Integration]:
    return [integration(each.login, each.password) for each in LOGINS]


@dataclass
class Shim:
    """A running `shim serve`. `http`, `https` and `admin` are ports.

    Its log is a file: what is logged before a response is sent can be read once the response is there.
    """

    process: BaseProcess
    folder: Path
    settings: dict[str, Any] = field(repr=False)
    tls: Tls = field(repr=False)
    http: int = 0
    https: int = 0
    admin: int = 0

    # the log

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    @property
    def events(self) -> list[Event]:
        """The log's events so far, oldest first."""
        whole, _, _ = self.log.rpartition("\n")
        return [json.loads(line) for line in whole.split("\n") if line.startswith("{")]

    def wait_for(self, wanted: Callable[[Event], bool], since: int = 0) -> Event:
        """The first event, from index `since` on, that is wanted; waits for it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            over = not self.process.is_alive() or time.monotonic() > deadline
            for event in self.events[since:]:
                if wanted(event):
                    return event
            if over:
                raise AssertionError(f"no such event in the log:\n{self.log}")
            time.sleep(0.01)

    def said(self, event: str, /, since: int = 0, **facts: Any) -> Event:
        """The first event of that name with those facts; waits for it."""
        expected = {"event": event, **facts}
        return self.wait_for(lambda each: expected.items() <= each.items(), since)

    @property
    def mark(self) -> int:
        """How long the log is now, for `since`."""
        return len(self.events)

    def found(self, since: int) -> set[tuple[str, str]]:
        """Code and path of every finding of the first call that ended after the mark."""
        reference = self.said("call", since=since)["reference"]
        findings = (each for each in self.events[since:] if each["event"] == "finding")
        return {(each["code"], each["path"]) for each in findings if each["reference"] == reference}

    # the process

    def configure(self, **changes: Any) -> None:
        """Rewrite the configuration file; the process does not know yet."""
        self.settings = {**self.settings, **changes}
        self.write(yaml.safe_dump(self.settings))

    def write(self, configuration: str) -> None:
        """Replace the configuration file by this text."""
        (self.folder / "config.yaml").write_text(configuration)

    def signal(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, number)

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """The exit code, once it has ended; None if it goes on."""
        self.process.join(seconds)
        return self.process.exitcode

    def close(self) -> None:
        if self.process.is_alive():
            self.signal(signal.SIGINT)
        if self.wait() is None:
            self.process.kill()
            self.wait()
        self.process.close()


_RUNNING: list[Shim] = []


def logged_reason(reference: str) -> str:
    """Why a call ended by a fault, from the log of whichever shim answered it with that reference."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for shim in _RUNNING:
            for event in shim.events:
                if event.get("reference") == reference and event["event"] in ("call", "native call"):
                    return str(event["reason"])
        time.sleep(0.01)
    raise AssertionError(f"no shim has the reference {reference} in its log")


StartShim = Callable[..., Shim]
"""Starts a shim for the length of a test; takes changes to its configuration and the backend's URL."""


def settings_for(backend_url: str, tls: Tls, folder: Path, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration on free ports with the logins of the demo world. `changes` have dotted keys."""
    settings: dict[str, Any] = {
        "listen": {
            "port": 0,
            "workers": 1,
            "tls_port": 0,
            "tls_cert": str(tls.certificate),
            "tls_key": str(tls.key),
        },
        "admin": {"port": 0},
        "backend": {"url": backend_url, "health": {"every": 5, "timeout": 3}},
        "store": {"url": f"sqlite+aiosqlite:///{folder / 'shim.db'}"},
        "log": {"format": "json"},
        "integrations": demo_integrations(),
    }
    for key, value in changes.items():
        section, _, name = key.partition(".")
        if name:
            settings.setdefault(section, {})[name] = value
        else:
            settings[section] = value
    return settings


@contextmanager
def running_shim(
    backend_url: str,
    tls: Tls,
    changes: Mapping[str, Any] | None = None,
    start: Callable[[Path], BaseProcess] = serving.start,
) -> Iterator[Shim]:
    """`shim serve` on free ports, for the length of the block; `start` begins its process in a folder."""
    with tempfile.TemporaryDirectory(prefix="shim-test-") as temporary:
        folder = Path(temporary)
        settings = settings_for(backend_url, tls, folder, changes or {})
        (folder / "config.yaml").touch(0o600)
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        shim = Shim(start(folder), folder, settings, tls)
        _RUNNING.append(shim)
        try:
            for name in ("http", "https", "admin"):
                setattr(shim, name, shim.said("listening", name=name)["port"])
            yield shim
            internal = [each for each in shim.events if each["event"] == "internal error"]
            assert not internal, internal[0]["exception"]
        finally:
            _RUNNING.remove(shim)
            shim.close()
