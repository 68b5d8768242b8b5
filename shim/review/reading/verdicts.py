"""Verdicts: how well an operation maps and what porting it takes, by its open findings. Pure.

Most integrations have the same few findings at the same operations: each such case is judged once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast, get_args

from shim.core.findings import Code, Severity
from shim.review.reading.effort import EFFORTS, UNKNOWN, PortingEffort, SuccessorCalls
from shim.review.reading.model import Fit
from shim.review.reading.rows import AFTER, BETWEEN

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The mildest first."""
FITS: Mapping[Severity | None, Fit] = {
    None: "clean",
    "info": "clean",
    "notice": "moved",
    "warning": "emulated",
    "loss": "lossy",
    "refused": "refused",
}
OF_PORTING: tuple[Code, ...] = (
    "browned-out",
    "operation-locked",
    "came-back",
    "old-login",
    "old-login-refused",
)
"""Findings that tell how far somebody is, and nothing of what v3 has."""


class MappingVerdict(NamedTuple):
    """Consequences of the findings of an operation. `rank` is the place of its effort, `findings` how many
    there are, `severities` how many of each."""

    work: PortingEffort
    rank: int
    fit: Fit
    worst: Severity | None
    findings: int
    severities: Mapping[str, int]


class Verdicts:
    """Verdicts by operation and by `rows.Met.kinds`, each made once. `known` are the successors."""

    def __init__(self, known: Mapping[str, SuccessorCalls]) -> None:
        self._known = known
        self._verdicts: dict[tuple[str, str], MappingVerdict] = {}

    def known(self, operation: str) -> SuccessorCalls:
        return self._known.get(operation, UNKNOWN)

    def of(self, operation: str, kinds: str) -> MappingVerdict:
        """The verdict over an operation that is left."""
        verdict = self._verdicts.get((operation, kinds))
        if verdict is None:
            verdict = self._verdicts[operation, kinds] = _verdict(self.known(operation), kinds)
        return verdict


def _verdict(known: SuccessorCalls, kinds: str) -> MappingVerdict:
    codes: dict[str, int] = {}
    severities: dict[str, int] = {}
    maps: set[str] = set()
    for kind in kinds.split(AFTER) if kinds else ():
        code, severity = kind.split(BETWEEN)
        codes[code] = codes.get(code, 0) + 1
        severities[severity] = severities.get(severity, 0) + 1
        if code not in OF_PORTING:
            maps.add(severity)
    work = known.work(codes)
    return MappingVerdict(
        work=work,
        rank=EFFORTS.index(work.effort),
        fit=FITS[worst_of(maps)],
        worst=worst_of(severities),
        findings=sum(codes.values()),
        severities=severities,
    )


def worst_of(severities: Iterable[str]) -> Severity | None:
    """The worst of them; None when there are none."""
    listed = [cast(Severity, each) for each in severities]
    return max(listed, key=SEVERITIES.index, default=None)
