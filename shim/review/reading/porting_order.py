"""The order in which an integration's operations are best ported.

Quick wins first, so that something is done soon: by effort, then by share of calls, then by name. But reads go
before writes of the same noun (`GetClients` and `GetClientDetails` before `AddClient`): what was written is
looked up, so the read is needed all the same, and it proves the login and the new names at no risk. What holds
other calls (LinkedOp) goes last: they have to be those of v3 first.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from shim.review.reading.effort import EFFORTS
from shim.review.reading.model import Effort

_KNOWN = 1000
"""Nouns that are remembered: more than there are operations."""
_RANKS = {effort: rank for rank, effort in enumerate(EFFORTS)}
_VERB = re.compile(r"^[A-Z][a-z]+(?=[A-Z])")


class PortingStep(NamedTuple):
    """One old operation (a full name) that is left to port."""

    operation: str
    effort: Effort
    calls: int
    writes: bool
    holds: bool = False


def in_order(steps: Iterable[PortingStep]) -> list[str]:
    """Full names in the suggested order."""
    ordered = sorted(steps, key=lambda each: (each.holds, _RANKS[each.effort], -each.calls, each.operation))
    reads: dict[str, list[str]] = defaultdict(list)
    for each in ordered:
        if not each.writes:
            reads[noun(each.operation)].append(each.operation)
    done: dict[str, None] = {}
    for each in ordered:
        if each.writes:
            done |= dict.fromkeys(reads[noun(each.operation)])
        done[each.operation] = None
    return list(done)


@lru_cache(_KNOWN)
def noun(operation: str) -> str:
    """The subject of an operation: service and name without verb, plural and `Details`."""
    service, _, name = operation.partition(".")
    return f"{service}.{_VERB.sub('', name).removesuffix('Details').removesuffix('s')}"
