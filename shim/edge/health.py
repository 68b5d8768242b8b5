"""Health: whether the process lives, whether it should get calls, and if not, why."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from shim.core.errors import Fault
from shim.edge.backend.breaker import Addresses
from shim.edge.exchange.recovery import Recovery
from shim.edge.settings.model import Config
from shim.edge.store.database import Store
from shim.edge.store.place import Marker

_PATIENCE = 2.0
"""Seconds that readiness waits for the store."""
_GOOD_FOR = 1.0
"""Seconds that what was found is told again, so that many who ask cost no more than one."""

HealthCheck = Callable[[], Awaitable[str | None]]
"""Says what is wrong; None when nothing is."""


class HealthState:
    """The checks of one shim, by name, in the order in which they are told."""

    def __init__(self, checks: dict[str, HealthCheck], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._checks = checks
        self._monotonic = monotonic
        self._problems: dict[str, str | None] = {}
        self._at: float | None = None

    async def problems(self) -> dict[str, str | None]:
        """The problems by check; None where nothing is."""
        if self._at is None or self._monotonic() - self._at > _GOOD_FOR:
            self._problems = {name: await check() for name, check in self._checks.items()}
            self._at = self._monotonic()
        return self._problems

    async def readiness(self, request: web.Request, *, stopping: bool, reasons: bool) -> web.Response:
        """GET /readyz: 200 or 503. With `reasons` the answer names what is wrong, with ?verbose every check."""
        problems = {"shutdown": "the shim stops"} if stopping else await self.problems()
        wrong = [name for name, problem in problems.items() if problem]
        text = "stopping" if stopping else f"not ready: {', '.join(wrong)}" if wrong else "ready"
        if not reasons and wrong and not stopping:
            text = "not ready"
        lines = [text]
        if reasons and "verbose" in request.query:
            lines = [
                f"[-] {name}: {problem}" if problem else f"[+] {name}" for name, problem in problems.items()
            ]
            lines.append(text)
        return web.Response(status=503 if wrong else 200, text="\n".join(lines) + "\n")


def checks(
    config: Callable[[], Config], store: Store, marker: Marker, addresses: Addresses, recovery: Recovery
) -> dict[str, HealthCheck]:
    """The checks of a running shim."""

    async def writable() -> str | None:
        if marker.problem is not None:
            return marker.problem.text
        try:
            async with store.within(_PATIENCE).writing():
                return None
        except Fault as fault:
            return fault.text

    async def reachable() -> str | None:
        return addresses.problem

    async def looked_after() -> str | None:
        return recovery.problem

    async def valid() -> str | None:
        return certificate_problem(config().listen.tls_cert, datetime.now(UTC))

    return {"store": writable, "backend": reachable, "journal": looked_after, "certificate": valid}


def certificate_problem(path: Path | None, now: datetime) -> str | None:
    """Why clients refuse the certificate; None when they do not, or there is none."""
    if path is None:
        return None
    try:
        from cryptography import x509  # noqa: PLC0415  # it takes memory, and is of no use without TLS

        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"listen.tls_cert cannot be read ({type(error).__name__})"
    if certificate.not_valid_after_utc < now:
        return f"listen.tls_cert ended on {certificate.not_valid_after_utc:%Y-%m-%d}: put a renewed one there"
    if certificate.not_valid_before_utc > now:
        return f"listen.tls_cert begins on {certificate.not_valid_before_utc:%Y-%m-%d}: look at the clock"
    return None
