"""How many workers there are, what each has of what holds for all, and the sockets that they share."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from shim.edge.settings.load import Config, ConfigError
from shim.edge.workers.place import cores, count_of, opened, share

POSTGRESQL = "postgresql://shim@db/shim"
SQLITE = "sqlite+aiosqlite:////var/lib/shim/shim.db"


def config(store: str = POSTGRESQL, **listen: Any) -> Config:
    values = {"listen": {"port": 0, **listen}, "admin": {"port": 0}, "store": {"url": store}}
    return Config.model_validate({"backend": {"url": "http://v3.example", "in_flight": 33}, **values})


def test_there_is_one_worker_a_core_on_postgresql_and_one_on_sqlite() -> None:
    assert count_of(config()) == cores()
    assert count_of(config(SQLITE)) == 1
    assert count_of(config(SQLITE, workers=1)) == 1
    assert count_of(config(workers=7)) == 7


def test_several_on_sqlite_are_refused_and_the_way_out_is_named() -> None:
    with pytest.raises(ConfigError, match=r"listen\.workers: SQLite has one writer") as refused:
        count_of(config(SQLITE, workers=2))
    assert "PostgreSQL" in str(refused.value)


@pytest.mark.parametrize(
    ("quota", "most"), [("150000 100000", 1), ("50000 100000", 1), ("max 100000", 1 << 20)]
)
def test_a_container_has_no_more_workers_than_its_quota(tmp_path: Path, quota: str, most: int) -> None:
    file = tmp_path / "cpu.max"
    file.write_text(quota)
    assert cores(file) == min(len(os.sched_getaffinity(0)), most)
    assert cores(tmp_path / "absent") == len(os.sched_getaffinity(0))


def test_what_holds_for_all_is_divided_and_rounded_up() -> None:
    one = share(config(max_connections=1001, max_connections_per_address=20), 2)
    assert (one.listen.max_connections, one.backend.in_flight) == (501, 17)
    assert one.listen.max_connections_per_address == 20
    assert share(config(), 1) == config()


def test_a_socket_that_was_handed_over_is_used_and_the_others_are_opened() -> None:
    with socket.socket() as handed:
        sockets = opened(config(host="localhost"), {"http": [handed]})
        assert sockets["http"] == [handed]
        (admin,) = sockets["admin"]
        with admin, socket.create_connection(admin.getsockname(), timeout=30) as caller:
            assert caller.getpeername() == admin.getsockname()
    assert set(sockets) == {"http", "admin"}
