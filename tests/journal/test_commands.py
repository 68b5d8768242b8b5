"""`shim journal`: the operator's list."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from shim.cli.common.console import ExitCode
from shim.cli.journal import app
from shim.edge.store.database import Store
from tests.journal.fixture import JournalFixture
from tests.journal.test_calls import ADD


@pytest.fixture
def config(tmp_path: Path) -> Path:
    store = {"url": f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"}
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"backend": {"url": "http://127.0.0.1:1"}, "store": store}))
    return path


@pytest.fixture
def entry(config: Path) -> str:
    url = yaml.safe_load(config.read_text())["store"]["url"]

    async def paused() -> str:
        store = await Store.open(url)
        fixture = JournalFixture(store)
        fixture.trouble.actions = {
            ("Extension.AddExtension", 0): "fault:520",
            ("User.DelUser", -1): "fault:520",
        }
        await fixture.process().call("AddExtension", ADD)
        [found] = await fixture.process().journal.paused()
        await store.close()
        return found.id

    return asyncio.run(paused())


def shim(*args: str | Path) -> Result:
    return CliRunner().invoke(app, [str(each) for each in args])


def test_what_is_paused_is_listed_and_shown_with_its_repair(config: Path, entry: str) -> None:
    listed = shim("list", "--config", config)
    assert listed.exit_code == ExitCode.FINDINGS
    assert entry in listed.output
    shown = shim("show", entry, "--config", config)
    assert shown.exit_code == ExitCode.FINE
    assert "User.DelUser" in shown.output
    assert "ID=100" in shown.output


def test_what_is_under_way_is_listed_with_its_age_and_who_has_it(config: Path, entry: str) -> None:
    assert shim("redrive", entry, "--config", config).exit_code == ExitCode.FINE
    listed = shim("list", "--config", config)
    assert listed.exit_code == ExitCode.FINE
    assert [each in listed.output for each in ("age", "owner", "held", entry, "undoing")] == [True] * 5


def test_redrive_takes_what_has_not_ended_and_dismiss_what_is_paused(config: Path, entry: str) -> None:
    assert shim("redrive", entry, "--config", config).exit_code == ExitCode.FINE
    assert shim("list", "--config", config).exit_code == ExitCode.FINE
    assert shim("dismiss", entry, "done by hand", "--config", config).exit_code == ExitCode.USAGE
    assert shim("redrive", entry, "--config", config).exit_code == ExitCode.FINE
    assert shim("redrive", "nothing", "--config", config).exit_code == ExitCode.USAGE


def test_a_dismissed_one_is_listed_with_all_only(config: Path, entry: str) -> None:
    assert shim("dismiss", entry, "done by hand", "--config", config).exit_code == ExitCode.FINE
    assert entry not in shim("list", "--config", config).output
    assert "dismissed: done by hand" in shim("list", "--all", "--config", config).output
    assert shim("show", "nothing", "--config", config).exit_code == ExitCode.USAGE
