"""Verdicts: how well an operation maps and what porting it takes, by its open findings. Pure.

Most integrations have the same few findings at the same operations: each such case is judged once.
"""

from __future__ import annotations

from collections import Counter
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
    met = counts_of(kinds)
    codes: Counter[str] = Counter()
    severities: Counter[str] = Counter()
    for (code, severity), count in met.items():
        codes[code] += count
        severities[severity] += count
    work = known.work(codes)
    maps = worst_of(severity for code, severity in met if code not in OF_PORTING)
    return MappingVerdict(
        work=work,
        rank=EFFORTS.index(work.effort),
        fit=FITS[maps],
        worst=worst_of(severities),
        findings=severities.total(),
        severities=severities,
    )


def counts_of(kinds: str) -> Counter[tuple[str, str]]:
    """How many findings there are of each (code, severity)."""
    counts = Counter(kinds.split(AFTER)) if kinds else Counter()
    many: Counter[tuple[str, str]] = Counter()
    for each, count in counts.items():
        code, _, severity = each.rpartition(BETWEEN)
        many[code, severity] = count
    return many


def worst_of(severities: Iterable[str]) -> Severity | None:
    """The worst of them; None when there are none."""
    listed = [cast(Severity, each) for each in severities]
    return max(listed, key=SEVERITIES.index, default=None)
