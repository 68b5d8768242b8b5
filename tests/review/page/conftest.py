from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from shim.edge.app import Application
from shim.review.routes import review
from tests.review.page.running import Browser, application, config


@pytest.fixture
async def shim(tmp_path: Path) -> AsyncIterator[Application]:
    async with application(config(tmp_path)) as opened:
        yield opened


@pytest.fixture
async def stranger(shim: Application) -> AsyncIterator[Browser]:
    """Somebody who is not logged in."""
    async with TestClient[web.Request, web.Application](TestServer(shim.admin_routes(review))) as client:
        yield Browser(client)


@pytest.fixture
async def nora(stranger: Browser) -> Browser:
    """Somebody who is."""
    await stranger.login()
    return stranger
