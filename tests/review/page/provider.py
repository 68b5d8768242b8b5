"""Providers of OpenID Connect: a real one in a process of its own, and one that a test can make lie."""

from __future__ import annotations

import socket
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

_TRIES = 5
CLIENT, SECRET = "shim", "a secret: with + and %"


@asynccontextmanager
async def real_provider(*users: tuple[str, dict[str, Any]]) -> AsyncIterator[str]:
    """The address of an `oidc-provider-mock` that knows these users; it takes any client and secret."""
    for _ in range(_TRIES):
        process, port = await _begun()
        if process is not None:
            break
    else:
        raise AssertionError("the provider did not start")
    try:
        base = f"http://localhost:{port}"
        async with aiohttp.ClientSession() as client:
            for subject, claims in users:
                async with client.put(f"{base}/users/{subject}", json=claims) as answer:
                    assert answer.status == 204
        yield base
    finally:
        process.terminate()
        await process.communicate()


async def _begun() -> tuple[Process | None, int]:
    """A provider that listens, and its port; None when somebody else took the port meanwhile."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = (sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true")
    process = await create_subprocess_exec(*command, stdout=DEVNULL, stderr=PIPE)
    assert process.stderr is not None
    async for line in process.stderr:
        if b"running on" in line:
            return process, port
    await process.wait()
    return None, port


@dataclass
class Provider:
    """One whose answers a test changes; `asked` are the paths that were asked for, in their order."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256", "kid": "one"})
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] | None = None
    signed_by: Any = None
    broken: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    base: str = ""

    def logged_in(self, query: dict[str, str]) -> dict[str, str]:
        """What the browser brings back when somebody has logged in there."""
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == self.broken:
            return web.Response(status=500, text="broken")
        match request.path:
            case "/.well-known/openid-configuration":
                names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
                found: dict[str, Any] = {name: f"{self.base}/{path}" for name, path in names.items()}
                found |= {"issuer": self.base, "userinfo_endpoint": f"{self.base}/userinfo"}
                return web.json_response(
                    {**found, "id_token_signing_alg_values_supported": ["RS256", "HS256"], **self.metadata}
                )
            case "/jwks":
                keys = KeySet([self.key]).as_dict(private=False) if self.keys is None else self.keys
                return web.json_response(keys)
            case "/token":
                return await self._token(request)
            case "/userinfo":
                assert request.headers["Authorization"] == "Bearer an-access-token"
                return web.json_response({"sub": "u1", **self.userinfo})
        raise web.HTTPNotFound

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        begun = self.codes.pop(str(form["code"]), None)
        if begun is None:
            return web.json_response({"error": "invalid_grant"}, status=400)
        now = int(time.time())
        claims = {
            "iss": self.base, "aud": CLIENT, "sub": "u1", "iat": now, "exp": now + 300, "nonce": begun["nonce"],
            "preferred_username": "ann", "groups": ["ops"], **self.claims,
        }  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(self.header, kept, self.signed_by or self.key, algorithms=["RS256", "HS256"])
        return web.json_response({"access_token": "an-access-token", "token_type": "Bearer", "id_token": token})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Provider]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.answer)
        async with TestServer(app) as server:
            self.base = str(server.make_url("")).rstrip("/")
            yield self


def known_to_all() -> OctKey:
    """A key that anybody could use: the client's secret."""
    return OctKey.import_key(SECRET.ljust(32, "."), {"kid": "one"})
