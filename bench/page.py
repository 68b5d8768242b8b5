"""The tables of docs/performance.md, made from files of results, so that no number there is typed by hand.

Between `<!-- results: FILE -->` and `<!-- end -->` stands the table of that file below `bench/results`; between
`<!-- charts: FILE -->` and the same end, pictures of what grows in it.

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
_CHARTS = re.compile(r"(<!-- charts: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
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

    return _CHARTS.sub(_drawn, _PLACE.sub(made, text))


def is_line(figure: Figure) -> bool:
    """Whether its values are points: each by a number."""
    return all(name.isdigit() for name in figure.values)


def chart(figure: Figure) -> str:
    """A line of medians, from nought, as Mermaid draws it."""
    points = ", ".join(f"{each.median:.0f}" for each in figure.values.values())
    most = max(each.median for each in figure.values.values()) * 1.2
    return (
        f'```mermaid\nxychart-beta\n    title "{figure.what}"\n    x-axis [{", ".join(figure.values)}]\n'
        f'    y-axis "{figure.unit} a call" 0 --> {most:.0f}\n    line [{points}]\n```\n'
    )


def _drawn(place: re.Match[str]) -> str:
    results = json.loads((ROOT / "bench" / "results" / place[2]).read_text("utf-8"))
    drawn = "\n".join(chart(each) for each in figures(results) if is_line(each))
    return f"{place[1]}{drawn}{place[3]}"


if __name__ == "__main__":
    PAGE.write_text(refreshed(PAGE.read_text("utf-8")), "utf-8")
