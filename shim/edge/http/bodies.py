"""Bodies of requests: read whole within size and time, and taken out of their content encoding."""

from __future__ import annotations

import asyncio
import zlib

from aiohttp import web

from shim.core.errors import BodyRefused, CallerError
from shim.core.parse import too_large


async def read_body(request: web.Request, most: int, seconds: float) -> bytes:
    """The whole body as it was sent, within its deadline and size. Raises CallerError."""
    content = request.content
    parts: list[bytes] = []
    size = 0
    try:
        if content.is_eof():  # it came with its headers: nothing is waited for
            whole = content.read_nowait()
            if len(whole) > most:
                raise too_large(most)
            return whole
        async with asyncio.timeout(seconds):
            async for part in content.iter_any():
                size += len(part)
                if size > most:
                    raise too_large(most)
                parts.append(part)
    except ConnectionError:
        raise CallerError("caller-gone", "The connection ended before the body was complete.") from None
    except TimeoutError:
        raise BodyRefused("slow-body", f"The body was not complete after {seconds:g} seconds.") from None
    return b"".join(parts)


def decoded(body: bytes, encoding: str, most: int) -> bytes:
    """The body without its content encoding, never larger than `most`. Raises CallerError."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise CallerError("encoding-refused", "The content encoding is not taken: send gzip, deflate or none.")
    try:
        stream = zlib.decompressobj(wbits=47)
        plain = stream.decompress(body, most + 1)
    except zlib.error:
        raise CallerError("malformed-xml", "The body cannot be decompressed.") from None
    if len(plain) > most:
        raise too_large(most)
    if not stream.eof:
        raise CallerError("malformed-xml", "The compressed body is incomplete.")
    return plain
