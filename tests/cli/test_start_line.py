"""The line that `shim serve` logs once it serves: what it tells of the store, and what it never tells."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from shim.cli.serve import _tell_start
from shim.edge.serve import Server
from shim.edge.settings.model import Config

SERVER = cast(Server, SimpleNamespace(addresses={"http": ("127.0.0.1", 8025), "admin": ("127.0.0.1", 8027)}))


def start_line(store: str, path: Path | None = None) -> dict[str, Any]:
    backend = {"url": "https://v3.example", "others": ["https://v3-b.example"]}
    settings = Config.model_validate({"backend": backend, "store": {"url": store}})
    with capture_logs() as told:
        _tell_start(settings, path, SERVER)
    (line,) = told
    return dict(line)


@pytest.mark.parametrize(
    "store",
    [
        "postgresql+asyncpg://shim:s3cret-word@db.example:5433/calls",
        "postgresql+asyncpg://shim@db.example/calls?password=s3cret-word",
    ],
)
def test_the_start_line_names_the_store_without_its_password(store: str) -> None:
    line = start_line(store)
    assert line["store"] == "postgresql/db.example/calls"
    assert "s3cret-word" not in repr(line)


def test_the_start_line_names_every_backend_and_every_listener() -> None:
    line = start_line("sqlite+aiosqlite:////var/lib/shim/shim.db")
    assert line["event"] == "started"
    assert line["backend"] == ["https://v3.example", "https://v3-b.example"]
    assert line["listeners"] == {"http": "127.0.0.1:8025", "admin": "127.0.0.1:8027"}
    assert line["configuration"] is None


def test_the_start_line_names_all_hosts_of_a_store_that_has_several() -> None:
    line = start_line("postgresql+asyncpg://shim:s3cret-word@/calls?host=db-a:5432&host=db-b:5432")
    assert line["store"] == "postgresql/db-a:5432,db-b:5432/calls"
