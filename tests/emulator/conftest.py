from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from aiohttp.web import Application

from shim.emulator.app import Options, application
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import World
from tests.emulator.caller import Backend, Client

MakeClient = Callable[[TestServer | Application], Awaitable[Client]]


@pytest.fixture
def world() -> World:
    return load_seed()


@pytest.fixture
def start(aiohttp_client: MakeClient, world: World) -> Callable[..., Awaitable[Backend]]:
    async def _start(**options: Any) -> Backend:
        return Backend(world, await aiohttp_client(application(world, Options(**options))))

    return _start


@pytest.fixture
async def backend(start: Callable[..., Awaitable[Backend]]) -> Backend:
    return await start()
