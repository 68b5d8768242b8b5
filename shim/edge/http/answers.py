"""Answers on the wire: a short one in one piece, with a head of a few lines, and a long one in slices, so that
encrypting and sending it holds nobody up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import HttpVersion10, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

SLICE = 1 << 16
"""Bytes that are written at once."""
LONG = 1 << 18
"""From this length on an answer is written in slices."""


class WholeResponse(web.StreamResponse):
    """A response to a POST, with a body that is written together with its head."""

    def __init__(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        super().__init__(status=status, headers=headers)
        self.body = body

    async def _start(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """The head. It has no name of a server, and nothing else that depends on the kind of the response."""
        self._req = request
        writer = self._payload_writer = request.writer
        keep_alive = request.keep_alive if self._keep_alive is None else self._keep_alive
        self._keep_alive = keep_alive
        headers, version = self._headers, request.version
        headers[hdrs.CONTENT_LENGTH] = str(len(self.body))
        headers[hdrs.DATE] = rfc822_formatted_time()
        if not keep_alive:
            if version != HttpVersion10:
                headers[hdrs.CONNECTION] = "close"
        elif version == HttpVersion10:
            headers[hdrs.CONNECTION] = "keep-alive"
        await request._prepare_hook(self)  # the signals of the application
        await writer.write_headers(f"HTTP/{version[0]}.{version[1]} {self._status} {self._reason}", headers)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        body, self.body = self.body, b""
        await super().write_eof(data or body)


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
    """An answer to a POST with its body."""
    if len(body) < LONG:
        return WholeResponse(status, body, headers)
    return SlicedResponse(status, body, headers)
