"""Three kinds of error, by whose fault: the caller's, the backend's, a declaration's.

The first two end as a SOAP 1.1 fault in the old dialect; a declaration's cannot survive start-up. The
three-digit codes are those of SystemAPI.
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
    """What is answered instead of a result.

    `reason` is a stable kebab-case word for logs and metrics; `code` the three-digit SystemAPI code or
    None; `text` one sentence saying what happened and what to do. No value of a message is ever in it,
    unless the backend put it there (`carried`): such a text reaches the caller and nobody else.
    """

    side = "Server"
    unknown = False
    """Whether the v3 write that it is about may have taken effect all the same."""
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
    ) -> None:
        super().__init__(reason if carried else text)
        self.reason = reason
        self.text = text
        self.code = code
        self.carried = carried
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


class BackendError(Fault):
    """The v3 backend refused, is away, is late, or talks nonsense.

    `unknown` says that a write may have taken effect all the same.
    """

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
        super().__init__(reason, text, code, side=side, carried=carried)
        self.unknown = unknown


class DeclarationError(Exception):
    """Translations that contradict the interfaces; `problems` holds one sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
