"""shim porting and shim brownout: what they change, what they tell, how they end."""

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

from shim.edge.deprecation.tables import CALLERS, USAGE
from shim.edge.store.database import Store

Shim = Callable[..., Result]
PORTED = "  porting: {Client.GetClients: v3, 'Billing.*': compare}\n"


@pytest.fixture
def file(config: Callable[..., Path], make_store: Callable[[Path], None]) -> Path:
    """A configuration whose only integration, acme, has two rungs of its own."""
    path = config()
    make_store(path)
    entry = path.parent / "integrations.yaml"
    entry.write_text(entry.read_text() + PORTED)
    return path


@pytest.fixture
def shim(invoke: Callable[..., Result], file: Path) -> Shim:
    def call(group: str, command: str, *args: str) -> Result:
        return invoke(group, command, "-c", str(file), *args)

    return call


def rows(result: Result, name: str) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)[name]
    return found


def shown(shim: Shim, *args: str) -> list[tuple[str, str, str]]:
    found = rows(shim("porting", "show", *args, "--format", "json"), "porting")
    return [(each["operation"], each["rung"], each["source"]) for each in found]


# ---- porting ----


def test_show_tells_where_a_rung_comes_from(shim: Shim) -> None:
    assert shown(shim) == [
        ("Billing.*", "compare", "configuration"),
        ("Client.GetClients", "v3", "configuration"),
    ]
    done = shim("porting", "set", "acme", "Client.GetClients", "locked", "--who", "ann", "--why", "all done")
    assert (done.exit_code, done.stdout) == (0, "")
    assert shown(shim, "acme") == [
        ("Billing.*", "compare", "configuration"),
        ("Client.GetClients", "locked", "store"),
    ]
    assert shown(shim, "acme", "Client.GetClients") == [("Client.GetClients", "locked", "store")]
    assert shown(shim, "acme", "Billing.Recharge") == [
        ("Billing.Recharge", "compare", "configuration, Billing.*")
    ]
    assert shown(shim, "acme", "Report.CallReport") == [("Report.CallReport", "translate", "nothing is set")]
    table = shim("porting", "show").stdout.strip().splitlines()
    assert table[0].split() == ["integration", "operation", "rung", "source", "who", "at"]
    assert any(line.split()[:5] == ["acme", "Client.GetClients", "locked", "store", "ann"] for line in table)


def test_reset_lets_the_configuration_decide_and_history_has_it_all(shim: Shim) -> None:
    shim("porting", "set", "acme", "Client.GetClients", "translate", "--who", "ann")
    assert (
        shim("porting", "reset", "acme", "Client.GetClients", "--who", "bob", "--why", "fixed").exit_code == 0
    )
    assert shown(shim, "acme", "Client.GetClients") == [("Client.GetClients", "v3", "configuration")]
    changes = rows(shim("porting", "history", "acme", "--format", "json"), "changes")
    assert [(each["who"], each["was"], each["became"], each["text"]) for each in changes] == [
        ("bob", "translate", "", "fixed"),
        ("ann", "", "translate", ""),
    ]
    newest = rows(shim("porting", "history", "--limit", "1", "--format", "json"), "changes")
    assert newest == changes[:1]
    again = shim("porting", "reset", "acme", "Client.GetClients")
    assert again.exit_code == 2
    assert "Nothing was set" in again.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("set", "nobody", "*", "v3"), "There is no integration nobody. There are: acme."),
        (("set", "acme", "Client.GetClient", "v3"), "There is no Client.GetClient in 2.5"),
        (("set", "acme", "*", "lockd"), "lockd"),
        (("show", "nobody"), "There is no integration nobody"),
        (("show", "acme", "Organization.AddOrganization"), "There is no Organization.AddOrganization in 2.5"),
    ],
)
def test_what_cannot_be_done_is_a_usage_error(shim: Shim, args: tuple[str, ...], said: str) -> None:
    done = shim("porting", *args)
    assert done.exit_code == 2
    assert said in done.stderr
    assert rows(shim("porting", "history", "--format", "json"), "changes") == []


# ---- brownouts ----


def listed(shim: Shim, *args: str) -> list[tuple[str, str, str]]:
    found = rows(shim("brownout", "list", *args, "--format", "json"), "brownouts")
    return [(each["id"], each["state"], each["operation"]) for each in found]


def planned(shim: Shim, *args: str) -> str:
    done = shim("brownout", "plan", *args)
    assert done.exit_code == 0, done.stderr
    return done.stdout.strip()


