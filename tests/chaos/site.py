"""What the chaos run is made against: two shims behind HAProxy, two PostgreSQL servers, an emulated backend."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.chaos.backend import Backend
from tests.chaos.serving import serve
from tests.deploy.test_balancers import DEPLOY, program
from tests.end_to_end.running import HOST, PATIENCE, Tls, make_tls, settings_for
from tests.end_to_end.wire import connected, http_get
from tests.support.failover import Pair, free_ports, paired
from tests.support.shifted import Ahead, begin

LEASE = 3.0
SETTLE = 5.0
ROOT = Path(__file__).parents[2]


@dataclass
class Replica:
    """A shim with ports of its own, which it keeps when it is begun again."""

    name: str
    folder: Path
    http: int
    admin: int
    ahead: Ahead = field(default_factory=Ahead)
    sizes: dict[int, list[tuple[float, int]]] = field(default_factory=dict)
    """By process: seconds since its start, and resident bytes."""
    internal: list[str] = field(default_factory=list)
    """Internal errors that its log told."""
    users_kept: int = 0
    """How often its log said that an extension went and its user stayed (finding `user-kept`)."""
    _process: BaseProcess | None = None
    _read: int = 0
    _ends: list[int | None] = field(default_factory=list)

    def begin(self) -> None:
        self._process = begin(self.folder, self.ahead, serve)

    def kill(self) -> None:
        """SIGKILL, in the midst of whatever it does."""
        assert self._process is not None
        self._process.kill()
        self._process.join(PATIENCE)

    def stop(self) -> None:
        """SIGTERM: it ends what is under way first."""
        assert self._process is not None
        self._process.terminate()
        self._process.join(2 * PATIENCE)
        self._ends.append(self._process.exitcode)
        if self._process.is_alive():
            self.kill()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def fill_disk(self) -> None:
        """No file of it takes another byte: neither its log nor its spool."""
        self._limit(0)

    def free_disk(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        hard = resource.RLIM_INFINITY
        with suppress(ProcessLookupError):
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, hard))

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def bad_ends(self) -> list[int | None]:
        """Exit codes of ends in order that were not 0."""
        return [each for each in self._ends if each != 0]

    def ready(self) -> bool:
        try:
            with connected(self.admin, timeout=5) as wire:
                return wire.exchange(http_get("/readyz", "Host: localhost")).status == 200
        except OSError:
            return False

    def look(self) -> int:
        """Note its size and what is new in its log. Resident bytes, 0 when it is gone."""
        self._read_log()
        try:
            found = psutil.Process(self.pid)
            size, age = int(found.memory_info().rss), time.time() - found.create_time()
        except psutil.Error:
            return 0
        if size:  # none is left of one that has just ended
            self.sizes.setdefault(self.pid, []).append((age, size))
        return size

    def _read_log(self) -> None:
        with (self.folder / "log").open("rb") as log:
            log.seek(self._read)
            whole, found, _ = log.read().rpartition(b"\n")
        self._read += len(whole) + len(found)
        for line in whole.decode("utf-8", "replace").split("\n"):
            if "Traceback" in line or '"internal error"' in line or "recovery failed" in line:
                self.internal.append(_shown(line))
            self.users_kept += '"user-kept"' in line


def _shown(line: str) -> str:
    try:
        event = json.loads(line)
    except ValueError:
        return line[:2000]
    return f"{event.get('event')}: {event.get('exception', event)}"[-3000:]


@dataclass
class Site:
    """All of it, running."""

    pair: Pair
    backend: Backend
    replicas: list[Replica]
    https: int
    http: int
    tls: Tls
    folder: Path

    def ready(self) -> bool:
        """Both shims are, and the balancer sees one."""
        if not all(each.ready() for each in self.replicas):
            return False
        try:
            with connected(self.http, timeout=5) as wire:
                return wire.exchange(http_get("/readyz")).status == 200
        except OSError:
            return False

    def journal(self, *states: str) -> list[str]:
        """The entries in these states, as one line each."""
        wanted = ", ".join(f"'{each}'" for each in states)
        columns = "id || ' ' || state || ' ' || operation || ' ' || why || ' attempts ' || attempts"
        query = f"SELECT {columns} FROM journal_entries WHERE state IN ({wanted}) ORDER BY created_at"
        return self.pair.primary.ask(query, "shim").splitlines()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of the shim on this store."""
        script = "import sys; from shim.cli.main import run; sys.argv[0] = 'shim'; run()"
        config = ("--config", str(self.replicas[0].folder / "config.yaml"))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SHIM_")}
        return subprocess.run(
            [sys.executable, "-c", script, *arguments, *config],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment,
            timeout=4 * PATIENCE,
            check=False,
        )


