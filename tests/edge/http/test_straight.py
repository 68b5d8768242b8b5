"""Plain POSTs reach their handler past the router, and everything is as it is past it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, HttpVersion10, web
from aiohttp.typedefs import Handler

from shim.edge.http.answers import response
from shim.edge.http.paths import AS_SENT, by_normal_path
from shim.edge.http.straight import straight

PATH = "/soap2/client_agent.php"


@web.middleware
async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    answer.headers["X-Middleware"] = "outer"
    return answer


async def post(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    headers = {"X-Path": request.path, "X-Sent": str(AS_SENT in request), "X-App": str(request.app is not None)}
    return response(500 if body == b"fault" else 200, body[::-1], {"Content-Type": "text/xml", **headers})


async def get(_: web.Request) -> web.StreamResponse:
    return web.Response(text="help")


async def signal(_: web.Request, answer: web.StreamResponse) -> None:
    answer.headers["X-Signal"] = "sent"


@pytest.fixture
async def served() -> AsyncIterator[tuple[str, list[str]]]:
    """A server's address, and the paths that went through its router."""
    app = web.Application(middlewares=[outer, by_normal_path])
    app.router.add_post(PATH, post)
    app.router.add_get(PATH, get)
    app.router.add_route("*", "/{rest:.*}", get)
    app.on_response_prepare.append(signal)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    assert runner.server is not None
    through: list[str] = []
    ordinary = runner.server.request_handler

    async def otherwise(request: web.BaseRequest) -> web.StreamResponse:
        through.append(request.path)
        return await ordinary(request)

    runner.server.request_handler = straight(app, [outer], otherwise)
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", through
    await runner.cleanup()


async def test_a_plain_post_goes_straight_through_its_middlewares_and_signals(
    served: tuple[str, list[str]],
) -> None:
    address, through = served
    async with ClientSession() as session:
        for status, body in ((200, b"abc"), (500, b"fault"), (200, b"")):
            async with session.post(f"{address}{PATH}?a=1", data=body) as answer:
                assert (answer.status, await answer.read()) == (status, body[::-1])
                assert answer.headers["X-Middleware"] == "outer"
                assert answer.headers["X-Signal"] == "sent"
                assert answer.headers["X-Path"] == PATH
                assert answer.headers["X-Sent"] == "False"
                assert answer.headers["X-App"] == "True"
                assert answer.headers["Content-Length"] == str(len(body))
                assert "Date" in answer.headers
                assert "Server" not in answer.headers
                assert "Connection" not in answer.headers
    assert through == []


async def test_whatever_else_goes_through_the_application(served: tuple[str, list[str]]) -> None:
    address, through = served
    async with ClientSession() as session:
        async with session.get(f"{address}{PATH}") as answer:
            assert await answer.text() == "help"
        async with session.post(f"{address}/soap2//client_agent.php", data=b"abc") as answer:
            assert (await answer.read(), answer.headers["X-Sent"]) == (b"cba", "True")
        async with session.post(f"{address}{PATH}", data=b"abc", expect100=True) as answer:
            assert await answer.read() == b"cba"
        async with session.post(f"{address}/elsewhere", data=b"abc") as answer:
            assert await answer.text() == "help"
    assert through == [PATH, "/soap2//client_agent.php", PATH, "/elsewhere"]


async def test_connections_are_kept_or_closed_as_asked(served: tuple[str, list[str]]) -> None:
    address, _ = served
    last = {"Connection": "close"}
    async with ClientSession() as session, session.post(f"{address}{PATH}", headers=last) as answer:
        assert answer.headers["Connection"] == "close"
    for kept in (True, False):
        headers = {"Connection": "keep-alive" if kept else "close"}
        async with (
            ClientSession(version=HttpVersion10) as session,
            session.post(f"{address}{PATH}", data=b"x", headers=headers) as answer,
        ):
            assert answer.headers.get("Connection") == ("keep-alive" if kept else None)
            assert await answer.read() == b"x"
