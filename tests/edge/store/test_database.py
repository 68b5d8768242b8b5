from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from shim.core.commands.kept import Shared
from shim.core.errors import StoreError
from shim.core.message import Element
from shim.edge.store.database import Store, is_busy, wal_reset_bug
from shim.edge.store.elements import from_json, to_json
from shim.edge.store.kept import KEPT

if TYPE_CHECKING:
    from tests.support.postgres import Restartable

pytest_plugins = ["tests.support.postgres"]

MIGRATIONS = Path(__file__).parents[3] / "shim" / "edge" / "store" / "migrations" / "versions"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "shim.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path) -> str:
    if request.param == "postgresql":
        made: str = request.getfixturevalue("postgres")()
        return made
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
async def in_file(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{path}")
    yield store
    await store.close()


def industry(text: str) -> Element:
    return Element("industry", text)


async def rows(store: Store) -> list[sa.Row[Any]]:
    async with store.reading() as connection:
        return list(await connection.execute(sa.select(KEPT).order_by(KEPT.c.account, KEPT.c.field)))


# ---- keeping ----


async def test_what_was_kept_comes_back_also_after_a_restart(store: Store, url: str) -> None:
    links = Element("links", None, {"n": "2"}, [Element("a", "1"), Element("b", "", nil=True)])
    await store.remember("20", {"industry": industry("4"), "links": links})
    await store.remember("20", {"industry": industry("5")})
    await store.remember("21", {})
    expected = {"industry": industry("5"), "links": links}
    assert await store.recall("20") == expected
    assert await store.recall("21") == {}
    await store.close()
    again = await Store.open(SecretStr(url))
    assert await again.recall("20") == expected
    await again.close()


async def test_forgetting_many_at_once(store: Store) -> None:
    for account in ("1", "2", "3"):
        await store.remember(account, {"industry": industry("4")})
    assert await store.recall("1")
    await store.forget(["1", "3", *(str(number) for number in range(10, 2000))])
    await store.forget([])
    assert [row.account for row in await rows(store)] == ["2"]
    assert await store.recall("1") == {}


async def test_time_is_kept_in_utc(store: Store) -> None:
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    store._clock = lambda: time
    await store.remember("20", {"industry": industry("4")})
    [row] = await rows(store)
    assert tuple(row)[:3] == ("20", "industry", '["industry","4",{},[]]')
    assert row.updated_at.replace(tzinfo=UTC) == time


async def test_reading_again_asks_nobody_and_gives_a_copy(in_file: Store, path: Path) -> None:
    store = in_file
    await store.remember("20", {"industry": industry("4")})
    first = await store.recall("20")
    first["industry"].text = "changed by whoever got it"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM kept")
        connection.commit()
    assert await store.recall("20") == {"industry": industry("4")}


async def test_a_read_that_a_write_overtakes_is_not_kept(store: Store) -> None:
    inner = store._read

    async def overtaken(account: str) -> dict[str, str]:
        found = await inner(account)
        await store.remember(account, {"industry": industry("new")})
        return found

    store._read = overtaken  # type: ignore[method-assign]
    assert await store.recall("20") == {}
    store._read = inner  # type: ignore[method-assign]
    assert await store.recall("20") == {"industry": industry("new")}


async def test_memory_is_bounded(in_file: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.store.database._MOST_CACHED", 3)
    for account in range(10):
        await in_file.recall(str(account))
    assert len(in_file._cache) == 3


async def test_a_shared_database_is_asked_each_time(postgres: Callable[[], str]) -> None:
    url = postgres()
    one, other = [await Store.open(url) for _ in range(2)]
    for text in ("4", "5"):
        await one.remember("20", {"industry": industry(text)})
        assert await other.recall("20") == {"industry": industry(text)}
    await one.close()
    await other.close()


async def test_writers_at_once_all_get_through(store: Store) -> None:
    await asyncio.gather(*(store.remember(str(n), {"industry": industry(str(n))}) for n in range(30)))
    assert len(await rows(store)) == 30


async def test_a_write_that_fails_leaves_nothing(store: Store) -> None:
    async with store.writing() as connection:
        await connection.exec_driver_sql("CREATE UNIQUE INDEX one_value ON kept (value)")
    await store.remember("21", {"b": industry("canary")})
    with pytest.raises(StoreError) as caught:
        await store.remember("20", {"a": industry("1"), "b": industry("canary")})
    assert (caught.value.reason, caught.value.side) == ("store-unavailable", "Server")
    assert "canary" not in caught.value.text
    assert [row.account for row in await rows(store)] == ["21"]
    assert await store.recall("20") == {}


# ---- opening ----


async def test_sqlite_is_set_up_for_writes_that_hold(in_file: Store, path: Path) -> None:
    async with in_file._engine.connect() as connection:
        for pragma, value in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("busy_timeout", 35000),
            ("foreign_keys", 1),
        ):
            assert (await connection.exec_driver_sql(f"PRAGMA {pragma}")).scalar_one() == value, pragma
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


async def test_without_wal_every_commit_is_synced_twice(path: Path) -> None:
    store = await Store.open(f"sqlite:///{path}", "delete")
    async with store._engine.connect() as connection:
        assert (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "delete"
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar_one() == 3
    assert await store.check() == []
    await store.close()


async def test_opening_twice_at_once(url: str) -> None:
    one, other = await asyncio.gather(*(Store.open(url) for _ in range(2)))
    async with one.reading() as connection:
        versions = (await connection.exec_driver_sql("SELECT * FROM alembic_version")).all()
    assert versions == [(max(each.stem[:4] for each in MIGRATIONS.glob("0*.py")),)]
    await one.close()
    await other.close()


async def test_a_shared_database_has_nothing_to_warn_of(postgres: Callable[[], str]) -> None:
    store = await Store.open(postgres())
    assert await store.check() == []
    await store.close()


async def test_a_server_that_cannot_be_used(postgres: Callable[[], str]) -> None:
    with pytest.raises(StoreError) as caught:
        await Store.open(postgres().replace("/shim", "/canary"))
    assert caught.value.reason == "store-unavailable"
    assert "canary" not in caught.value.text


async def test_in_memory() -> None:
    store = await Store.open("sqlite+aiosqlite:///:memory:")
    await store.remember("1", {"industry": industry("4")})
    assert await store.recall("1") == {"industry": industry("4")}
    await store.close()


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("canary", "no database address"),
        ("canary://canary", "no database address"),
        ("sqlite:////nowhere/canary/shim.db", "No such file"),
        ("postgresql+canary://u:canary@127.0.0.1/x", "no database address"),
        ("sqlite:///{tmp}", "Is a directory"),
        ("sqlite:///{tmp}/text", "its database failed (DatabaseError)"),
    ],
)
async def test_what_cannot_be_opened(tmp_path: Path, url: str, what: str) -> None:
    (tmp_path / "text").write_text("canary, and no database" * 100)
    with pytest.raises(StoreError) as caught:
        await Store.open(url.format(tmp=tmp_path))
    assert caught.value.reason == "store-unavailable"
    assert what in caught.value.text
    assert "canary" not in caught.value.text


