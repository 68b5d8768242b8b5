"""The processes under test: `bare`, a forwarder that does nothing else, and `shim`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from shim.edge.serve import serve
from shim.edge.settings.load import load_config
from shim.edge.telemetry import log


async def bare(port: int, backend: int) -> None:
    """Reads a request whole, posts it to the backend, answers with what comes back."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32)) as session:

        async def forward(request: web.Request) -> web.Response:
            body = await request.read()
            url = f"http://127.0.0.1:{backend}{request.path}"
            async with session.post(url, data=body, headers={"Content-Type": "text/xml"}) as answer:
                return web.Response(status=answer.status, body=await answer.read(), content_type="text/xml")

        app = web.Application()
        app.router.add_post("/{path:.*}", forward)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def shim(port: int, backend: int, folder: Path) -> None:
    file = folder / "shim.yaml"
    file.write_text(
        f"""
listen: {{host: 127.0.0.1, port: {port}, max_connections_per_address: 100}}
admin: {{port: 0}}
backend: {{url: "http://127.0.0.1:{backend}"}}
store: {{url: "sqlite+aiosqlite:///{folder}/bench.db"}}
integrations:
  - name: bench
    old: {{username: bench, password: bench-pw}}
    new: {{app_key: key, app_secret: secret}}
"""
    )
    log.configure("info", "json")
    uvloop.run(serve(load_config(file)))


def main() -> None:
    role, port, backend, folder = sys.argv[1:]
    if role == "bare":
        uvloop.run(bare(int(port), int(backend)))
    else:
        shim(int(port), int(backend), Path(folder))


if __name__ == "__main__":
    main()
