from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shim.edge.app import Application
from tests.review.page.running import Browser, application, config, served


@pytest.fixture
async def shim(tmp_path: Path) -> AsyncIterator[Application]:
    async with application(config(tmp_path)) as opened:
        yield opened


@pytest.fixture
async def stranger(shim: Application) -> AsyncIterator[Browser]:
    """Somebody who is not logged in."""
    async with served(shim) as browser:
        yield browser


@pytest.fixture
async def nora(stranger: Browser) -> Browser:
    """Somebody who is."""
    await stranger.login()
    return stranger
