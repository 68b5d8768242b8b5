"""A real shim on an injected clock, in front of the emulator, with its review page: for a scripted week."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import TestServer

from shim.edge import app
from shim.edge.app import Application, open_application
from shim.edge.settings.load import load_config
from shim.emulator.app import Options
from shim.emulator.app import application as emulator
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import World
from tests.review.page.running import Browser, admin_user, served
from tests.support.conversation import catalogue

TOKEN = "/oauth/token.php"
APPS = {
    "ledger": "acme",
    "switchboard": "admin",
    "crm": "acme",
    "portal": "acme",
    "fax-gateway": "contoso",
    "probe": "acme",
}
"""The account of the demo world whose v3 app each integration has."""


@dataclass
class Clock:
    """Moves when the test says so."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class WeekFixture:
    """All that runs: the shim, where it listens, the world behind it, and a browser that is logged in."""

    application: Application
    world: World
    clock: Clock
    url: str
    browser: Browser
    config: Path
    session: aiohttp.ClientSession = field(repr=False)

    async def post(self, path: str, body: bytes, agent: str | None) -> tuple[int, str]:
        """Status and text of the answer to a message."""
        headers = {"Content-Type": "text/xml; charset=utf-8"}
        if agent is not None:
            headers["User-Agent"] = agent
        async with self.session.post(self.url + path, data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def token(self, integration: str) -> str:
        """A v3 token of an integration, fetched through the shim."""
        form = {
            "grant_type": "client_credentials",
            "client_id": f"{integration}-key",
            "client_secret": f"{integration}-app-secret",
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        async with self.session.post(self.url + TOKEN, data=urlencode(form), headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json(content_type=None))["access_token"])

    async def settle(self) -> None:
        """Have everything that was told so far in the store, and every rung in force."""
        if self.application.native is not None:
            await self.application.native.calls.close()
        await self.application.deprecation.flush()
        await self.application.porting.refresh()


def settings(
    folder: Path,
    backend: str,
    apps: Mapping[str, str] = APPS,
    more: Mapping[str, Mapping[str, Any]] = {},  # nobody writes to it
    tokens: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """A configuration as an operator writes it; `more` is what is said of single integrations."""
    user = admin_user()
    return {
        "backend": {"url": backend},
        "faults": {"detail": True},
        "store": {"url": f"sqlite+aiosqlite:///{folder}/shim.db"},
        "admin": {
            "port": 0,
            "users": [{"name": user.name, "password_hash": user.password_hash}],
            "tokens": list(tokens),
        },
        "deprecation": {"keep_out": {"agents": ["check_soap/*"]}},
        "integrations": [
            {
                "name": name,
                "old": {"username": name, "password": f"{name}-secret"},
                "new": {"app_key": f"{name}-key", "app_secret": f"{name}-app-secret"},
                "watched": name != "probe",
                **more.get(name, {}),
            }
            for name in apps
        ],
    }


@asynccontextmanager
async def fixture(
    folder: Path,
    start: datetime,
    apps: Mapping[str, str] = APPS,
    more: Mapping[str, Mapping[str, Any]] = {},  # nobody writes to it
    tokens: Sequence[Mapping[str, str]] = (),
) -> AsyncIterator[WeekFixture]:
    """All of it for the integrations of `apps`, from this time on."""
    world, clock = load_seed(), Clock(start)
    for name, account in apps.items():
        known = world.apps[f"{account}-key"]
        world.apps[f"{name}-key"] = type(known)(f"{name}-key", f"{name}-app-secret", known.account)
    async with AsyncExitStack() as stack:
        stack.enter_context(pytest.MonkeyPatch.context()).setattr(app, "catalogue", catalogue)  # compiled once
        backend = await stack.enter_async_context(TestServer(emulator(world, Options())))
        file = folder / "config.yaml"
        file.write_text(
            yaml.safe_dump(settings(folder, str(backend.make_url("")).rstrip("/"), apps, more, tokens))
        )
        shim = await stack.enter_async_context(open_application(load_config(file), clock))
        public = await stack.enter_async_context(TestServer(shim.routes()))
        browser = await stack.enter_async_context(served(shim))
        await browser.login()
        session = await stack.enter_async_context(aiohttp.ClientSession(skip_auto_headers=["User-Agent"]))
        yield WeekFixture(shim, world, clock, str(public.make_url("")).rstrip("/"), browser, file, session)
