"""Refusals of the emulator in place of a result: a SOAP 1.1 fault with SystemAPI's three-digit code."""

from __future__ import annotations

from typing import Literal

from shim.core.parse import SOAP
from shim.core.serialise import XML_DECLARATION, escape

FaultSide = Literal["Client", "Server"]

AUTHENTICATION = "100"
EXPIRED = "102"
DISABLED = "104"
PARENT_EXPIRED = "106"
PARENT_DISABLED = "107"
CONTEXT_USER = "113"
PARAMETER_MISSING = "117"
NOT_READ = "151"
NOT_UPDATED = "152"
DUPLICATE = "200"
BAD_EMAIL = "300"
BAD_USER = "250"
BAD_PARENT = "251"
BAD_TEMPLATE = "252"
BAD_PLAN = "258"
NO_PERMISSION = "520"

DOCUMENTED = frozenset(
    f"{code:03d}"
    for code in (
        *(30, 51, 54, *range(102, 105), *range(106, 109), 100, 113, 115, 117, 151, 152),
        *(200, 250, 251, 252, 258, 260, 300, 301, *range(303, 316), 520, 819),
    )
)
"""The codes that the vendor documents; the emulator uses no others."""


class Refusal(Exception):
    """A call that is refused. `code` is None where no documented code fits (broken messages)."""

    def __init__(self, code: str | None, text: str, side: FaultSide = "Client") -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.side = side


def missing(name: str) -> Refusal:
    return Refusal(PARAMETER_MISSING, f"The parameter {name} is missing.")


def forbidden(what: str) -> Refusal:
    return Refusal(NO_PERMISSION, f"No permission: {what}.")


def fault(refusal: Refusal) -> bytes:
    """The whole message, to be sent with HTTP 500."""
    detail = f"<detail><code>{refusal.code}</code></detail>" if refusal.code else ""
    return (
        f'{XML_DECLARATION}<SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP}"><SOAP-ENV:Body><SOAP-ENV:Fault>'
        f"<faultcode>SOAP-ENV:{refusal.side}</faultcode><faultstring>{escape(refusal.text)}</faultstring>"
        f"{detail}</SOAP-ENV:Fault></SOAP-ENV:Body></SOAP-ENV:Envelope>\n"
    ).encode()
