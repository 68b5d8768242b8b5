"""A real process, killed by SIGKILL in the midst of a call, and the one that is started after it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import TestServer

from shim.emulator.app import application
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import World
from tests.journal.fixture import INTEGRATION, message
from tests.journal.test_calls import ADD

ROOT = Path(__file__).parents[2]


@pytest.fixture
def world() -> World:
    return load_seed()


@pytest.fixture
async def backend(world: World) -> AsyncIterator[str]:
    async with TestServer(application(world)) as server:
        yield str(server.make_url("")).rstrip("/")


@pytest.fixture
def config(tmp_path: Path, backend: str) -> Path:
    integration = {
        "name": INTEGRATION.name,
        "old": {"username": "northwind", "password": "x"},
        "new": {"app_key": "northwind-key", "app_secret": "northwind-app-secret"},
    }
    settings = {
        "listen": {"port": 0},
        "admin": {"port": 0},
        "backend": {"url": backend},
        "store": {"url": f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}"},
        "log": {"format": "json"},
        "integrations": [integration],
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    return tmp_path / "config.yaml"


@contextmanager
def started(config: Path, stderr: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """The shim; what it logs goes to the file `log` beside the configuration, or to a descriptor."""
    log = (config.parent / "log").open("a")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.serving", str(config)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=log if stderr is None else stderr,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        log.close()


async def port(process: subprocess.Popen[str]) -> int:
    return (await ports(process))[0]


async def ports(process: subprocess.Popen[str]) -> tuple[int, int]:
    """The public and the admin one."""
    assert process.stdout is not None
    public, admin = (await asyncio.to_thread(process.stdout.readline)).split()
    return int(public), int(admin)


async def post(number: int) -> tuple[int, str]:
    url = f"http://127.0.0.1:{number}/soap2/extension_agent.php"
    async with aiohttp.ClientSession() as session:
        response = await session.post(
            url, data=message("AddExtension", ADD), headers={"Content-Type": "text/xml"}
        )
        return response.status, await response.text()


async def until(world: World, operation: str) -> None:
    for _ in range(6000):
        if any(each.operation == operation for each in world.calls):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{operation} never came")


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["User.AddUser", "User.SetUserPL", "Extension.AddExtension"])
async def test_killed_while_a_write_is_under_way(config: Path, world: World, operation: str) -> None:
    world.interfere(operation, "late:20")
    with started(config) as process:
        calling = asyncio.create_task(post(await port(process)))
        await until(world, operation)
        process.send_signal(signal.SIGKILL)
        with pytest.raises(aiohttp.ClientError):
            await calling
        process.wait()
    assert world.by_login("desk1") is not None
    with started(config) as process:
        number = await port(process)
        for _ in range(6000):
            if world.by_login("desk1") is None:
                break
            await asyncio.sleep(0.01)
        status, text = await post(number)
        assert status == 200, text
    user = world.by_login("desk1")
    assert user is not None
    assert [each.number for each in world.extensions_of(user)] == ["0020*006"]
    log = (config.parent / "log").read_text()
    assert '"result": "undone"' in log
    assert '"recovered": true' in log
