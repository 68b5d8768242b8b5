"""The tables of docs/performance.md, made from files of results, so that no number there is typed by hand.

Between `<!-- results: FILE -->` and `<!-- end -->` stands the table of that file below `bench/results`.

    python -m bench.page
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bench.figures import Figure, Spread, table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
_PLACE = re.compile(r"(<!-- results: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)


def figures(results: dict[str, Any]) -> list[Figure]:
    """The figures of a file of results."""
    return [
        Figure(
            each["what"],
            each["unit"],
            {name: Spread(**value) for name, value in each["values"].items()},
            {name: Spread(**value) for name, value in each["ratios"].items()},
            each["aims"],
        )
        for each in results["figures"]
    ]


def facts(machine: dict[str, Any]) -> str:
    """The machine of a file of results, in one line."""
    libraries = ", ".join(f"{name} {version}" for name, version in machine["libraries"].items())
    return (
        f"{machine['at'][:10]}, commit {machine['commit']}: {machine['cores']} cores ({machine['cpu']}), load "
        f"{machine['load_at_start']:.1f} at the start, Python {machine['python']}, {libraries}; "
        f"{machine['rounds']} rounds of {machine['requests']} calls.\n"
    )


def refreshed(text: str) -> str:
    """The page with its tables made anew."""

    def made(place: re.Match[str]) -> str:
        results = json.loads((ROOT / "bench" / "results" / place[2]).read_text("utf-8"))
        return f"{place[1]}{facts(results['machine'])}\n{table(figures(results))}\n{place[3]}"

    return _PLACE.sub(made, text)


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text("utf-8")), "utf-8")
