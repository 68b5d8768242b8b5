"""A recorder: stands before a 2.5 endpoint, passes everything on byte for byte, and writes conversations down.

Laws: what the client gets is what the other server said, whatever becomes of the recording; no value of a
message is ever written; a file that exists is never overwritten.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import aiohttp
import structlog
from aiohttp import web

from shim.core.catalogue.translation import Catalogue
from shim.core.rehearsal.capture import FORMAT, Conversation, captured, digest_by, key_id, to_data

log = structlog.get_logger()

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
     "trailer", "transfer-encoding", "upgrade", "content-length", "host")
)  # fmt: skip
"""Headers that are about one connection, or that the client library writes anew."""
_LARGEST = 256 << 20


class Recorder:
    """Passes calls on to `target` and writes them to `file`. `seen` counts what was written, by operation."""

    def __init__(
        self,
        catalogue: Catalogue,
        session: aiohttp.ClientSession,
        target: str,
        file: TextIO,
        key: bytes,
        on_written: Callable[[Conversation], None] = lambda _: None,
    ) -> None:
        self._catalogue = catalogue
        self._session = session
        self._target = target.rstrip("/")
        self._file = file
        self._digest = digest_by(key)
        self._on_written = on_written
        self.seen: Counter[str] = Counter()
        head = {"format": FORMAT, "key": key_id(key), "began": datetime.now(UTC).isoformat(timespec="seconds")}
        self._write(head)

    def routes(self) -> web.Application:
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_route("*", "/{anything:.*}", self.pass_on)
        return app

    async def pass_on(self, request: web.Request) -> web.StreamResponse:
        """The other server's answer as it is; a call on an agent is written down."""
        body = await request.read()
        headers = [each for each in _end_to_end(request.headers) if each[0].lower() != "accept-encoding"]
        try:
            async with self._session.request(
                request.method,
                self._target + request.path_qs,
                data=body or None,
                headers=headers,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            ) as answer:
                content = await answer.read()
                response = web.Response(status=answer.status, body=content, headers=_end_to_end(answer.headers))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("not passed on", problem=type(error).__name__)
            return web.Response(status=502, text="The server behind the recorder cannot be reached.\n")
        if request.method == "POST" and request.path.endswith("_agent.php"):
            self._record(request, body, response, content)
        return response

    def _record(self, request: web.Request, body: bytes, response: web.Response, content: bytes) -> None:
        try:
            conversation = captured(
                self._catalogue,
                request.path,
                (body, request.headers.get("Content-Type", "")),
                (content, response.headers.get("Content-Type", "")),
                self._digest,
            )
            self._write(to_data(conversation))
        except Exception as error:  # noqa: BLE001  # the client's call must not suffer; the operator is told
            log.error("not recorded", problem=type(error).__name__)
            self.seen["(not recorded)"] += 1
            return
        self.seen[conversation.operation or "(no call of 2.5)"] += 1
        self._on_written(conversation)

    def _write(self, data: Mapping[str, object]) -> None:
        self._file.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
        self._file.flush()


def _end_to_end(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP]


def new_file(path: Path) -> TextIO:
    """A new file for its owner's eyes only. Raises FileExistsError, or OSError when it cannot be made."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")


@asynccontextmanager
async def session(verify: bool = True) -> AsyncIterator[aiohttp.ClientSession]:
    """A session that changes nothing of what passes. `verify` checks certificates."""
    connector = aiohttp.TCPConnector(limit=64, ssl=verify)
    timeout = aiohttp.ClientTimeout(total=300, connect=10)
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    ) as client:
        yield client
        await asyncio.sleep(0)