async def test_a_driver_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(StoreError, match=r"driver asyncpg\S* is not installed"):
        await Store.open("postgresql://u:p@127.0.0.1/x")


# ---- warnings ----


@pytest.mark.parametrize(
    ("version", "bug"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 44, 9), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
    ],
)
def test_versions_with_the_bug(version: tuple[int, ...], bug: bool) -> None:
    assert wal_reset_bug(version) is bug


async def test_the_warning_says_what_to_do(in_file: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.store.database.wal_reset_bug", lambda version: len(version) == 3)
    [warning] = await in_file.check()
    assert "store.journal_mode" in warning
    monkeypatch.setattr("shim.edge.store.database.wal_reset_bug", lambda version: False)
    assert await in_file.check() == []


# ---- both engines, and the package ----


async def test_migrations_make_the_table_that_the_code_means(in_file: Store, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        columns = connection.execute("PRAGMA table_info(kept)").fetchall()
    assert [column[1] for column in columns] == [column.name for column in KEPT.columns]
    assert [column[1] for column in columns if column[5]] == ["account", "field"]


@pytest.mark.slow
def test_the_wheel_holds_the_migrations(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    for name in ("pyproject.toml", "hatch_build.py", "README.md"):
        shutil.copy(root / name, tmp_path)
    for name in ("shim", "translations"):
        shutil.copytree(root / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    environment = {**os.environ, "SHIM_COMPILED": "0"}
    subprocess.run(
        [sys.executable, "-c", build, "dist"], cwd=tmp_path, check=True, capture_output=True, env=environment
    )
    [wheel] = (tmp_path / "dist").glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    migrations = {
        path.relative_to(root).as_posix() for path in (root / "shim/edge/store/migrations").rglob("*.py")
    }
    assert len(migrations) >= 3
    assert migrations <= set(names)


# ---- elements ----

texts = st.none() | st.text(max_size=20)
attributes = st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=5), max_size=3)
elements = st.recursive(
    st.builds(Element, st.text(min_size=1, max_size=10), texts, attributes, st.just([]), st.booleans()),
    lambda inner: st.builds(Element, st.text(min_size=1), texts, attributes, st.lists(inner, max_size=3)),
    max_leaves=10,
)


@given(elements)
def test_elements_survive_the_round_trip(element: Element) -> None:
    assert from_json(to_json(element)) == element


# ---- counters ----


async def test_a_counter_counts_from_one_and_goes_on_after_a_restart(store: Store, url: str) -> None:
    assert [await store.issue("industry") for _ in range(3)] == [1, 2, 3]
    assert await store.issue("other") == 1
    await store.close()
    again = await Store.open(url)
    assert await again.issue("industry") == 4
    await again.close()


async def test_what_is_kept_for_all_is_no_accounts(store: Store, url: str) -> None:
    industries = Shared("20")
    await store.remember(industries, {"1003": industry("Retail")})
    await store.remember("20", {"industry": industry("4")})
    await store.forget(["20"])
    assert await store.recall("20") == {}
    await store.close()
    again = await Store.open(url)
    assert await again.recall(industries) == {"1003": industry("Retail")}
    await again.close()


async def test_two_shims_on_one_database_never_get_the_same_number(url: str) -> None:
    stores = await asyncio.gather(*(Store.open(url) for _ in range(2)))
    given = await asyncio.gather(*(store.issue("industry") for _ in range(20) for store in stores))
    for store in stores:
        await store.close()
    assert sorted(given) == list(range(1, 41))


async def test_a_number_that_could_not_be_written_is_not_given(in_file: Store, path: Path) -> None:
    assert await in_file.issue("industry") == 1
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TRIGGER no BEFORE UPDATE ON counters BEGIN SELECT RAISE(ABORT, 'no'); END")
        connection.commit()
    with pytest.raises(StoreError) as caught:
        await in_file.issue("industry")
    assert caught.value.reason == "store-unavailable"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER no")
        connection.commit()
    assert await in_file.issue("industry") == 2


# ---- for people ----


async def test_people_hear_soon_that_another_program_writes(in_file: Store, path: Path) -> None:
    hasty = in_file.within(0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError) as caught:
            async with hasty.writing():
                pass
        assert is_busy(caught.value)
        async with hasty.reading() as connection:
            assert (await connection.execute(sa.select(sa.func.count()).select_from(KEPT))).scalar() == 0
        other.execute("ROLLBACK")
    async with hasty.writing():
        pass


async def test_people_hear_soon_that_a_write_of_ours_has_not_ended(in_file: Store) -> None:
    async with in_file.writing():
        with pytest.raises(StoreError) as caught:
            async with in_file.within(0.05).writing():
                pass
        assert is_busy(caught.value)
    await in_file.remember("20", {"industry": industry("4")})
    assert await in_file.recall("20")


async def test_a_store_that_is_broken_is_not_busy(store: Store) -> None:
    with pytest.raises(StoreError) as caught:
        async with store.within(0.05).reading() as connection:
            await connection.execute(sa.text("SELECT nothing FROM nowhere"))
    assert not is_busy(caught.value)


async def test_a_postgresql_that_hangs_counts_as_away(restartable: Restartable) -> None:
    store = await Store.open(restartable.url, answer_timeout=0.5)
    await store.remember("7", {"industry": Element("industry", "1")})
    restartable.freeze()
    try:
        with pytest.raises(StoreError) as caught:
            await store.recall("7")
        assert caught.value.reason == "store-unavailable"
    finally:
        restartable.thaw()
    assert (await store.recall("7"))["industry"].text == "1"
    await store.close()


async def test_leases_do_not_move_with_a_clock_that_jumps(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.steady()

    class Jumped(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(days=2)

    monkeypatch.setattr("shim.edge.store.database.datetime", Jumped)
    assert store.now() - before > timedelta(days=1)
    assert store.steady() - before < timedelta(hours=1)


async def test_replicas_go_by_the_clock_of_postgresql(postgres: Callable[[], str]) -> None:
    url = postgres()
    one, other = await Store.open(url), await Store.open(url)
    at, monotonic = other._anchor
    other._anchor = (at + timedelta(seconds=120), monotonic)
    assert other.steady() - one.steady() > timedelta(seconds=60)
    await other.keep_time()
    assert abs(other.steady() - one.steady()) < timedelta(seconds=60)
    for each in (one, other):
        await each.close()


async def test_a_process_that_was_stopped_while_it_asked_for_the_time_is_not_behind_afterwards(
    postgres: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its leases would have run out when it makes them: others would take what it works on."""
    store = await Store.open(postgres())
    stopped = 0.0

    class Clock:
        @staticmethod
        def monotonic() -> float:
            return time.monotonic() + stopped

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped += 300

    monkeypatch.setattr("shim.edge.store.database.time", Clock)
    sa.event.listen(store._engine.sync_engine, "after_cursor_execute", stop)
    before = store.steady()
    await store.keep_time()
    sa.event.remove(store._engine.sync_engine, "after_cursor_execute", stop)
    assert stopped == 300
    assert store.steady() - before > timedelta(seconds=299)
    await store.close()
