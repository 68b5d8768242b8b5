"""Things that go wrong on purpose, each planned with `World.interfere` and used up by one call.

| action | what happens | has the call taken effect? |
|---|---|---|
| `drop` | the connection is closed without an answer | no |
| `drop-after` | the connection is closed without an answer | yes |
| `late:SECONDS` | the answer comes so much later | yes |
| `garbage` | HTTP 200 with something that is no XML | yes |
| `half` | half of the answer, then the connection is closed | yes |
| `fault:CODE` | a fault with that code | no |
| `dead-token` | the token of the call dies; a fault with code 100 | no |
| `list:LIE` | an ordinary answer whose rows are not those that there are, see `handlers/listing.py` | yes |
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from shim.core.message import Element
from shim.core.serialise import CONTENT_TYPE
from shim.emulator.world.refusal import AUTHENTICATION, Refusal
from shim.emulator.world.world import World

GARBAGE = b"<html><body>An error occurred while the page was built"


def before(world: World, action: str | None, headers: list[Element]) -> None:
    """Raises Refusal where the token is to die."""
    if action == "dead-token":
        for block in headers:
            world.tokens.pop((block.get("accessToken") or "").strip(), None)
        raise Refusal(AUTHENTICATION, "Authentication failed: the access token is missing, wrong or too old.")


def refuse(action: str | None) -> None:
    """Raises Refusal where a caller that is known is to be refused."""
    name, _, detail = (action or "").partition(":")
    if name == "fault":
        raise Refusal(
            detail or None, f"The emulator was told to refuse this with {detail or 'a fault'}.", "Server"
        )


def lie(action: str | None) -> str:
    """How a list is to lie; empty for one that does not."""
    name, _, detail = (action or "").partition(":")
    return detail if name == "list" else ""


async def answer(request: web.Request, action: str | None, body: bytes, status: int) -> web.StreamResponse:
    """Sends the answer of a call that has taken effect, disturbed as planned."""
    name, _, detail = (action or "").partition(":")
    if name == "drop-after":
        return dropped(request)
    if name == "half":
        return await _half(request, body, status)
    if name == "late":
        await asyncio.sleep(float(detail))
    if name == "garbage":
        return web.Response(body=GARBAGE, content_type="text/html")
    return plain(body, status)


def plain(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, headers={"Content-Type": CONTENT_TYPE})


def dropped(request: web.Request) -> web.Response:
    """Closes the connection; what is returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


async def _half(request: web.Request, body: bytes, status: int) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={"Content-Type": CONTENT_TYPE})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
