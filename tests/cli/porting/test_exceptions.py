"""shim porting exception: locked calls that pass for a while, and those that locks refuse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from typer.testing import Result

from shim.edge.deprecation.tables import FAULTS
from shim.edge.store.database import Store

Shim = Callable[..., Result]


@pytest.fixture
def file(config: Callable[..., Path], make_store: Callable[[Path], None]) -> Path:
    """A configuration whose only integration, acme, has EditClient locked."""
    path = config()
    make_store(path)
    entry = path.parent / "integrations.yaml"
    entry.write_text(entry.read_text() + "  porting: {Client.EditClient: locked, Client.GetClients: v3}\n")
    return path


@pytest.fixture
def shim(invoke: Callable[..., Result], file: Path) -> Shim:
    def call(*args: str) -> Result:
        return invoke("porting", *args, "-c", str(file))

    return call


def rows(result: Result, name: str) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)[name]
    return found


def refuse(file: Path, *counts: tuple[int, str, str, int]) -> None:
    """Put faults into the log: (days ago, operation, reason, calls)."""

    async def fill() -> None:
        store = await Store.open(f"sqlite:///{file.parent}/shim.db")
        async with store.writing() as connection:
            for ago, operation, reason, calls in counts:
                at = datetime.now(UTC) - timedelta(days=ago)
                row = {
                    "day": at.date().isoformat(), "integration": "acme", "operation": operation,
                    "reason": reason, "calls": calls, "first_seen": at, "last_seen": at,
                }  # fmt: skip
                await connection.execute(sa.insert(FAULTS).values(**row))
        await store.close()

    asyncio.run(fill())


ASKED = ("--owner", "Billing", "--why", "slips", "--who", "ann")
GRANT = ("exception", "grant", "acme", "Client.EditClient", *ASKED)


def test_an_exception_is_granted_shown_and_ended(shim: Shim) -> None:
    done = shim(*GRANT, "--until", "14d")
    assert done.exit_code == 0
    assert "acme: locked calls of Client.EditClient pass until" in done.stderr
    id = done.stdout.strip()
    [listed] = rows(shim("exception", "list", "--format", "json"), "exceptions")
    assert {name: listed[name] for name in ("id", "operation", "owner", "reason", "who", "ended_at")} == {
        "id": id, "operation": "Client.EditClient", "owner": "Billing", "reason": "slips", "who": "ann",
        "ended_at": None,
    }  # fmt: skip
    left = datetime.fromisoformat(listed["until"]) - datetime.now(UTC)
    assert timedelta(days=13, hours=23) < left <= timedelta(days=14)

    shown = rows(shim("show", "--format", "json"), "porting")
    told = [(each["operation"], each["rung"], each["source"].partition(",")[0]) for each in shown]
    assert told == [
        ("Client.EditClient", "locked", "configuration"),
        ("Client.GetClients", "v3", "configuration"),
        ("Client.EditClient", "v3", f"exception {id}"),
    ]
    [decided] = rows(shim("show", "acme", "Client.EditClient", "--format", "json"), "porting")
    assert (decided["rung"], decided["who"]) == ("v3", "Billing")

    assert "acme: Client.EditClient is locked again." in shim("exception", "end", id).stderr
    assert rows(shim("exception", "list", "--format", "json"), "exceptions") == []
    [over] = rows(shim("exception", "list", "--all", "--format", "json"), "exceptions")
    assert over["ended_at"]
    [decided] = rows(shim("show", "acme", "Client.EditClient", "--format", "json"), "porting")
    assert decided["rung"] == "locked"


def test_what_locks_refused_is_proposed_until_it_passes(shim: Shim, file: Path) -> None:
    assert "Locks refused nothing in these days" in shim("exception", "propose").stderr
    refuse(
        file,
        (0, "Client.EditClient", "locked", 3),
        (1, "Client.EditClient", "locked", 4),
        (2, "Client.GetClients", "not-found", 9),
        (20, "Client.DelClient", "locked", 5),
    )
    [refused] = rows(shim("exception", "propose", "--format", "json"), "locked_calls")
    assert (refused["integration"], refused["operation"], refused["calls"], refused["days"]) == (
        "acme", "Client.EditClient", 7, 2,
    )  # fmt: skip
    assert refused["grant"].startswith("shim porting exception grant acme Client.EditClient --until 14d")
    assert len(rows(shim("exception", "propose", "--days", "30", "--format", "json"), "locked_calls")) == 2
    assert shim(*GRANT, "--until", "2d").exit_code == 0
    assert rows(shim("exception", "propose", "acme", "--format", "json"), "locked_calls") == []


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((*GRANT, "--until", "91d"), "An exception lasts 90 days at most"),
        ((*GRANT, "--until", "tomorrow"), "omorrow is no time"),
        ((*GRANT, "--until", "2001-01-01T00:00Z"), "An exception ends in the future"),
        (("exception", "grant", "nobody", "*", *ASKED, "--until", "1d"), "There is no integration nobody"),
        (("exception", "end", "0000"), "No exception 0000 holds"),
    ],
)
def test_what_cannot_be_granted_or_ended_ends_with_2(shim: Shim, args: tuple[str, ...], told: str) -> None:
    done = shim(*args)
    assert done.exit_code == 2
    assert told in done.stderr
