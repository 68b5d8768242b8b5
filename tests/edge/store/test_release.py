"""Two releases on one store: the newer one migrates, the older one goes on or says what to do."""

from __future__ import annotations

import ast
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy.ext.asyncio import create_async_engine
from typer.testing import CliRunner

from shim.cli.main import app
from shim.core.errors import StoreError
from shim.core.message import Element
from shim.edge.deprecation.batch import Batch
from shim.edge.deprecation.writer import write
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store
from shim.edge.store.kept import KEPT
from shim.edge.store.release import MIGRATIONS, STORE_RELEASE, migrate
from translations.pbx.industries import INDUSTRIES

pytest_plugins = ["tests.support.postgres"]

NOW = datetime(2027, 3, 1, tzinfo=UTC)
NEXT = """
import sqlalchemy as sa
from alembic import op

revision = "9999"
down_revision = "{head}"
oldest_code = "{oldest}"

def upgrade():
    op.add_column("kept", sa.Column("why", sa.Text, nullable=True))
    op.add_column("identities", sa.Column("rank", sa.Integer, nullable=False, server_default="0"))
    op.create_table("novelties", sa.Column("id", sa.Integer, primary_key=True))
"""
EXPANDING = {"create_table", "create_index", "add_column", "bulk_insert"}


def scripts(folder: Path = MIGRATIONS) -> ScriptDirectory:
    config = AlembicConfig()
    config.set_main_option("script_location", str(folder))
    return ScriptDirectory.from_config(config)


HEAD = str(scripts().get_current_head())


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        made: str = request.getfixturevalue("postgres")()
        return made
    return f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"


def release_after(tmp_path: Path, oldest: str) -> Path:
    """The migrations of a release after this one, whose store can be used by code from `oldest` on."""
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "9999_next.py").write_text(NEXT.format(head=HEAD, oldest=oldest))
    return folder


async def upgraded(store: Store, folder: Path) -> None:
    async with store.writing() as connection:
        await connection.run_sync(migrate, NOW, folder)


async def test_the_release_before_works_on_while_and_after_the_next_one_migrates(
    url: str, tmp_path: Path
) -> None:
    running = await Store.open(url)
    await running.remember("20", {"industry": Element("industry", "4")})
    await upgraded(running, release_after(tmp_path, HEAD))
    await running.remember("21", {"industry": Element("industry", "5")})
    with structlog.testing.capture_logs() as logs:
        restarted = await Store.open(url)
    assert [(each["event"], each["revision"], each["known"]) for each in logs] == [
        ("store of a newer release", "9999", HEAD)
    ]
    await restarted.remember("22", {"industry": Element("industry", "6")})
    assert await restarted.recall("21") == {"industry": Element("industry", "5")}
    assert await IdentityMap(restarted, Identities()).all() == []
    async with restarted.reading() as connection:
        assert (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).all() == [
            ("9999",)
        ]
    await running.close()
    await restarted.close()


async def test_a_store_that_this_release_cannot_use_is_told_and_left_alone(url: str, tmp_path: Path) -> None:
    first = await Store.open(url)
    await upgraded(first, release_after(tmp_path, "9999"))
    await first.close()
    with pytest.raises(StoreError) as caught:
        await Store.open(url)
    assert caught.value.reason == "store-newer"
    for part in ("9999", HEAD, "nothing was changed", "backup", "docs/upgrading.md"):
        assert part in caught.value.text


async def test_a_store_that_says_nothing_of_who_may_use_it_is_not_used(url: str) -> None:
    first = await Store.open(url)
    async with first.writing() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9998'")
    await first.close()
    with pytest.raises(StoreError, match="a newer release") as caught:
        await Store.open(url)
    assert caught.value.reason == "store-newer"


