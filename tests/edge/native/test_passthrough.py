"""Native calls are counted as ported use: whose token it is, which v3 operation, and whether it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from shim.edge.backend.client import Backend, open_session
from shim.edge.backend.tokens import Tokens, open_http
from shim.edge.http.peer import Peers
from shim.edge.native.passthrough import PassThrough, PassThroughRules
from shim.edge.native.relay import Sizes
from shim.edge.native.token_owners import TokenOwners
from shim.edge.settings.backend import BackendSettings as Settings
from shim.edge.store.database import Store
from shim.interfaces.load import new
from tests.end_to_end.native import USER, native

GET = "<GetUsers><parentID>1</parentID></GetUsers>"


class Counted:
    def __init__(self) -> None:
        self.calls: list[tuple[str, str, bool]] = []

    def ported(self, integration: str, operation: str, *, fault: bool) -> None:
        self.calls.append((integration, operation, fault))


@pytest.fixture
async def fixture(tmp_path: Path) -> AsyncIterator[tuple[str, PassThrough, TokenOwners, Counted, list[int]]]:
    """The URL of a front, its parts, what was counted, and the statuses that the backend answers with."""
    statuses: list[int] = []

    async def reply(request: web.Request) -> web.Response:
        return web.Response(status=statuses.pop(0))

    backend_app, front_app = web.Application(), web.Application()
    backend_app.router.add_post(USER, reply)
    store, counted = await Store.open(f"sqlite:///{tmp_path}/shim.db"), Counted()
    async with TestServer(backend_app) as server:
        settings = Settings(url=str(server.make_url("")).rstrip("/"))
        async with open_session(settings) as session, open_http(settings) as http:
            backend = Backend(session, Tokens(http, ""), settings)
            rules, owners = PassThroughRules(10_000, 5.0, Sizes(10_000, 1000)), TokenOwners(store)
            calls = PassThrough(new(), backend, owners, Peers(None, ()), rules, counted)
            front_app.router.add_post(USER, calls.post)
            async with TestServer(front_app) as front:
                yield str(front.make_url(USER)), calls, owners, counted, statuses
    await store.close()


async def test_every_native_call_counts_once(
    fixture: tuple[str, PassThrough, TokenOwners, Counted, list[int]],
) -> None:
    url, calls, owners, counted, statuses = fixture
    await owners.remember("t-1", "crm", 100)
    statuses += [200, 500, 200, 200]
    sent = (native("t-1", GET), native("t-1", GET), native("t-2", GET), b"no message")
    async with ClientSession() as session:
        for body in sent:
            async with session.post(url, data=body):
                pass
        await calls.close()
        assert sorted(counted.calls) == [
            ("(unknown)", "(unknown)", False),
            ("(unknown)", "User.GetUsers", False),
            ("crm", "User.GetUsers", False),
            ("crm", "User.GetUsers", True),
        ]
        async with session.post(url, data=b" " * 10_001) as refused:
            assert refused.status == 500
    assert counted.calls[-1] == ("(unknown)", "(unknown)", True)


async def test_an_operation_newer_than_the_interface_counts_by_its_name_once_v3_served_it(
    fixture: tuple[str, PassThrough, TokenOwners, Counted, list[int]],
) -> None:
    url, calls, owners, counted, statuses = fixture
    await owners.remember("t-1", "crm", 100)
    newer = [
        native("t-1", f"<{name}/>") for name in ("GetNewThings", "GetNewThings", "GetNewThings", "get.things")
    ]
    statuses += [500, 200, 500, 200]
    async with ClientSession() as session:
        for body in newer:
            async with session.post(url, data=body):
                pass
    await calls.close()
    assert counted.calls == [
        ("crm", "(unknown)", True),
        ("crm", "User.GetNewThings", False),
        ("crm", "User.GetNewThings", True),
        ("crm", "(unknown)", False),
    ]
