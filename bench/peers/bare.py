"""A forwarder that does nothing else: reads a request whole, posts it to the backend, answers what comes back.

python -m bench.peers.bare PORT BACKEND_PORT
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import uvloop
from aiohttp import web


async def bare(port: int, backend: int) -> None:
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


if __name__ == "__main__":
    uvloop.run(bare(int(sys.argv[1]), int(sys.argv[2])))
