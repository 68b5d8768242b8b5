"""Compare mode: asks an old 2.5 server the same read beside the shim, and finds where the answers differ.

Laws: the caller never waits for it; only reads are made again, with the bytes that the caller sent; what cannot
be compared now is counted, not queued without end. What differs between two answers of the old server is noise,
learned once in a while for each operation.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import aiohttp
import structlog

from shim.core.catalogue.translation import Catalogue
from shim.core.errors import Fault
from shim.core.findings import KINDS, Finding
from shim.core.message import Element
from shim.core.parse import fault_of, parse, parse_answer
from shim.core.rehearsal.compare import CODE, WORDS, Difference, differences, meaning, only_reads, without_noise
from shim.edge.settings.model import Compare

log = structlog.get_logger()

_UNSETTLED = "One of the two servers answered with a fault, the other did not, or with another code."


class DifferenceSink(Protocol):
    """Where differences go: the deprecation log."""

    def add_findings(self, integration: str, operation: str, findings: Iterable[Finding]) -> None: ...


@dataclass(frozen=True, slots=True)
class Spoken:
    """A call as it came, and what the shim answered: bodies, content types, the path."""

    integration: str
    operation: str
    path: str
    content_type: str
    soap_action: str | None
    body: bytes = field(repr=False)
    answer: bytes = field(repr=False)


CLOSING = 3.0
"""Seconds that comparisons under way have when the shim stops."""


class Comparer:
    """Compares in the background. `counted` says what became of the calls that were considered."""

    def __init__(
        self,
        catalogue: Catalogue,
        session: aiohttp.ClientSession,
        settings: Compare,
        sink: DifferenceSink | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._session = session
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._noise: dict[tuple[str, str], tuple[float, set[str]]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()
        self.counted: Counter[str] = Counter()

    def consider(self, spoken: Spoken) -> None:
        """Compare this call later on; returns at once."""
        if self._settings.url is None:
            return
        if len(self._under_way) >= self._settings.in_flight:
            self.counted["left-out"] += 1
            return
        task = asyncio.get_running_loop().create_task(self._guarded(spoken))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        await asyncio.gather(*self._under_way)

    async def close(self) -> None:
        """Let what is under way end within `CLOSING`; what is left then was not compared, and is counted so."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=CLOSING)
        left = list(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if left:
            self.counted["left-out"] += len(left)
            log.warning("not compared", calls=len(left), problem="stopped")

    async def _guarded(self, spoken: Spoken) -> None:
        try:
            self.counted[await self._compare(spoken)] += 1
        except (aiohttp.ClientError, OSError, TimeoutError, Fault) as problem:
            self.counted["not-comparable"] += 1
            log.warning(
                "not compared",
                integration=spoken.integration,
                operation=spoken.operation,
                problem=problem.reason if isinstance(problem, Fault) else type(problem).__name__,
            )

    async def _compare(self, spoken: Spoken) -> str:
        operation = self._catalogue.old.operations[spoken.operation]
        if not only_reads(operation, parse(spoken.body, spoken.content_type).body):
            return "write"
        ours = _answer_of(spoken.answer, "text/xml")
        theirs = await self._ask(spoken)
        if isinstance(ours, str) or isinstance(theirs, str):
            return self._report(spoken, Counter() if ours == theirs else _fault_differs())
        first = meaning(theirs, operation.output)
        differing = differences(first, meaning(ours, operation.output))
        if not differing:
            return "same"
        return self._report(spoken, without_noise(differing, await self._noise_of(spoken, first)))

    async def _noise_of(self, spoken: Spoken, first: Element) -> set[str]:
        """Paths at which the old server contradicts itself; asked again when that was long ago."""
        key = (spoken.integration, spoken.operation)
        known = self._noise.get(key)
        if known is not None and self._clock() - known[0] < self._settings.noise_seconds:
            return known[1]
        again = await self._ask(spoken)
        decl = self._catalogue.old.operations[spoken.operation].output
        noise = set(known[1]) if known else set()
        if isinstance(again, Element):
            noise |= {each.path for each in differences(first, meaning(again, decl))}
        self._noise[key] = (self._clock(), noise)
        return noise

    async def _ask(self, spoken: Spoken) -> Element | str:
        headers = {"Content-Type": spoken.content_type or "text/xml; charset=utf-8"}
        if spoken.soap_action is not None:
            headers["SOAPAction"] = spoken.soap_action
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout)
        url = f"{self._settings.url}{spoken.path}"
        async with self._session.post(
            url, data=spoken.body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            return _answer_of(await response.read(), response.headers.get("Content-Type", ""))

    def _report(self, spoken: Spoken, differing: Counter[Difference]) -> str:
        if not differing:
            return "same"
        severity = KINDS[CODE].severity
        findings = [
            Finding(CODE, each.path, WORDS[each.kind] if each.path else _UNSETTLED, None, severity, count)
            for each, count in sorted(differing.items(), key=lambda item: (item[0].path, item[0].kind))
        ]
        about = {"integration": spoken.integration, "operation": spoken.operation}
        for each in findings:
            log.info("finding", **about, code=CODE, severity=severity, path=each.path, because=each.because)
        if self._sink is not None:
            self._sink.add_findings(spoken.integration, spoken.operation, findings)
        return "differs"


def _answer_of(body: bytes, content_type: str) -> Element | str:
    """The body element of an answer, or a fault as `fault CODE`. Raises Fault for what is neither."""
    reply = parse_answer(body, content_type).body
    fault = fault_of(reply)
    return reply if fault is None else f"fault {fault.code or ''}"


def _fault_differs() -> Counter[Difference]:
    return Counter({Difference("", "differs"): 1})


@asynccontextmanager
async def comparing(
    catalogue: Catalogue, settings: Compare, sink: DifferenceSink
) -> AsyncIterator[Comparer | None]:
    """A comparer with a session of its own for the block; None without an old server."""
    if settings.url is None:
        yield None
        return
    connector = aiohttp.TCPConnector(limit=settings.in_flight, ssl=settings.verify_tls)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    ) as session:
        comparer = Comparer(catalogue, session, settings, sink)
        try:
            yield comparer
        finally:
            await comparer.close()