@pytest.mark.parametrize("arguments", [["serve"], ["check", "--offline"], ["report"], ["journal", "list"]])
async def test_commands_end_with_code_2_and_say_what_to_do(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "shim.yaml"
    path.write_text("backend: {url: https://localhost:1}\nstore: {url: sqlite:///shim.db}\nlisten: {port: 0}\n")
    first = await Store.open(f"sqlite:///{tmp_path / 'shim.db'}")
    await upgraded(first, release_after(tmp_path, "9999"))
    await first.close()
    import asyncio

    result = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--config", str(path)])
    assert result.exit_code == 2, result.output
    assert "docs/upgrading.md" in result.output
    assert "Traceback" not in result.output


async def test_the_store_says_who_brought_it_up_to_date(url: str) -> None:
    store = await Store.open(url)
    async with store.reading() as connection:
        [row] = (await connection.execute(sa.select(STORE_RELEASE))).all()
    assert (row.revision, row.release) == (HEAD, "0.1.0")
    await store.close()


# ---- migrations ----


async def test_what_stood_under_keys_that_no_account_has_goes_on_in_its_own_tables(
    url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "before"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__", "001[3-9]_*"))
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://"))
    rows = [
        ("20", "industry", '["industry","1003",{},[]]'),
        ("industries", "1003", '["industry",null,{},[["name","Retail \\"A\\"",{},[]]]]'),
        ("counters", "industry", '["industry","3",{},[]]'),
        ("store", "identity", '["identity","0f1e",{},[]]'),
        ("deprecation-log", "b-1", '["batch",null,{},[]]'),
    ]
    async with engine.begin() as connection:
        await connection.run_sync(migrate, NOW, folder)
        for account, field, value in rows:
            row = {"account": account, "field": field, "value": value, "updated_at": NOW}
            await connection.execute(sa.insert(KEPT).values(**row))
    await engine.dispose()
    store = await Store.open(url)
    assert await store.identity() == "0f1e"
    assert await store.issue("industry") == 4
    assert (await store.recall(INDUSTRIES))["1003"].get("name") == 'Retail "A"'
    assert await store.recall("20") == {"industry": Element("industry", "1003")}
    assert await write(store, Batch("b-1")) is False
    await store.close()


@pytest.mark.parametrize("path", sorted((MIGRATIONS / "versions").glob("0*.py")), ids=lambda path: path.stem)
def test_migrations_only_expand(path: Path) -> None:
    """Whatever the release before does goes on working: nothing is renamed, narrowed or taken away."""
    assert list(shrinking(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("op.drop_table('kept')", "drop_table"),
        ("op.execute('UPDATE kept SET value = 1')", "execute"),
        ("op.execute('INSERT INTO kept (account) VALUES (1)')", "execute"),
        ("op.alter_column('kept', 'value', new_column_name='text')", "alter_column"),
        ("op.add_column('kept', sa.Column('n', sa.Text, nullable=False))", "add_column without a default"),
        ("op.create_index('one', 'kept', ['value'], unique=True)", "unique index on a table that is there"),
    ],
)
def test_what_would_break_the_release_before_is_found(statement: str, problem: str) -> None:
    assert list(shrinking(ast.parse(f"def upgrade():\n    {statement}\n"))) == [problem]


def shrinking(tree: ast.Module) -> list[str]:
    """What in a migration could break code that does not know it."""
    [upgrade] = [each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == "upgrade"]
    calls = [each for each in ast.walk(upgrade) if isinstance(each, ast.Call) and _of_op(each)]
    made = {_first(each) for each in calls if _name(each) == "create_table"}
    problems = []
    for call in calls:
        name, words = _name(call), {each.arg: each.value for each in call.keywords}
        if name == "execute" and _filled(call) in made:
            continue
        if name not in EXPANDING:
            problems.append(name)
        elif name == "add_column" and not _optional(call.args[1]):
            problems.append("add_column without a default")
        elif name == "create_index" and "unique" in words and ast.unparse(call.args[1]).strip("'") not in made:
            problems.append("unique index on a table that is there")
    return problems


def _filled(call: ast.Call) -> str | None:
    """The table that a statement inserts into, and does nothing else."""
    [statement] = call.args
    text = statement.value if isinstance(statement, ast.Constant) else ""
    words = str(text).split()
    return words[2] if words[:2] == ["INSERT", "INTO"] and ";" not in str(text) else None


def _of_op(call: ast.Call) -> bool:
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id == "op"


def _name(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return call.func.attr


def _first(call: ast.Call) -> str:
    return ast.unparse(call.args[0]).strip("'")


def _optional(column: ast.expr) -> bool:
    assert isinstance(column, ast.Call)
    words = {each.arg: each.value for each in column.keywords}
    nullable = words.get("nullable")
    not_null = isinstance(nullable, ast.Constant) and nullable.value is False
    return "server_default" in words or not (not_null or "primary_key" in words)


def test_each_migration_says_which_code_can_use_the_store() -> None:
    """It names a revision that exists, not a later one than itself, and never an earlier one than before."""
    found = [(each.revision, each.module.oldest_code) for each in scripts().walk_revisions()]
    order = [revision for revision, _ in reversed(found)]
    oldest = [order.index(code) for _, code in reversed(found)]
    assert oldest == sorted(oldest)
    assert all(code <= number for number, code in enumerate(oldest))
