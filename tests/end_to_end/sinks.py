"""Where a shim leaves what it knows of calls, as text to be searched: deprecation tables, spool, metrics."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from shim.edge.deprecation import tables
from tests.end_to_end.running import PATIENCE, Shim
from tests.end_to_end.wire import connected, http_get

Row = dict[str, object]


def _path(shim: Shim) -> Path:
    return Path(shim.settings["store"]["url"].partition("///")[2])


def table(shim: Shim, name: str) -> list[Row]:
    """All rows of a table of the running shim's store."""
    with closing(sqlite3.connect(_path(shim))) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]  # a name of ours


def deprecation_rows(shim: Shim) -> str:
    """Every row of every table of the deprecation log but the user agents, which are kept as they came."""
    names = [each.name for each in vars(tables).values() if isinstance(each, sa.Table)]
    rows = [(name, table(shim, name)) for name in names]
    return "\n".join(
        f"{name} { ({key: value for key, value in row.items() if key != 'agent'}) }"
        for name, found in rows
        for row in found
    )


def spool(shim: Shim) -> str:
    """What lies in the spool."""
    return "\n".join(each.read_text() for each in sorted(Path(f"{_path(shim)}.spool").glob("*")))


def metrics(shim: Shim) -> str:
    with connected(shim.admin) as wire:
        return wire.exchange(http_get("/metrics", "Host: localhost")).body.decode()


def metric(shim: Shim, line: str) -> float:
    """The value of a series, written as in the text format; 0 when it is not there."""
    for each in metrics(shim).splitlines():
        name, _, value = each.rpartition(" ")
        if name == line:
            return float(value)
    return 0.0


def calls(shim: Shim) -> int:
    """2.5 calls in the store."""
    return sum(int(str(row["calls"])) for row in table(shim, "usage") if row["side"] == "old")


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@contextmanager
def locked(shim: Shim) -> Iterator[None]:
    """Another program writes into the store's file, and does not end."""
    with closing(sqlite3.connect(_path(shim), isolation_level=None, timeout=PATIENCE)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")
