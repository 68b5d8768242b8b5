"""Admit: whether an old call may go on, by how far its operation is ported and by what is planned for now.

The porting ladder has four rungs. `translate` and `compare` serve a call. `v3` says that the integration has
ported the operation: a call of it is served, and it is a finding that it came. `locked` refuses it. A brownout
refuses calls for a while, so that it is seen who still makes them. Which rungs and brownouts hold now is told
by the edge; the inner operations of a LinkedOp are admitted like calls of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

from shim.core.commands.caller import RUNGS, Brownout, Caller, Rung
from shim.core.errors import CallerError
from shim.core.findings import Findings
from shim.core.schema.interface import Interface, Operation

__all__ = ["ALL", "RUNGS", "admit", "covers", "pattern_problem", "rung_of", "scope_of"]

ALL = "*"
NO_PERMISSION = "520"


def scope_of(operation: str, scopes: Mapping[str, object]) -> str | None:
    """Which of the scopes decides about an operation: its full name over `Service.*` over `*`."""
    for scope in (operation, f"{operation.partition('.')[0]}.*", ALL):
        if scope in scopes:
            return scope
    return None


def rung_of(rungs: Mapping[str, Rung], operation: str) -> Rung:
    """The rung of an operation, given by its full name; `translate` where nothing is said."""
    scope = scope_of(operation, rungs)
    return "translate" if scope is None else rungs[scope]


def covers(scope: str, operation: str) -> bool:
    """True if a scope (a full name, `Service.*` or `*`) takes in an operation."""
    return scope_of(operation, {scope: None}) is not None


def pattern_problem(interface: Interface, scope: str) -> str | None:
    """The problem of a scope by the old interface; None when it is one."""
    if scope == ALL or scope in interface.operations:
        return None
    service, _, name = scope.partition(".")
    if service in interface.services:
        if name == ALL:
            return None
        return f"there is no {scope} in 2.5: `shim coverage {service}` lists what there is"
    return f"there is no {scope[:64]} in 2.5: write Service.Operation, Service.*, or * for all"


def admit(caller: Caller, operation: Operation, findings: Findings) -> None:
    """Let an old operation of a caller pass, or raise CallerError (`too-many-calls`, `locked`, `brownout`)."""
    if caller.wait is not None:
        raise _too_often(caller.wait)
    name = operation.full_name
    rung = rung_of(caller.rungs, name)
    if rung == "locked":
        findings.add("operation-locked", operation.input.name)
        raise _locked(name)
    for brownout in caller.brownouts:
        if covers(brownout.operation, name):
            findings.add("browned-out", operation.input.name)
            raise _browned_out(name, brownout)
    if rung == "v3":
        findings.add("came-back", operation.input.name)


def _too_often(seconds: int) -> CallerError:
    fault = CallerError(
        "too-many-calls",
        f"This integration calls more often than it may: nothing was changed; try again in {seconds} "
        f"second{'' if seconds == 1 else 's'}.",
        side="Server",
    )
    fault.retry_after = seconds
    return fault


def _locked(name: str) -> CallerError:
    return CallerError(
        "locked",
        f"{name} of SystemAPI 2.5 is locked for this integration, because it was ported to v3: make the v3 "
        "call instead, or ask the operator of the shim to move it back on the porting ladder.",
        NO_PERMISSION,
    )


def _browned_out(name: str, brownout: Brownout) -> CallerError:
    read_on = f" Read on at {brownout.link}." if brownout.link else ""
    why = brownout.text.strip().rstrip(".") or "SystemAPI 2.5 is going to end"
    return CallerError(
        "brownout",
        f"{name} of SystemAPI 2.5 is switched off on purpose until {brownout.until}: {why}. It works again "
        f"afterwards; port this call to v3 before it ends for good.{read_on}",
        side="Server",
    )
