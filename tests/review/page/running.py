"""The review page over a world of integrations, as a shim has it on its admin listener."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from shim.edge import app
from shim.edge.app import Application, open_application
from shim.edge.settings.admin import AdminUser
from shim.edge.settings.load import Config
from shim.review.listener import review
from tests.review import world
from tests.support.conversation import catalogue

USER, PASSWORD = "nora", "a-long-enough-one"
Clock = Callable[[], datetime]


@cache
def admin_user() -> AdminUser:
    """Somebody who may use the page; the hash is a cheap one."""
    return AdminUser(name=USER, password_hash=PasswordHasher(1, 64, 1).hash(PASSWORD))


def config(folder: Path, porting: Mapping[str, Mapping[str, str]] | None = None, **admin: Any) -> Config:
    """The world's configuration, with a user of the page and a store in a folder."""
    base = world.config(porting)
    fresh = Config.model_validate(
        {
            "store": {"url": f"sqlite+aiosqlite:///{folder}/shim.db"},
            "admin": {"port": 0, "users": [admin_user()], **admin},
            "backend": {"url": base.backend.url, "health": {"every": 0}},
            "listen": {"public_url": "https://pbx.example.com"},
        }
    )
    return fresh.model_copy(update={"integrations": base.integrations})


@asynccontextmanager
async def application(settings: Config, log: world.Builder | None = None) -> AsyncIterator[Application]:
    """A shim whose clock stands at the world's time, with the world in its deprecation log or another log."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "catalogue", catalogue)  # compiled once for all tests
        async with open_application(settings, lambda: world.NOW) as opened:
            await (log or world.world()).fill(opened.store)
            yield opened


class Browser:
    """A client that fills in forms like a browser without scripts."""

    def __init__(self, client: TestClient[Any, Any]) -> None:
        self.client = client

    async def get(self, path: str, status: int = 200) -> str:
        async with self.client.get(path) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return text

    async def post(self, path: str, page: str, status: int = 200, **fields: str) -> str:
        """Send a form with the token of a page; follows to the page that comes next."""
        token = re.search(r'name="token" value="([^"]+)"', page)
        async with self.client.post(path, data={"token": token[1] if token else "", **fields}) as answer:
            text = await answer.text()
            assert answer.status == status, text
            return text

    async def login(self, name: str = USER, password: str = PASSWORD, status: int = 200) -> str:
        page = await self.get("/review/login")
        return await self.post("/review/login", page, status, name=name, password=password)


@asynccontextmanager
async def served(shim: Application) -> AsyncIterator[Browser]:
    """The admin listener of a shim, and somebody who is not logged in."""
    async with TestClient[web.Request, web.Application](TestServer(shim.admin_routes(review))) as client:
        yield Browser(client)