def test_a_brownout_is_planned_listed_and_stopped(shim: Shim) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="minutes")
    running = planned(shim, "acme", "Client.*", "--starts", "now", "--for", "2h", "--text", "2.5 ends")
    to_come = planned(shim, "*", "*", "--starts", later, "--for", "1h30m", "--link", "https://example.com/v3")
    assert listed(shim) == [(running, "running", "Client.*"), (to_come, "planned", "*")]
    [entry] = rows(shim("brownout", "list", "--format", "json"), "brownouts")[1:]
    length = datetime.fromisoformat(entry["ends_at"]) - datetime.fromisoformat(entry["starts_at"])
    assert (length, entry["link"]) == (timedelta(minutes=90), "https://example.com/v3")
    stopped = shim("brownout", "stop")
    assert (stopped.exit_code, stopped.stderr) == (0, f"{running} (Client.* of acme) is stopped.\n")
    assert shim("brownout", "stop").stderr == "None runs.\n"
    assert listed(shim) == [(to_come, "planned", "*")]
    assert shim("brownout", "stop", to_come).exit_code == 0
    assert [state for _, state, _ in listed(shim, "--all")] == ["stopped", "stopped"]
    assert shim("brownout", "stop", to_come).exit_code == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("acme", "*", "--starts", "2020-01-01T09:00Z", "--for", "2h"), "It starts in the past"),
        (("acme", "*", "--starts", "2026-01-01T09:00", "--for", "2h"), "has no zone"),
        (("acme", "*", "--starts", "now"), "Say how long it lasts"),
        (("acme", "*", "--starts", "now", "--for", "2h", "--ends", "2099-01-01T00:00Z"), "Say how long"),
        (("acme", "*", "--starts", "now", "--for", "two hours"), "is no duration"),
        (("nobody", "*", "--starts", "now", "--for", "2h"), "There is no integration nobody"),
        (("acme", "Nothing.*", "--starts", "now", "--for", "2h"), "There is no Nothing.* in 2.5"),
    ],
)
def test_a_window_that_makes_no_sense_is_not_planned(shim: Shim, args: tuple[str, ...], said: str) -> None:
    done = shim("brownout", "plan", *args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert listed(shim, "--all") == []


def test_a_dry_run_tells_who_would_have_been_hit(shim: Shim, file: Path) -> None:
    nobody = shim("brownout", "dry-run", "acme", "*")
    assert (nobody.exit_code, nobody.stdout) == (0, "")
    assert "Nobody called" in nobody.stderr
    now = datetime.now(UTC)
    asyncio.run(_used(file, now))
    done = shim("brownout", "dry-run", "acme", "Client.*", "--for", "12h", "--format", "json")
    told = json.loads(done.stdout)
    assert told["window_seconds"] == 12 * 3600
    seen = now.isoformat(timespec="seconds")
    assert told["hits"] == [
        {
            "integration": "acme",
            "operation": "Client.GetClients",
            "days_with_calls": 2,
            "calls": 80,
            "about_in_the_window": 20.0,
            "last_seen": seen,
        }
    ]
    assert told["programs"] == [
        {
            "integration": "acme",
            "agent": "PHP-SOAP/8.2",
            "address": "192.0.2.7",
            "calls_ever": 80,
            "last_seen": seen,
        }
    ]
    table = shim("brownout", "dry-run", "*", "Client.GetClients")
    assert "whole days" in table.stderr
    assert "192.0.2.7" in table.stdout
    id = planned(shim, "acme", "Client.GetClients", "--starts", "now", "--for", "24h")
    by_id = json.loads(shim("brownout", "dry-run", id, "--format", "json").stdout)
    assert by_id["hits"][0]["about_in_the_window"] == 40.0
    assert shim("brownout", "dry-run", "nothing").exit_code == 2


async def _used(file: Path, now: datetime) -> None:
    store = await Store.open(f"sqlite:///{file.parent}/shim.db")
    seen = {"first_seen": now, "last_seen": now}
    use = {"integration": "acme", "side": "old", "operation": "Client.GetClients", "faults": 0, **seen}
    days = [(now - timedelta(days=back)).date().isoformat() for back in (0, 1)]
    caller = {"agent": "PHP-SOAP/8.2", "toolkit": "php", "version": "2.5.1", "address": "192.0.2.7"}
    async with store.writing() as connection:
        await connection.execute(sa.insert(USAGE), [{**use, "day": day, "calls": 40} for day in days])
        await connection.execute(sa.insert(CALLERS).values(integration="acme", calls=80, **caller, **seen))
    await store.close()
