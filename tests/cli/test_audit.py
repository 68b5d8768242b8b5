"""shim audit: every change with who made it, whatever made it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from shim.edge.porting.brownouts import plan_brownout
from shim.edge.porting.ladder import set_rung
from shim.edge.settings.load import load_config
from shim.edge.store.audit import audit_log, record
from shim.edge.store.database import Store

Invoke = Callable[..., Result]
ConfigFile = Callable[..., Path]


@pytest.fixture
def file(config: ConfigFile, make_store: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOGNAME", "nora")
    path = config()
    make_store(path)
    return path


def listed(invoke: Invoke, file: Path, *more: str) -> list[dict[str, Any]]:
    done = invoke("audit", "-c", str(file), "--format", "json", *more)
    assert done.exit_code == 0, done.output
    found: list[dict[str, Any]] = json.loads(done.stdout)["changes"]
    return found


def in_store(file: Path, work: Callable[[Store], Any]) -> None:
    async def opened() -> None:
        store = await Store.open(load_config(file).store.url)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(opened())


def test_integrations_added_and_removed(invoke: Invoke, file: Path) -> None:
    at = ("-c", str(file))
    added = ("--username", "n", "--password", "-", "--v3-app-key", "k", "--v3-app-secret", "-")
    done = invoke("integrations", "add", "billing", *at, *added, stdin="canary-secret\ncanary\n")
    assert "billing was added" in done.stderr, done.output
    assert invoke("integrations", "remove", "billing", *at).exit_code == 0
    told = [(each["who"], each["action"], each["subject"]) for each in listed(invoke, file)]
    assert told == [("nora", "integration added", "billing"), ("nora", "integration removed", "billing")]
    assert "canary" not in json.dumps(listed(invoke, file))


def test_a_change_without_a_store_is_made_and_told(invoke: Invoke, config: ConfigFile) -> None:
    path = config()
    done = invoke("integrations", "remove", "acme", "-c", str(path))
    assert done.exit_code == 0
    assert "not in the audit log" in done.stderr


def test_histories_are_one_list_by_time(invoke: Invoke, file: Path) -> None:
    begin = datetime.now(UTC) + timedelta(days=1)

    async def changes(store: Store) -> None:
        await record(store, "(shim)", "started", "host 1", "0.1.0")
        await set_rung(store, "acme", "Client.GetClients", "v3", "olaf", "tried")
        await plan_brownout(store, "acme", "*", begin, begin + timedelta(hours=1), "nora", text="soon")
        assert len(await audit_log(store, begin)) == 0

    in_store(file, changes)
    found = [(each["who"], each["action"], each["subject"]) for each in listed(invoke, file)]
    assert found[0] == ("(shim)", "started", "host 1")
    assert ("olaf", "porting", "acme Client.GetClients") in found
    assert ("nora", "porting", "acme *") in found
    assert listed(invoke, file, "--since", "2999-01-01") == []


def test_a_table_for_people(invoke: Invoke, file: Path) -> None:
    in_store(file, lambda store: record(store, "nora", "journal dismiss", "a1b2", "done by hand"))
    done = invoke("audit", "-c", str(file))
    assert "journal dismiss" in done.stdout
    assert "done by hand" in done.stdout
