"""What a v3 client does by hand, and a backend that answers whatever a test says."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from aiohttp import web
from aiohttp.typedefs import Handler
from lxml import etree

from shim.core.message import Element
from shim.core.parse import parse
from tests.end_to_end.messages import envelope
from tests.end_to_end.running import Backend, Shim
from tests.end_to_end.wire import Reply, post

TOKEN = "/oauth/token.php"
USER = "/soap2/user_agent.php"
EXTENSION = "/soap2/extension_agent.php"
ORGANIZATION = "/soap2/organization_agent.php"
FORM = "Content-Type: application/x-www-form-urlencoded"


class PlainBackend(Backend):
    """Answers each path as a test says, and anything else with 404."""

    def __init__(self) -> None:
        self.replies: dict[str, Handler] = {}
        super().__init__()

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{anything:.*}", self._reply)
        return app

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        reply = self.replies.get(request.path_qs)
        return await reply(request) if reply else web.Response(status=404, text="not here")

    def say(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        """Answer a path with these bytes; `content_type` stands for Content-Type."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def reply(request: web.Request) -> web.StreamResponse:
            return web.Response(body=body, status=status, headers=named)

        self.replies[path] = reply


def fetch_token(shim: Shim, login: str) -> str:
    """A token for the app of a login of the demo world, through the shim."""
    form = {"grant_type": "client_credentials", "client_id": f"{login}-key"}
    reply = post(shim, urlencode({**form, "client_secret": f"{login}-app-secret"}).encode(), TOKEN, FORM)
    assert reply.status == 200, reply.text
    token: str = json.loads(reply.body)["access_token"]
    return token


def native(token: str, body: str) -> bytes:
    """A v3 message, as a script writes it."""
    header = f"<h:userCredentials xmlns:h='urn:h'><h:accessToken>{token}</h:accessToken></h:userCredentials>"
    return envelope(body, header)


def call(shim: Shim, path: str, token: str, body: str) -> Element:
    """The body element that v3 answers with."""
    reply = post(shim, native(token, body), path)
    assert reply.status == 200, reply.text
    return parse(reply.body).body


def fault_text(reply: Reply) -> str:
    """The faultstring of a v3 fault."""
    assert reply.status == 500, reply.text
    return str(etree.fromstring(reply.body).findtext(".//faultstring"))
