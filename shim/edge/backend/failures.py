"""Failures of the v3 backend, as faults: no answer, an answer that is none, a token that is refused.

Laws: a write whose end was not seen is unknown, and its fault says so; what never ran, and a read that was not
answered, may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import aiohttp

from shim.core.commands.backend import Answer, Call
from shim.core.errors import BackendError, BackendLoginRefused
from shim.edge.backend.breaker import Breaker
from shim.edge.backend.soap_fault import carries_fault, looks_like_xml
from shim.edge.settings.model import Integration

_AWAY = frozenset({502, 503, 504})
_NEVER_RAN = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
_UNKNOWN = "Whether the change was made is not known: look before repeating it."
_LATE = "backend-late", "did not answer in time."
_CUT = "backend-cut", "broke the connection."
_BUSY_SECONDS = 3


class Repeatable(Exception):
    """A call that may be made again; `fault` is what to answer when it is not."""

    def __init__(self, fault: BackendError) -> None:
        super().__init__(fault.reason)
        self.fault = fault


@contextmanager
def http_faults(address: Breaker, *, writes: bool) -> Iterator[None]:
    """A request to an address, whose failures become faults; those without an answer count against the address.

    Raises Repeatable for what never ran, and for a read (`writes` False) whose end was not seen; else
    BackendError. What is raised within the block and is no failure of HTTP passes as it is.
    """
    try:
        yield
    except FAILURES as failed:
        raise failure(failed, address, writes=writes) from None


FAILURES = (aiohttp.ClientError, OSError)
"""The errors that a request raises when it fails."""


def failure(failed: Exception, address: Breaker, *, writes: bool) -> Exception:
    """The exception that `http_faults` raises for one of `FAILURES`; no answer counts against the address."""
    if isinstance(failed, aiohttp.ClientResponseError):
        return nonsense("answered with something that is not HTTP: check backend.url.", unknown=writes)
    address.failed()
    if isinstance(failed, aiohttp.ClientConnectorCertificateError):
        return _unreachable("its certificate is not trusted: check backend.ca_file")
    if isinstance(failed, _NEVER_RAN):
        return Repeatable(_unreachable("no connection could be made"))
    reason, what = _LATE if isinstance(failed, TimeoutError) else _CUT
    if writes:
        return BackendError(reason, f"The v3 backend {what} {_UNKNOWN}", unknown=True)
    return Repeatable(BackendError(reason, f"The v3 backend {what} Try again."))


def _unreachable(why: str) -> BackendError:
    return BackendError(
        "backend-unreachable",
        f"The v3 backend cannot be reached ({why}): nothing was changed; try again, or tell its operator.",
    )


def nonsense(what: str, *, unknown: bool) -> BackendError:
    """An answer that is none: `what` it did, and whether a write may have run."""
    text = f"The v3 backend {what}{' ' + _UNKNOWN if unknown else ''}"
    return BackendError("backend-nonsense", text, unknown=unknown)


def judged(call: Call, answer: Answer) -> Answer:
    """The answer when it is SOAP, or a refused token. What SOAP means in it is the core's.

    Servers and what stands before them send faults with other statuses than 500 as well (400, 401, 403, 503):
    whatever the status, a fault is the backend's own word. Anything else that is no SOAP is no answer.
    """
    status = answer.status
    if status in (200, 500):
        if looks_like_xml(answer.body):
            return answer
        what = "without a body" if not answer.body else "and something that is not XML"
        raise nonsense(f"answered with HTTP status {status} {what}.", unknown=call.writes)
    if status == HTTPStatus.UNAUTHORIZED or (status >= 400 and carries_fault(answer)):
        return answer
    refused = 400 <= status < 500  # by the server or a proxy before it: nothing ran
    fault = nonsense(
        f"answered with HTTP status {status} and no SOAP message: check backend.url and what stands between.",
        unknown=call.writes and not refused,
    )
    raise Repeatable(fault) if status in _AWAY and not call.writes else fault


def too_many() -> BackendError:
    """No place among the calls in flight: it did not run."""
    busy = BackendError(
        "backend-busy", "Too many calls to the v3 backend are under way: try again in a few seconds."
    )
    busy.retry_after = _BUSY_SECONDS
    return busy


def token_refused(integration: Integration) -> BackendError:
    """A token that is refused as soon as it is given."""
    return BackendLoginRefused(
        "backend-login-refused",
        "The v3 backend refuses the access token that it gave (HTTP status 401): nothing was changed. The "
        f"operator of the shim should check the v3 app of integration '{integration.name}', its account, and "
        "what stands between.",
    )


def token_dead() -> BackendError:
    """A token that died under the call.

    Not the backend's own fault, whose code would say as well that what the call names is not there.
    """
    dead = BackendError(
        "backend-token-dead",
        "The v3 backend refuses the access token that it gave a moment ago: nothing was changed; try again in "
        "a few seconds. If it goes on, its operator should look who else has tokens of the same v3 app.",
    )
    dead.retry_after = _BUSY_SECONDS
    return dead
