"""The way back of docs/upgrading.md, walked: to the release before, and further by the backup."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import yaml
from typer.testing import CliRunner, Result

from shim.cli.main import app
from shim.edge.store.database import Store
from shim.edge.store.release import migrate
from tests.edge.store.test_release import HEAD, NOW, release_after
from tests.end_to_end.messages import NORTHWIND, envelope, request
from tests.end_to_end.running import Shim, StartShim
from tests.end_to_end.wire import answered, faulted, post

EXTENSION = "/soap2/extension_agent.php"


def added(shim: Shim, login: str) -> str:
    """The ID of a new extension of Northwind's."""
    fields = (
        f"<name>{login}</name><company>Harbour</company><login>{login}</login><password>Pass-2025</password>"
        "<country>us</country><parentID>20</parentID>"
    )
    answer = answered(post(shim, envelope(request("AddExtensionRequest", fields), login=NORTHWIND), EXTENSION))
    return answer.get("ID") or ""


def name_of(shim: Shim, id: str) -> str | None:
    """The name that an old ID finds."""
    asked = envelope(request("GetExtensionDetailsRequest", f"<ID>{id}</ID>"), login=NORTHWIND)
    reply = post(shim, asked, EXTENSION)
    return answered(reply).get("name") if reply.status == 200 else faulted(reply) and None


def listed(shim: Shim) -> dict[str, str]:
    """IDs by name, of Northwind's extensions."""
    asked = envelope(request("GetExtensionsRequest", "<parentID>20</parentID>"), login=NORTHWIND)
    rows = answered(post(shim, asked, EXTENSION)).all("extension")
    assert len({row.get("ID") for row in rows}) == len(rows)
    return {row.get("name") or "": row.get("ID") or "" for row in rows}


def ended(shim: Shim) -> None:
    shim.signal(signal.SIGTERM)
    assert shim.wait() == 0


def command(folder: Path, shim: Shim, *words: str) -> Result:
    """A command with the configuration of a shim that has ended."""
    file = folder / "shim.yaml"
    file.touch(0o600)
    file.write_text(yaml.safe_dump(shim.settings))
    return CliRunner().invoke(app, [*words, "-c", str(file)])


def brought_up_to_date(url: str, migrations: Path) -> None:
    """What the next release does with the store when it starts."""

    async def run() -> None:
        store = await Store.open(url)
        async with store.writing() as connection:
            await connection.run_sync(migrate, NOW, migrations)
        await store.close()

    asyncio.run(run())


def test_to_the_release_before_and_further_back_by_the_backup(start_shim: StartShim, tmp_path: Path) -> None:
    file = tmp_path / "shim.db"
    url = f"sqlite+aiosqlite:///{file}"
    changes = {"store.url": url}
    before = start_shim(changes)
    early = added(before, "early-bird")
    ended(before)

    # Before: back up the store.
    with closing(sqlite3.connect(file)) as store, closing(sqlite3.connect(tmp_path / "before.db")) as backup:
        store.backup(backup)

    # The next release brings the store up to date; then back to this one, without touching the store.
    brought_up_to_date(url, release_after(tmp_path, HEAD))
    back = start_shim(changes)
    back.said("store of a newer release", revision="9999", known=HEAD)
    late = added(back, "night-owl")
    assert (name_of(back, early), name_of(back, late)) == ("early-bird", "night-owl")
    ended(back)

    # A release whose store this one cannot use: told, and left alone.
    with closing(sqlite3.connect(file)) as store:
        store.execute("UPDATE store_release SET oldest_code = '9999' WHERE revision = '9999'")
        store.commit()
    refused = command(tmp_path, back, "check", "--offline")
    assert refused.exit_code == 2
    assert "docs/upgrading.md" in " ".join((refused.stdout + refused.stderr).split())

    # Further back: the backup in its place. What was issued since is found again, or never given to another.
    for each in tmp_path.glob("shim.db*"):
        if each.suffix in (".db", ".db-wal", ".db-shm"):
            each.unlink()
    shutil.copy(tmp_path / "before.db", file)
    verified = command(tmp_path, back, "map", "verify")
    assert "night-owl" in verified.stdout + verified.stderr or late in verified.stdout + verified.stderr, (
        verified.stdout + verified.stderr
    )
    again = start_shim(changes)
    again.said("store is behind")
    assert name_of(again, early) == "early-bird"
    found = listed(again)
    assert found["early-bird"] == early
    newest = added(again, "third-one")
    assert newest not in (early, late)
    assert name_of(again, late) in (None, "night-owl")
