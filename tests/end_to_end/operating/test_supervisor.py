"""A service manager around `shim serve`: sockets that it keeps open over a restart, and what it is told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.messages import GET_CLIENTS
from tests.end_to_end.running import HOST, PATIENCE, Backend, Tls, settings_for
from tests.end_to_end.wire import answered, connected, http_get, http_post

_START = 'export LISTEN_PID=$$; exec "$@"'
"""Makes the process that the shell becomes the one that the sockets are for."""


class Manager:
    """Holds the sockets of the listeners and a socket for notices; starts `shim serve` with them.

    `states` is what was told, in order, for all processes.
    """

    def __init__(self, folder: Path, settings: dict[str, object]) -> None:
        self.folder = folder
        (folder / "config.yaml").write_text(yaml.safe_dump(settings))
        self.sockets = {name: _listening() for name in ("http", "https", "admin")}
        self.names = "http:https:admin"
        self.states: list[str] = []
        self._heard = threading.Condition()
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.bind(str(folder / "notices"))
        threading.Thread(target=self._listen, daemon=True).start()

    def port(self, name: str) -> int:
        return int(self.sockets[name].getsockname()[1])

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        descriptors = [each.fileno() for each in self.sockets.values()]
        moves = "".join(f" {index}<&{number}" for index, number in enumerate(descriptors, 3))
        shim = [sys.executable, "-c", "from shim.cli.main import run; run()", "serve", "-c", "config.yaml"]
        command = ["bash", "-c", _START.replace('"$@"', f'"$@"{moves}'), "bash", *shim]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("SHIM_")}
        environ |= {"LISTEN_FDS": "3", "LISTEN_FDNAMES": self.names}
        environ |= {"NOTIFY_SOCKET": str(self.folder / "notices"), "PYTHONPATH": os.getcwd()}
        log = (self.folder / "log").open("ab")
        process = subprocess.Popen(
            command, cwd=self.folder, env=environ, pass_fds=descriptors, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            log.close()

    def _listen(self) -> None:
        while True:
            try:
                state = self._notices.recv(4096).decode()
            except OSError:
                return
            with self._heard:
                self.states.append(state)
                self._heard.notify_all()

    def hears(self, what: str, times: int) -> None:
        """Wait until a state was told so often."""

        def so_often() -> bool:
            return sum(state.startswith(what) for state in self.states) >= times

        with self._heard:
            assert self._heard.wait_for(so_often, 6 * PATIENCE), (self.folder / "log").read_text()

    def close(self) -> None:
        for each in self.sockets.values():
            each.close()
        self._notices.shutdown(socket.SHUT_RDWR)
        self._notices.close()


def _listening() -> socket.socket:
    return socket.create_server((HOST, 0), backlog=64)


@pytest.fixture
def manager(backend: Backend, tls: Tls, tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path, settings_for(backend.url, tls, tmp_path, {"listen.drain": 0}))
    yield manager
    manager.close()


@pytest.mark.slow
def test_a_restart_under_load_refuses_no_connection(manager: Manager, tls: Tls) -> None:
    """Three processes one after the other on sockets that stay open; each call is a connection of its own."""
    over = threading.Event()
    done: list[int] = []

    def caller(port: int, authority: Path | None) -> None:
        while not over.is_set():
            with connected(port, authority, timeout=6 * PATIENCE) as wire:
                answered(wire.exchange(http_post(GET_CLIENTS)))
                done.append(port)

    with ExitStack() as ending:
        callers = [
            threading.Thread(target=caller, args=(manager.port("http"), None)),
            threading.Thread(target=caller, args=(manager.port("https"), tls.authority)),
        ]
        ending.callback(over.set)
        for number in range(1, 4):
            with manager.started() as process:
                manager.hears("READY=1", number)
                if number == 1:
                    for each in callers:
                        each.start()
                before = len(done)
                while len(done) < before + 20:
                    assert all(each.is_alive() for each in callers), "a caller was refused"
                    over.wait(0.01)
                if number == 3:
                    over.set()
                    for each in callers:
                        each.join(6 * PATIENCE)
                        assert not each.is_alive()
                process.send_signal(signal.SIGTERM)
                assert process.wait(6 * PATIENCE) == 0
            manager.hears("STOPPING=1", number)
    assert {manager.port("http"), manager.port("https")} == set(done)
    log = (manager.folder / "log").read_text()
    assert log.count('"handed_over": true') == 9


def test_rereading_the_configuration_is_told_and_ended(manager: Manager) -> None:
    with manager.started() as process:
        manager.hears("READY=1", 1)
        with connected(manager.port("admin")) as wire:
            assert wire.exchange(http_get("/readyz")).status == 200
        process.send_signal(signal.SIGHUP)
        manager.hears("READY=1", 2)
    kinds = [state.partition("\n")[0] for state in manager.states]
    assert kinds == ["READY=1", "RELOADING=1", "READY=1"]
    assert "MONOTONIC_USEC=" in manager.states[1]
    assert f"MAINPID={process.pid}" in manager.states[0]


def test_a_socket_without_the_name_of_a_listener_stops_the_start(manager: Manager) -> None:
    manager.names = "http:https:shim.socket"
    with manager.started() as process:
        assert process.wait(6 * PATIENCE) == 2
    assert "FileDescriptorName=http, https or admin" in (manager.folder / "log").read_text()
