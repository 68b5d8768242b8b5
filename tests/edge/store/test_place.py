"""One shim on an SQLite file, and no store in the place of another; relative paths beside the configuration."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from typer.testing import CliRunner

from shim.cli.common.console import ExitCode
from shim.cli.main import app
from shim.core.commands.extensions import Known
from shim.core.errors import StoreError
from shim.edge.app import open_application
from shim.edge.deprecation.log import spool_folder
from shim.edge.identities.map import IdentityMap
from shim.edge.identities.tables import COUNTERS, EVENTS, IDENTITIES
from shim.edge.settings.load import Config, load_config
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store
from shim.edge.store.kept import KEPT_FOR_ALL
from shim.edge.store.place import Marker, StoreMark, held, mark_path

pytest_plugins = ["tests.support.postgres"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text("backend: {url: 'http://127.0.0.1:1'}\n")
    return load_config(file, environ={})


async def opened(config: Config) -> Store:
    return await Store.open(config.store.url)


async def issue(store: Store, user: str) -> str:
    """An issued ID: that of the second extension of a user."""
    identities = IdentityMap(store, Identities())
    known = [Known(user, f"0020*{user}{number}") for number in (1, 2)]
    return (await identities.learn(known))[1].old_id


async def test_the_second_shim_on_a_file_is_told_who_has_it(config: Config) -> None:
    store, other = await opened(config), await opened(config)
    async with held(store, NOW):
        with pytest.raises(StoreError) as caught:
            async with held(other, NOW, patience=0):
                raise AssertionError
    assert caught.value.reason == "store-held"
    assert f"process {os.getpid()} on " in caught.value.text
    assert "since 2026-01-01T00:00:00+00:00" in caught.value.text
    async with held(other, NOW, patience=0):
        pass
    for each in (store, other):
        await each.close()


async def test_a_shim_that_is_about_to_end_is_waited_for(config: Config) -> None:
    store, other = await opened(config), await opened(config)
    first = held(store, NOW)
    await first.__aenter__()

    async def second() -> None:
        async with held(other, NOW, patience=60):
            pass

    waiting = asyncio.create_task(second())
    await asyncio.sleep(0)
    await first.__aexit__(None, None, None)
    await waiting
    for each in (store, other):
        await each.close()


async def test_a_second_application_does_not_start(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.store.place._LOOK", 0.001)
    async with open_application(config):
        with pytest.raises(StoreError, match="in use by another shim"):
            async with open_application(config):
                raise AssertionError
    async with open_application(config):
        pass


async def test_a_store_that_is_gone_is_not_taken_for_a_new_one(config: Config) -> None:
    async with open_application(config) as application:
        file = application.store.path
    assert file is not None
    file.unlink()
    for _ in range(2):
        with pytest.raises(StoreError) as caught:
            async with open_application(config):
                raise AssertionError
        assert caught.value.reason == "store-replaced"
        assert "--new-store" in caught.value.text
    async with open_application(config, new_store=True):
        pass
    async with open_application(config):
        pass


async def test_an_empty_postgresql_in_its_place_is_noticed_too(
    tmp_path: Path, postgres: Callable[[], str]
) -> None:
    file = tmp_path / "config.yaml"

    def at(url: str) -> Config:
        file.write_text(f"backend: {{url: 'http://127.0.0.1:1'}}\nstore: {{url: '{url}'}}\n")
        return load_config(file, environ={})

    async with open_application(at(postgres())):
        assert (tmp_path / "shim.mark").exists()
    with pytest.raises(StoreError, match="not the one that was served here"):
        async with open_application(at(postgres())):
            raise AssertionError


async def test_a_backup_goes_on_issuing_where_the_store_had_ended(config: Config) -> None:
    store = await opened(config)
    marker = Marker(store, mark_path(config, store))
    await marker.claim()
    issued = [await issue(store, user) for user in ("31", "32")]
    await marker.stop()
    async with store.writing() as connection:  # what a backup of the evening before has
        await connection.execute(sa.update(COUNTERS).values(next=None))
        for table in (IDENTITIES, EVENTS):
            await connection.execute(sa.delete(table))
    with capture_logs() as logged:
        await Marker(store, mark_path(config, store)).claim()
    assert [each["event"] for each in logged] == ["store is behind"]
    assert int(await issue(store, "33")) > max(map(int, issued))
    await store.close()


async def test_a_file_that_was_deleted_or_replaced_takes_nothing(config: Config, tmp_path: Path) -> None:
    store = await opened(config)
    assert store.path is not None
    store.path.rename(tmp_path / "moved")
    for replaced in (False, True):
        if replaced:
            store.path.write_bytes((tmp_path / "moved").read_bytes())
        with pytest.raises(StoreError, match="deleted or replaced"):
            await store.issue("industry")
    await store.close()


async def test_a_store_whose_identity_changes_is_a_problem(config: Config) -> None:
    store = await opened(config)
    marker = Marker(store, mark_path(config, store))
    await marker.claim()
    await marker.keep()
    await store.write(lambda connection: connection.execute(sa.delete(KEPT_FOR_ALL)))
    with pytest.raises(StoreError, match="was replaced while the shim ran"):
        await marker.keep()
    await store.close()


@pytest.mark.parametrize("text", ["", "[]", '{"store": 1}', '{"store": "a", "counters": {"issued": "x"}}'])
def test_a_mark_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "mark").write_text(text)
    assert StoreMark.read(tmp_path / "mark") is None
    assert not StoreMark("a").write(tmp_path / "nowhere" / "mark")
    assert StoreMark("a", {"issued": 7}).write(tmp_path / "mark")
    assert StoreMark.read(tmp_path / "mark") == StoreMark("a", {"issued": 7})
    assert json.loads((tmp_path / "mark").read_text())["store"] == "a"


# ---- where paths are ----


@pytest.mark.parametrize(
    ("url", "database", "spool"),
    [
        (None, "{folder}/shim.db", "{folder}/shim.db.spool"),
        ("sqlite+aiosqlite:///shim.db", "{folder}/shim.db", "{folder}/shim.db.spool"),
        ("sqlite:///a/shim.db?cache=shared", "{folder}/a/shim.db?cache=shared", "{folder}/a/shim.db.spool"),
        ("sqlite:////var/lib/shim.db", "/var/lib/shim.db", "/var/lib/shim.db.spool"),
        ("sqlite://", "sqlite://", "{folder}/shim.spool"),
        ("sqlite:///:memory:", ":memory:", "{folder}/shim.spool"),
        ("postgresql://host/shim", "postgresql://host/shim", "{folder}/shim.spool"),
    ],
)
@pytest.mark.parametrize("by", ["file", "variable"])
def test_a_relative_store_is_beside_the_configuration(
    tmp_path: Path, url: str | None, database: str, spool: str, by: str
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        "backend: {url: 'http://127.0.0.1:1'}\n"
        + (f"store: {{url: '{url}'}}\n" if url and by == "file" else "")
    )
    environ = {"SHIM_STORE__URL": url} if url and by == "variable" else {}
    config = load_config(file, environ=environ)
    found = config.store.url.get_secret_value()
    assert found.endswith(database.format(folder=tmp_path))
    assert spool_folder(config) == Path(spool.format(folder=tmp_path))


def test_only_serve_and_check_make_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    file = tmp_path / "config.yaml"
    file.write_text("backend: {url: 'http://127.0.0.1:1'}\n")
    for command in (("journal", "list"), ("porting", "show"), ("report",), ("map", "show", "1")):
        done = CliRunner().invoke(app, [*command, "-c", str(file)])
        assert done.exit_code == ExitCode.USAGE, command
        assert "no store yet" in done.output, command
        assert f"{tmp_path}/shim.db" in done.output.replace("\n", "")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config.yaml"]
    CliRunner().invoke(app, ["check", "--offline", "-c", str(file)])
    assert (tmp_path / "shim.db").exists()
    assert CliRunner().invoke(app, ["journal", "list", "-c", str(file)]).exit_code == ExitCode.FINE


async def test_an_empty_database_is_no_store(postgres: Callable[[], str]) -> None:
    url = postgres()
    with pytest.raises(StoreError) as caught:
        await Store.open(url, create=False)
    assert caught.value.reason == "no-store"
    await (await Store.open(url)).close()
    await (await Store.open(url, create=False)).close()


async def test_check_tells_of_a_replaced_store(config: Config, tmp_path: Path) -> None:
    store = await opened(config)
    marker = Marker(store, mark_path(config, store), new_store=False)
    await marker.start()
    await issue(store, "20")
    await marker.stop()
    await store.close()

    def delete() -> None:
        files = list(tmp_path.rglob("*.db*"))
        for each in files:
            if each.suffix == ".db" or each.suffix.startswith(".db-"):
                each.unlink()

    def check() -> str:
        done = CliRunner().invoke(app, ["check", "--config", str(tmp_path / "config.yaml")])
        return " ".join((done.stdout + done.stderr).split())

    assert "deleted or replaced" not in await asyncio.to_thread(check)
    delete()
    said = await asyncio.to_thread(check)
    assert "It was deleted or replaced, and would issue IDs again that old clients have." in said
    assert "--new-store" in said
