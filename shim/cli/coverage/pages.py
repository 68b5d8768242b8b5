"""Coverage as pages: an overview of all services and operations, and one page a service with every path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from shim.cli.coverage.data import CoverageRow, totals
from shim.core.catalogue.translation import Catalogue, Translation

FATES = ("carried", "renamed", "moved", "computed", "kept", "emulated", "dropped", "refused", "ignored")
HEAD = ("service", "operation", "becomes", "paths", *FATES, "in cases")
MEANINGS = {
    "carried": "the same path, type and meaning in v3",
    "renamed": "the same thing under another name",
    "moved": "another v3 call takes it",
    "computed": "the value is converted, looked up, or made out of several answers",
    "kept": "v3 cannot hold it: the shim stores it",
    "emulated": "v3 cannot say it: the shim answers from what it stores or is configured with",
    "dropped": "left out; a finding each time",
    "refused": "the call is answered with a fault that says why",
    "ignored": "the schema of 2.5 lists it, and another element says the same",
}


def summary(catalogue: Catalogue, rows: Iterable[CoverageRow]) -> list[list[str]]:
    """One line an operation; zeros stay blank."""
    lines = []
    for (service, operation), group in groupby(rows, lambda row: (row.service, row.operation)):
        members = list(group)
        fates = Counter(row.fate for row in members)
        counts = [str(fates[fate] or "") for fate in FATES]
        cases = sum(bool(row.cases) for row in members)
        becomes = _becomes(catalogue, f"{service}.{operation}")
        lines.append([service, operation, becomes, str(len(members)), *counts, str(cases or "")])
    return lines


def overview(catalogue: Catalogue, rows: Sequence[CoverageRow]) -> Iterator[str]:
    """The lines of the page of totals, which links to the page of each service."""
    yield "# Coverage\n"
    yield "What becomes of every path of every 2.5 message. Made by `shim coverage --format markdown`, which"
    yield "fails when a path has no fate, or goes to a place that v3 does not have.\n"
    counted = totals(catalogue, rows)
    yield f"{counted['translated']} of {counted['operations']} operations are translated. They have"
    yield f"{counted['paths']} paths, requests and answers together.\n"
    yield from _table(("fate", "paths", "meaning"), (
        (fate, str(counted["fates"].get(fate, 0)), meaning) for fate, meaning in MEANINGS.items()
    ))  # fmt: skip
    yield "\n*In cases* counts the paths that a golden conversation of `tests/cases` holds. Every path is"
    yield "also in the messages that `tests/core/properties/test_properties.py` makes.\n"
    yield "## Services\n"
    columns = ("service", "operations", "translated", "paths", *FATES, "in cases")
    yield from _table(columns, (_service_line(name, each) for name, each in counted["services"].items()))
    yield "\n## Findings\n"
    yield from _table(("finding", "paths"), (
        (f"[`{code}`](findings.md)", str(count)) for code, count in counted["findings"].items()
    ))  # fmt: skip
    yield "\n## Operations\n"
    yield from _table(HEAD, (_linked(line) for line in summary(catalogue, rows)))


def details(catalogue: Catalogue, rows: Iterable[CoverageRow]) -> Iterator[str]:
    """The lines of the page of a service: every operation with every path."""
    for service, members in groupby(rows, lambda row: row.service):
        yield f"# Coverage: {service}\n"
        yield f"Made by `shim coverage {service} --format markdown`. [All services](../coverage.md)."
        for operation, group in groupby(members, lambda row: row.operation):
            yield from _operation(catalogue, f"{service}.{operation}", list(group))


def _operation(catalogue: Catalogue, name: str, rows: list[CoverageRow]) -> Iterator[str]:
    yield f"\n## {name}\n"
    yield f"{_says(catalogue, name)}\n"
    for direction in ("request", "answer"):
        members = [row for row in rows if row.direction == direction]
        if not members:
            yield f"The {direction} has nothing in it.\n"
            continue
        yield from _table((direction, "fate", "in v3", "finding", "because", "cases"), map(_line, members))
        yield ""


def _line(row: CoverageRow) -> tuple[str, ...]:
    finding = f"[`{row.finding}`](../findings.md)" if row.finding else ""
    because = "" if row.fate == "carried" and not row.finding else row.because
    cases = ", ".join(each.rpartition("/")[2].removesuffix(".case") for each in row.cases)
    return f"`{row.path}`", row.fate, f"`{row.place}`" if row.place else "", finding, because, cases


def _says(catalogue: Catalogue, name: str) -> str:
    translation = catalogue.translations.get(name)
    if translation is None:
        return "Not translated yet: a call is answered with a fault."
    if not _is_forwarded(translation):
        return f"Served by the shim itself. {translation.declared.emulates or ''}".rstrip()
    calls = [each.new.full_name for each in translation.legs.values()] or [translation.new.full_name]
    return f"Becomes {', '.join(dict.fromkeys(calls))}."


def _becomes(catalogue: Catalogue, name: str) -> str:
    translation = catalogue.translations.get(name)
    if translation is None:
        return "-"
    return translation.new.full_name if _is_forwarded(translation) else "(the shim itself)"


def _is_forwarded(translation: Translation) -> bool:
    return translation.declared.forwarded and not translation.declared.emulates


def _service_line(name: str, counted: dict[str, int | dict[str, int]]) -> list[str]:
    fates = counted["fates"]
    assert isinstance(fates, dict)
    numbers = (counted["operations"], counted["translated"], counted["paths"])
    return [
        f"[{name}](coverage/{name.lower()}.md)",
        *map(str, numbers),
        *(str(fates.get(fate) or "") for fate in FATES),
        str(counted["with_cases"]),
    ]


def _linked(line: list[str]) -> list[str]:
    service, operation, *rest = line
    anchor = f"{service}{operation}".lower()
    return [service, f"[{operation}](coverage/{service.lower()}.md#{anchor})", *rest]


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for line in lines:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
