"""Numbers with their spread, and the tables that they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of the rounds."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        if len(values) < 2:
            return cls(values[0], values[0], values[0])
        low, _, high = quantiles(values, n=4, method="inclusive")
        return cls(median(values), low, high)

    def text(self, digits: int) -> str:
        if self.low == self.high:
            return f"{self.median:.{digits}f}"
        return f"{self.median:.{digits}f} ({self.low:.{digits}f}-{self.high:.{digits}f})"


@dataclass
class Figure:
    """What was measured: `values` by peer, `ratios` by "a / b"; `aims` has the most that each should be."""

    what: str
    unit: str
    values: Mapping[str, Spread]
    ratios: Mapping[str, Spread] = field(default_factory=dict)
    aims: Mapping[str, float] = field(default_factory=dict)

    def row(self) -> str:
        values = ", ".join(f"{name} {each.text(_digits(each.median))}" for name, each in self.values.items())
        ratios = ", ".join(f"{name} **{each.median:.2f}** ({each.low:.2f}-{each.high:.2f})"
                           for name, each in self.ratios.items())  # fmt: skip
        aims = ", ".join(f"{name} {'≥' if aim < 0 else '≤'} {abs(aim):g}" for name, aim in self.aims.items())
        return f"| {self.what} | {values} {self.unit} | {ratios} | {aims} |"


def compared(
    what: str, unit: str, found: Mapping[str, Sequence[float]], aims: Mapping[str, float], *, of: str = "shim"
) -> Figure:
    """The figure of rounds, with the ratio of one peer, `of`, to every other in the same round."""
    ratios = {
        f"{of} / {name}": Spread.of([ours / theirs for ours, theirs in zip(found[of], values, strict=True)])
        for name, values in found.items()
        if name != of and of in found
    }
    return Figure(what, unit, {name: Spread.of(values) for name, values in found.items()}, ratios, aims)


def table(figures: Iterable[Figure]) -> str:
    """All of them as a table in Markdown."""
    head = "| what | median (quartiles) | ratio (quartiles) | aim |\n|---|---|---|---|"
    return "\n".join([head, *(each.row() for each in figures)])


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2
