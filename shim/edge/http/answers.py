"""Answers on the wire: a long one goes out in slices, so that encrypting and sending it holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

SLICE = 1 << 16
"""Bytes that are written at once."""
LONG = 1 << 18
"""From this length on an answer is written in slices."""


class SlicedResponse(web.StreamResponse):
    """A response with a body of a known length, which is written slice by slice."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(status=status, headers=headers)
        self.content_length = len(body)
        self.body = body

    async def write_eof(self, data: bytes = b"") -> None:
        for start in range(0, len(self.body), SLICE):
            await self.write(self.body[start : start + SLICE])
            await asyncio.sleep(0)
        self.body = b""
        await super().write_eof(data)


def response(status: int, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    """An answer with its body."""
    if len(body) < LONG:
        return web.Response(status=status, body=body, headers=headers)
    return SlicedResponse(status, body, headers)
