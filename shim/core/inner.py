"""Calls inside a call: what a LinkedOp holds, so that each of them counts as use of its own operation.

A finding of an inner call is its own, at the path that it would have if the call came alone. The outer call has
it too, at the path of its package, so that it tells all of itself, but marked as `inner`: it counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from shim.core.findings import Finding, Findings
from shim.core.message import Element

CUT_OFF = "cut-off"
"""The reason of an inner call that did not come to its end."""


@dataclass(slots=True)
class InnerCall:
    """One call of a list. Filled as it goes on.

    `operation` is a full name of 2.5, `fault` the reason of the fault that it ended with, None for an answer.
    The v3 calls that it became are those of the outer call from number `first` on, up to `last`.
    """

    operation: str
    request: Element = field(repr=False)
    findings: Findings = field(default_factory=Findings)
    fault: str | None = CUT_OFF
    first: int = 0
    last: int | None = None


def by_operation(calls: Iterable[InnerCall]) -> Mapping[str, list[InnerCall]]:
    """The calls of each operation, in the order in which it came first."""
    of_operation: dict[str, list[InnerCall]] = {}
    for each in calls:
        of_operation.setdefault(each.operation, []).append(each)
    return of_operation


def summed(calls: Iterable[InnerCall]) -> Iterable[Finding]:
    """The findings of calls of one operation: one finding for each code and path."""
    findings: dict[tuple[str, str], Finding] = {}
    for each in (finding for call in calls for finding in call.findings):
        known = findings.get((each.code, each.path))
        if known is None:
            findings[each.code, each.path] = replace(each)
        else:
            known.count += each.count
    return findings.values()
