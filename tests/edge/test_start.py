"""A start loads, compiles and holds no more than serving needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from shim.edge.catalogue import catalogue
from shim.edge.store.database import Store
from shim.edge.store.release import MIGRATIONS, newest
from shim.interfaces.load import STANDARD, Dialect, new

OPEN = """
import asyncio, sys
from shim.edge.serve import serve
from shim.edge.store.database import Store

async def open_it():
    await (await Store.open(sys.argv[1])).close()

asyncio.run(open_it())
print(*sorted(name for name in sys.argv[2:] if name in sys.modules))
"""
SERVED = """
import os, signal, sys
from shim.cli import main, serve

def started(*about):
    print("loaded:", *sorted(name for name in sys.argv[4:] if name in sys.modules))
    os.kill(os.getpid(), signal.SIGTERM)

serve._tell_start = started
main.app(sys.argv[1:4])
"""
HASHED = """
import sys
from pathlib import Path
from argon2 import PasswordHasher
from shim.edge import memory

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

memory.while_starting()
hasher = PasswordHasher(time_cost=1, memory_cost=32768, parallelism=1)
hasher.hash("warm")
before = resident()
for _ in range(3):
    hasher.hash("again")
print(resident() - before, resident())
hasher = PasswordHasher(time_cost=1, memory_cost=131072, parallelism=1)
hasher.hash("larger")
print(resident() - before)
"""


def told(program: str, *arguments: str) -> list[str]:
    """What a program says in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


async def test_a_store_that_is_up_to_date_is_opened_without_alembic_and_another_database(
    tmp_path: Path,
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"
    await (await Store.open(url)).close()
    *_, loaded = told(OPEN, url, "alembic", "mako", "cryptography", "asyncpg")
    assert loaded == ""


async def test_a_start_loads_nothing_that_only_pages_and_other_databases_need(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"
    await (await Store.open(url)).close()
    file = tmp_path / "shim.yaml"
    file.write_text(
        "listen: {port: 0, drain: 0}\n"
        "admin: {port: 0}\n"
        "backend: {url: 'http://127.0.0.1:1'}\n"
        f"store: {{url: '{url}'}}\n"
    )
    pages = (
        "jinja2",
        "markdown_it",
        "shim.review.page.routes",
        "shim.review.api.routes",
        "shim.review.reading",
    )
    others = (
        "asyncpg",
        "sqlalchemy.dialects.postgresql",
        "alembic",
        "joserfc",
        "shim.emulator",
        "shim.cli.check.checks",
        "rich",
        "pygments",
        "click",
        "httpx._main",
    )
    loaded = told(SERVED, "serve", "-c", str(file), *pages, *others, "aiohttp")
    assert "loaded: aiohttp" in loaded


async def test_a_store_that_is_behind_is_still_brought_up_to_date(tmp_path: Path) -> None:
    *_, loaded = told(OPEN, f"sqlite+aiosqlite:///{tmp_path / 'new.db'}", "alembic")
    assert loaded == "alembic"


def test_the_newest_revision_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert newest() == ScriptDirectory.from_config(config).get_current_head()


def test_a_dialect_is_read_and_its_catalogue_compiled_once() -> None:
    assert catalogue() is catalogue(STANDARD)
    assert new() is new(STANDARD)
    assert catalogue(Dialect(person_names="both")) is not catalogue()
    assert catalogue(Dialect(person_names="both")) is catalogue(Dialect(person_names="both"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_the_memory_of_a_password_hash_is_given_back() -> None:
    """32 MiB and 128 MiB for a hash: without the setting, glibc keeps them."""
    first, last = told(HASHED)
    assert int(first.split()[0]) < 16 << 10
    assert int(last) < 16 << 10
