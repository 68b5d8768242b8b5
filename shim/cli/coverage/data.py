"""Coverage as data: what becomes of every path of every old message, and which golden cases show it."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from shim.core.catalogue.fates import fates_of
from shim.core.catalogue.translation import Catalogue
from shim.core.errors import CallerError
from shim.core.message import Element
from shim.core.parse import SOAP, parse

CASES = Path(__file__).parents[3] / "tests" / "cases"
"""There in a checkout, not in an installed package."""

_SECTIONS = {"old request": "request", "old answer": "answer"}
Shown = Mapping[tuple[str, str, str], list[str]]
"""Case files by (operation, direction, path)."""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """One path of one old message. `path` is that below the message, `place` where it is in v3."""

    service: str
    operation: str
    direction: str
    path: str
    fate: str
    place: str | None
    finding: str | None
    because: str
    cases: list[str]


def rows(catalogue: Catalogue, cases: Path = CASES) -> list[CoverageRow]:
    """All paths, by service, operation and direction in the order of the interface."""
    shown = _shown(catalogue, cases)
    return [
        CoverageRow(
            operation.service,
            operation.name,
            fate.direction,
            fate.path,
            fate.fate,
            fate.v3_path,
            fate.finding,
            fate.because,
            sorted(shown.get((operation.full_name, fate.direction, fate.path), ())),
        )
        for operation in catalogue.old.operations.values()
        for fate in fates_of(catalogue, operation)
    ]


def totals(catalogue: Catalogue, of: Iterable[CoverageRow]) -> dict[str, Any]:
    """Counts of the rows: operations and paths, by fate, by finding, how many have a case; by service, too."""
    listed = list(of)
    services = {name: list(each) for name, each in groupby(listed, lambda row: row.service)}
    return {
        **_counts(catalogue, listed),
        "services": {name: _counts(catalogue, members) for name, members in services.items()},
    }


def _counts(catalogue: Catalogue, listed: list[CoverageRow]) -> dict[str, Any]:
    operations = {f"{row.service}.{row.operation}" for row in listed}
    return {
        "operations": len(operations),
        "translated": len(operations & set(catalogue.translations)),
        "paths": len(listed),
        "fates": dict(Counter(row.fate for row in listed).most_common()),
        "findings": dict(Counter(row.finding for row in listed if row.finding).most_common()),
        "with_cases": sum(bool(row.cases) for row in listed),
    }


# ---- golden cases ----


def _shown(catalogue: Catalogue, cases: Path) -> Shown:
    names = {name.lower(): name for name in catalogue.old.operations}
    shown: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for file in sorted(cases.glob("*/*.case")):
        relative = file.relative_to(cases).as_posix()
        operation = names.get(f"{file.parent.name}.{file.name.split('.')[0]}".lower())
        if operation:
            for direction, path in _paths_of(file.read_text("utf-8")):
                shown[operation, direction, path].append(relative)
    return shown


def _paths_of(text: str) -> set[tuple[str, str]]:
    """(direction, path) of all that the old messages of a case hold."""
    _, *rest = re.split(r"^=== (.+)$", text, flags=re.MULTILINE)
    return {
        (_SECTIONS[name.strip()], path)
        for name, message in zip(rest[::2], rest[1::2], strict=True)
        if name.strip() in _SECTIONS
        for path in _below(_body(message.strip()))
    }


def _body(message: str) -> Element:
    if "Envelope" not in message[:200]:
        message = f'<e:Envelope xmlns:e="{SOAP}"><e:Body>{message}</e:Body></e:Envelope>'
    try:
        return parse(message.encode()).body
    except CallerError:  # a case may be about a message that cannot be read
        return Element("")


def _below(element: Element, prefix: str = "") -> Iterator[str]:
    for child in element.children:
        path = prefix + child.name
        yield path
        yield from (f"{path}/@{name}" for name in child.attributes)
        yield from _below(child, path + "/")
