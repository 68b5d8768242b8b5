"""The page and its API are loaded by the first request for them, once, and by no other request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from shim.edge.app import Application
from shim.review import listener
from tests.review.page.running import application, config


async def test_the_first_request_for_a_page_loads_them_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[str] = []
    imported = listener._imported

    def counted() -> Callable[[Application], web.Application]:
        loads.append("pages")
        return imported()

    monkeypatch.setattr(listener, "_imported", counted)
    async with application(config(tmp_path)) as shim:
        server = TestServer(shim.admin_routes(listener.review))
        async with TestClient[web.Request, web.Application](server) as client:

            async def status(path: str) -> int:
                async with client.get(path, allow_redirects=False) as answer:
                    return answer.status

            assert [await status(path) for path in ("/", "/livez", "/nothing", "/reviews")] == [
                302,
                200,
                404,
                404,
            ]
            assert loads == []
            paths = ("/review/login", "/review/static/style.css", "/api/v1/openapi.json", "/review/nothing")
            assert await asyncio.gather(*map(status, paths)) == [200, 200, 200, 303]
            assert loads == ["pages"]


async def test_who_never_asked_for_a_page_ends_without_one(tmp_path: Path) -> None:
    async with application(config(tmp_path)) as shim:
        server = TestServer(shim.admin_routes(listener.review))
        async with TestClient[web.Request, web.Application](server) as client, client.get("/livez") as answer:
            assert answer.status == 200
