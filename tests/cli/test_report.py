"""shim report and shim findings, on a store with the world of the review in it."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import Result

from shim.cli.common import store as stored
from shim.cli.report import findings as findings_command
from shim.edge.store.database import Store
from shim.review.output.tables import FINDING_COLUMNS, INTEGRATION_COLUMNS, OPERATION_COLUMNS
from tests.review.world import NOW, Builder, world

ConfigFile = Callable[..., Path]
Shim = Callable[..., Result]


@pytest.fixture
def file(config: ConfigFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in which `acme` may call, over a store with the world in it, at its time."""
    path = config(backend="https://voipnow.example.com")
    for module in (stored, findings_command):
        monkeypatch.setattr(module, "now", lambda: NOW)

    async def fill() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/shim.db")
        await world().fill(store)
        await store.close()

    asyncio.run(fill())
    return path


@pytest.fixture
def report(invoke: Callable[..., Result], file: Path) -> Shim:
    return lambda *args: invoke("report", "-c", str(file), *args)


@pytest.fixture
def findings(invoke: Callable[..., Result], file: Path) -> Shim:
    return lambda command, *args: invoke("findings", command, *args, "-c", str(file), "--who", "ann")


def rows(done: Result) -> list[dict[str, str]]:
    assert done.exit_code == 0, done.stderr
    return list(csv.DictReader(io.StringIO(done.stdout)))


# ---- report ----


def test_the_overview_has_every_integration(report: Shim) -> None:
    done = report()
    assert done.exit_code == 0
    for name in ("switchboard", "ledger", "crm", "portal", "acme"):
        assert name in done.stdout
    assert "quiet" in done.stdout, "acme never called"
    assert "not configured" in done.stdout
    assert "1 refused, 1 loss, 1 warning, 1 notice" in done.stdout
    assert "Findings" not in done.stdout
    assert "\x1b" not in done.stdout


def test_a_scorecard_has_operations_in_order_and_findings(report: Shim) -> None:
    done = report("crm")
    assert done.exit_code == 0
    told = done.stdout
    assert told.index("Client.EditClient") < told.index("Client.AddClient")
    assert "Organization.AddOrganization" in told
    assert "Kept by the shim" in told
    assert "acknowledged" in told
    assert "switchboard" not in told


@pytest.mark.parametrize("args", [(), ("crm",), ("--state", "new")])
def test_at_80_columns_names_are_whole_and_what_is_left_out_is_said(
    report: Shim, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...]
) -> None:
    names = {
        each
        for row in rows(report(*args, "--format", "csv"))
        for each in (row["integration"], row.get("operation"))
    }
    monkeypatch.setenv("COLUMNS", "80")
    done = report(*args)
    assert all(name in done.stdout for name in names if name)
    assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= 80
    assert "…" not in done.stdout
    assert "Left out for want of room" in done.stderr


def test_csv_of_integrations_operations_findings(report: Shim) -> None:
    assert [list(rows(report(*args, "--format", "csv"))[0]) for args in ((), ("crm",), ("--state", "new"))] == [
        list(INTEGRATION_COLUMNS),
        list(OPERATION_COLUMNS),
        list(FINDING_COLUMNS),
    ]


@pytest.mark.parametrize(
    ("flags", "ids"),
    [
        (("--severity", "loss"), ["2"]),
        (("--state", "fixed"), ["7"]),
        (("--operation", "Client.AddClient"), ["6"]),
        (("crm", "--severity", "warning", "--state", "new"), ["8"]),
        (("ledger", "--severity", "loss"), []),
    ],
)
def test_filters_choose_among_the_findings(report: Shim, flags: tuple[str, ...], ids: list[str]) -> None:
    assert [row["id"] for row in rows(report(*flags, "--format", "csv"))] == ids


def test_when_no_finding_fits_it_says_so(report: Shim) -> None:
    assert "No finding fits." in report("--operation", "Client.Nothing").stderr


def test_json(report: Shim) -> None:
    data = json.loads(report("--format", "json").stdout)
    assert list(data) == ["overview", "logins"]
    assert data["overview"]["integrations"][0]["integration"] == "switchboard"
    data = json.loads(report("crm", "--format", "json").stdout)
    assert set(data) == {"scorecard", "logins", "findings"}
    assert len(data["findings"]) == 3
    data = json.loads(report("--finding", "6", "--format", "json").stdout)
    assert data["finding"]["sample"]["calls"][0]["operation"] == "Organization.AddOrganization"


def test_days_narrow_the_window(report: Shim) -> None:
    [used] = [row for row in rows(report("--format", "csv", "--days", "5")) if row["integration"] == "crm"]
    assert (used["old_calls"], used["ported"]) == ("65", "0")
    assert report("--days", "0").exit_code == 2


def test_markdown_is_a_letter(report: Shim) -> None:
    told = report("crm", "--format", "markdown").stdout
    assert told.startswith("# Porting crm to SystemAPI 3\n")
    assert "https://YOUR-SYSTEMAPI-ADDRESS/oauth/token.php" in told
    assert "Python with zeep" in told
    assert "PHP with SoapClient" in report("crm", "--format", "markdown", "--code", "php").stdout
    assert report("--format", "markdown").stdout.startswith("# Porting to SystemAPI 3\n")