@contextmanager
def site(folder: Path, seed: int) -> Iterator[Site]:
    """The whole of it, for the length of the block. It is ready when the block begins."""
    tls = make_tls(folder)
    with ExitStack() as stack:
        pair = stack.enter_context(paired())
        backend_port, https, http, *ports = free_ports(7)
        backend = Backend(backend_port, seed)
        stack.callback(backend.close)
        replicas = []
        for name, public, admin in (("one", *ports[:2]), ("two", *ports[2:])):
            home = folder / name
            home.mkdir()
            settings = _settings(backend.url, pair.url, tls, home, public, admin)
            (home / "config.yaml").touch(0o600)
            (home / "config.yaml").write_text(yaml.safe_dump(settings))
            (home / "log").touch()
            replica = Replica(name, home, public, admin)
            stack.callback(_end, replica)
            replica.begin()
            replicas.append(replica)
        stack.enter_context(_haproxy(folder, replicas, tls, https, http))
        made = Site(pair, backend, replicas, https, http, tls, folder)
        wait_for(made.ready, "the shims begin", 3 * PATIENCE)
        yield made


def _settings(backend: str, store: str, tls: Tls, home: Path, public: int, admin: int) -> dict[str, Any]:
    settings = settings_for(
        backend,
        tls,
        home,
        {
            "store.url": store,
            "store.answer_timeout": 10,
            "journal.lease": LEASE,
            "journal.renew": 1,
            "journal.sweep": 1,
            "journal.settle": SETTLE,
            "journal.attempts": 1000,
            "backend.call_timeout": 4,
            "backend.breaker": {"rest": 1, "longest": 3},
            "backend.health": {"every": 1, "timeout": 1},
            "log.level": "info",
            "admin.port": admin,
        },
    )
    settings["listen"] = {"port": public, "trusted_proxies": ["127.0.0.1/32"], "drain": 5}
    return settings


def _end(replica: Replica) -> None:
    if replica.alive:
        replica.go_on()
        replica.kill()


@contextmanager
def _haproxy(folder: Path, replicas: list[Replica], tls: Tls, https: int, http: int) -> Iterator[None]:
    """The configuration of deploy/ but for addresses, and a listener without TLS for clients that know none."""
    pem = folder / "pem"
    pem.write_bytes(tls.certificate.read_bytes() + tls.key.read_bytes())
    text = (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    changes = {
        "bind :443 ssl crt /etc/ssl/voipnow.example.com.pem": f"bind {HOST}:{https} ssl crt {pem}\n"
        f"    bind {HOST}:{http}",
        "set-header X-Forwarded-Proto https": "set-header X-Forwarded-Proto https if { ssl_fc }",
        "10.0.0.11:8025": f"{HOST}:{replicas[0].http}",
        "10.0.0.12:8025": f"{HOST}:{replicas[1].http}",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "haproxy.cfg").write_text(text)
    with subprocess.Popen(
        [program("haproxy"), "-db", "-f", str(folder / "haproxy.cfg")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.kill()


def wait_for(condition: Callable[[], bool], what: str, patience: float = 2 * PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"this did not come: {what}")
        time.sleep(0.1)
