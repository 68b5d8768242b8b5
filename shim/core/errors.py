"""Errors by whose fault they are: the caller's, the backend's, the shim's own, a declaration's.

The first three end as a SOAP 1.1 fault in the old dialect; a declaration's cannot survive start-up. Kinds that
somebody has to tell apart are classes. The three-digit codes are those of SystemAPI.
"""

from __future__ import annotations

from typing import Self

AUTHENTICATION = "100"
PARAMETER_MISSING = "117"

_INVALID = {
    "ID": "100",
    "userID": "250",
    "fromUser": "250",
    "parentID": "251",
    "resellerID": "251",
    "templateID": "252",
    "chargingPlanID": "258",
    "channelRuleID": "260",
    "email": "300",
    "country": "301",
    "chargingIdentifier": "303",
    "phone": "304",
    "fax": "305",
    "interfaceLang": "306",
    "phoneLang": "306",
    "name": "307",
    "company": "308",
    "address": "309",
    "login": "310",
    "city": "311",
    "pcode": "312",
    "notes": "313",
    "region": "314",
}


def invalid_code(path: str) -> str | None:
    """The SystemAPI code for an unusable value at a path; None when no code is known for it."""
    return _INVALID.get(path.rpartition("/")[2])


class Fault(Exception):
    """A fault: answered instead of a result.

    `reason` is a stable kebab-case word for logs and metrics; `code` the three-digit SystemAPI code or
    None; `text` one sentence saying what happened and what to do. No value of a message is ever in it,
    unless the backend put it there (`carried`): such a text reaches the caller and nobody else. `unknown` says
    that the v3 write that it is about may have taken effect all the same.
    """

    side = "Server"
    retry_after: int | None = None
    """After how many seconds it is worth trying again, where that is known."""

    def __init__(
        self,
        reason: str,
        text: str,
        code: str | None = None,
        *,
        side: str | None = None,
        carried: bool = False,
        unknown: bool = False,
    ) -> None:
        super().__init__(reason if carried else text)
        self.reason = reason
        self.text = text
        self.code = code
        self.carried = carried
        self.unknown = unknown
        if side is not None:
            self.side = side

    def bare(self) -> Self:
        """The fault without the way that it came: kept with it, that would keep alive all that was at hand.

        To be called by whoever keeps a fault once it is caught. A traceback holds frames, these the message
        and its tree, and often, through the one who keeps it, the fault itself.
        """
        self.__traceback__ = self.__context__ = self.__cause__ = None
        return self


class CallerError(Fault):
    """The message cannot be served as it stands: fault code Client."""

    side = "Client"


class BodyRefused(CallerError):
    """The body was not read to its end: it is too long, or too slow. The connection ends with it."""


class BackendError(Fault):
    """The v3 backend refused, is away, is late, or talks nonsense."""


class BackendRefused(BackendError):
    """v3 answered a fault, or that the call failed: `code` and `text` are its own."""


_ABSENT = frozenset({"030", "100", "250", "251"})
"""Codes by which v3 says that what is asked for does not exist. (A dead token was renewed before.)"""


def says_absent(fault: Fault) -> bool:
    """True if v3 refused because there is no such thing."""
    return isinstance(fault, BackendRefused) and fault.code in _ABSENT


class BackendLoginRefused(BackendError):
    """v3 takes the app key and secret of an integration, or the token that it gave, for wrong."""


class ShimError(Fault):
    """The shim itself failed, stopped, or cannot say how a call ended. Nobody else is to blame."""


class LoginsBusy(ShimError):
    """Too many passwords are being checked; whoever asked is not judged by it."""


class EntryLost(ShimError):
    """The journal entry of a call is not ours any more: another shim ends it."""


class Unclear(ShimError):
    """The traces of a write in v3 cannot be told from those of others."""


class StoreError(ShimError):
    """The store may not be used: there is none, another shim holds it, or a newer release wrote it."""


class StoreUnavailable(StoreError):
    """The database failed or is away; the cause is the exception behind it."""


class StoreReplaced(StoreError):
    """The store is not the one that was served before."""


class DeclarationError(Exception):
    """Translations that contradict the interfaces; `problems` holds one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