def test_a_finding_with_its_sample_its_history_and_the_v3_calls(report: Shim) -> None:
    told = report("--finding", "6").stdout
    for said in (
        "Kept by the shim",
        "ann: new -> acknowledged: The CRM has the industry itself.",
        "bob: a note: Ticket is with the integrator.",
        "<industry>{industry}</industry>",
        "v3 call 1 of 1: Organization.AddOrganization",
        "POST https://YOUR-SYSTEMAPI-ADDRESS/soap2/organization_agent.php",
        "<ns2:company>{company}</ns2:company>",
    ):
        assert said in told, said
    assert "SoapClient" in report("--finding", "6", "--code", "php").stdout
    assert [row["id"] for row in rows(report("--finding", "6", "--format", "csv"))] == ["6"]
    assert report("--finding", "6", "--format", "markdown").stdout.startswith("# Kept by the shim")


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (("--fail-on", "refused"), 1),
        (("--fail-on", "loss"), 1),
        (("crm", "--fail-on", "loss"), 0),
        (("crm", "--fail-on", "warning"), 1),
        (("crm", "--fail-on", "warning", "--operation", "Client.EditClient"), 0),
        (("crm", "--fail-on", "warning", "--operation", "Client.AddClient"), 1),
        (("crm", "--fail-on", "info", "--operation", "Client.GetClientDetails"), 0),
        (("ledger", "--fail-on", "info"), 1),
        (("ledger", "--fail-on", "notice"), 0),
        (("acme", "--fail-on", "info"), 0),
        (("--finding", "6", "--fail-on", "warning"), 1),
        (("--finding", "6", "--fail-on", "loss"), 0),
        (("--finding", "7", "--fail-on", "info"), 0),
    ],
)
def test_exit_code_for_open_findings_that_count(report: Shim, flags: tuple[str, ...], code: int) -> None:
    assert report(*flags).exit_code == code


def test_names_that_are_not_there(report: Shim) -> None:
    assert (report("nobody").exit_code, report("--finding", "99").exit_code) == (2, 2)
    assert "There is no integration nobody" in report("nobody").stderr


def test_a_store_without_anything(
    invoke: Callable[..., Result], config: ConfigFile, make_store: Callable[[Path], None]
) -> None:
    file = config()
    make_store(file)
    done = invoke("report", "-c", str(file), "--format", "csv")
    assert [(row["integration"], row["left"], row["done"]) for row in rows(done)] == [("acme", "0", "yes")]


# ---- findings ----


def state(report: Shim, id: str) -> str:
    [row] = rows(report("--finding", id, "--format", "csv"))
    return row["state"]


def test_a_life(report: Shim, findings: Shim) -> None:
    for command, args, became in (
        ("acknowledge", (), "acknowledged"),
        ("ignore", ("nobody reads it",), "ignored"),
        ("fix", ("released with 7",), "fixed"),
        ("reopen", (), "new"),
        ("note", ("a word",), "new"),
    ):
        done = findings(command, "2", *args)
        assert done.exit_code == 0, done.stderr
        assert state(report, "2") == became
    told = report("--finding", "2").stdout
    for said in (
        "ann: acknowledged -> ignored: nobody reads it",
        "ann: ignored -> fixed: released with 7",
        "ann: a note: a word",
    ):
        assert said in told


def test_a_declared_fix_takes_the_failure_away(report: Shim, findings: Shim) -> None:
    assert report("switchboard", "--fail-on", "refused").exit_code == 1
    findings("fix", "4")
    assert report("switchboard", "--fail-on", "refused").exit_code == 0


def test_ignoring_until_a_day(report: Shim, findings: Shim) -> None:
    assert findings("ignore", "2", "later", "--until", "2999-01-31").exit_code == 0
    [row] = rows(report("--finding", "2", "--format", "csv"))
    assert (row["state"], row["until"]) == ("ignored", "2999-01-31T00:00:00Z")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("ignore", "2", " "), "needs a reason"),
        (("ignore", "2", "why", "--until", "2020-01-31"), "lie ahead"),
        (("ignore", "2", "why", "--until", "soon"), "Invalid value"),
        (("note", "2", " "), "needs a text"),
        (("fix", "99"), "no finding 99"),
    ],
)
def test_what_cannot_be_taken(report: Shim, findings: Shim, command: tuple[str, ...], told: str) -> None:
    done = findings(*command)
    assert done.exit_code == 2
    assert told in done.stderr
    assert state(report, "2") == "new"


def test_who_it_was_is_the_login_by_default(
    invoke: Callable[..., Result], file: Path, report: Shim, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "zoe")
    assert invoke("findings", "fix", "2", "-c", str(file)).exit_code == 0
    assert "zoe: new -> fixed" in report("--finding", "2").stdout


def test_calls_that_nobody_could_be_told_by_are_in_the_overview(
    invoke: Callable[..., Result], config: ConfigFile, tmp_path: Path
) -> None:
    path = config()

    async def fill() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/shim.db")
        made = Builder(datetime.now(UTC))
        made.calls("(unknown)", "(none)", [1], 3)
        await made.fill(store)
        await store.close()

    asyncio.run(fill())
    found = {row["integration"]: row for row in rows(invoke("report", "-c", str(path), "--format", "csv"))}
    assert (found["(unknown)"]["old_calls"], found["(unknown)"]["left"]) == ("3", "0")
