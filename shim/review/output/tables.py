"""Exports: the nouns as JSON, CSV and Markdown tables. The letter to an integrator is `letter`'s.

Laws: names of columns and keys are those of the nouns, and stay; a CSV cell never begins a formula.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from shim.review.reading.model import FindingPage, FindingRow, OperationUse, Overview, Scorecard
from shim.review.reading.verdicts import SEVERITIES

Cells = Sequence[object]


def to_json(**nouns: object) -> str:
    """Nouns under their names, times in ISO 8601."""
    return json.dumps({name: plain(each) for name, each in nouns.items()}, indent=1, ensure_ascii=False)


def plain(noun: object) -> Any:
    """A noun as lists, mappings, texts and numbers."""
    if dataclasses.is_dataclass(noun) and not isinstance(noun, type):
        return {each.name: plain(getattr(noun, each.name)) for each in dataclasses.fields(noun)}
    if isinstance(noun, Mapping):
        return {str(key): plain(value) for key, value in noun.items()}
    if isinstance(noun, Sequence) and not isinstance(noun, str):
        return [plain(each) for each in noun]
    return noun.isoformat() if isinstance(noun, date) else noun


# ---- rows ----

INTEGRATION_COLUMNS = (
    "integration", "configured", "left", "ported", "done", "effort", "old_calls", "new_calls", "per_day",
    "open_findings", *SEVERITIES, "last_old", "last_new", "reason", "faults_today", "faults_week",
    "faults_before", "failing",
)  # fmt: skip
OPERATION_COLUMNS = (
    "integration", "order", "operation", "becomes", "fit", "calls", "per_day", "faults", "new_calls", "rung",
    "ported", "effort", "open_findings", "first_seen", "last_seen", "reason",
)  # fmt: skip
FINDING_COLUMNS = (
    "id", "integration", "operation", "severity", "code", "path", "state", "open", "count", "first_seen",
    "last_seen", "state_at", "until", "title", "because", "place",
)  # fmt: skip


def integration_row(card: Scorecard) -> Cells:
    faults = card.failures.faults
    row: dict[str, object] = {
        **{str(name): count for name, count in card.findings.items()},
        "faults_today": faults.today,
        "faults_week": faults.week,
        "faults_before": faults.before,
        "failing": card.failures.failing,
    }
    return [row.get(name, 0) if name in SEVERITIES or name in row else getattr(card, name)
            for name in INTEGRATION_COLUMNS]  # fmt: skip


def operation_row(use: OperationUse) -> Cells:
    return [getattr(use, name) for name in OPERATION_COLUMNS]


def finding_row(row: FindingRow) -> Cells:
    return [getattr(row, name) for name in FINDING_COLUMNS]


def integrations_csv(overview: Overview) -> str:
    return to_csv(INTEGRATION_COLUMNS, map(integration_row, overview.integrations))


def operations_csv(uses: Iterable[OperationUse]) -> str:
    return to_csv(OPERATION_COLUMNS, map(operation_row, uses))


def findings_csv(findings: Iterable[FindingRow]) -> str:
    return to_csv(FINDING_COLUMNS, map(finding_row, findings))


def to_csv(columns: Sequence[str], rows: Iterable[Cells]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_harmless(text(cell)) for cell in row] for row in rows)
    return out.getvalue()


def text(cell: object) -> str:
    """A cell in words: nothing for None, times to the second, numbers short."""
    writers: Mapping[type, Callable[[Any], str]] = {
        bool: lambda cell: "yes" if cell else "no",
        datetime: lambda cell: f"{cell:%Y-%m-%dT%H:%M:%SZ}",
        tuple: " ".join,
        float: lambda cell: f"{cell:.1f}",
        type(None): lambda cell: "",
    }
    return writers.get(type(cell), str)(cell)


def _harmless(cell: str) -> str:
    """Spreadsheets read a cell that begins like a formula as one; some texts come from callers."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


# ---- Markdown ----


def overview_markdown(overview: Overview) -> str:
    """All integrations as a table."""
    head = ("integration", "left", "ported", "done", "effort", "2.5 calls a day", "v3 calls", "open findings")
    rows = [
        (
            each.integration, each.left, each.ported, each.done, each.effort, each.per_day, each.new_calls,
            severities(each.findings),
        )
        for each in overview.integrations
    ]  # fmt: skip
    return "\n".join(
        ["# Porting to SystemAPI 3", "", f"{headline(overview)}.", "", *markdown_table(head, rows), ""]
    )


def headline(overview: Overview) -> str:
    """The window that was looked at, and what is left in it."""
    left = f"{overview.left} operation{'' if overview.left == 1 else 's'} left"
    return f"{overview.since} to {overview.until}: {left}, {overview.ported} ported"


def severities(counts: Mapping[Any, int]) -> str:
    """`1 refused, 2 loss`, the worst first; a dash for none."""
    return ", ".join(f"{counts[each]} {each}" for each in reversed(SEVERITIES) if counts.get(each)) or "-"


def findings_markdown(findings: Iterable[FindingRow]) -> str:
    head = ("id", "integration", "operation", "severity", "finding", "path", "state", "count", "last seen")
    rows = [
        (
            each.id, each.integration, each.operation, each.severity, each.title, code(each.path), each.state,
            each.count, each.last_seen.date().isoformat(),
        )
        for each in findings
    ]  # fmt: skip
    return "\n".join([*markdown_table(head, rows), ""])


def markdown_table(head: Sequence[str], rows: Iterable[Cells]) -> Iterable[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(text(cell).replace("|", "\\|").replace("\n", " ") for cell in row) + " |"


def code(name: str) -> str:
    """A name from a message, as code: it cannot end the code or the cell that it stands in."""
    return f"`{name.replace('`', '')}`" if name else ""


def fenced(content: str, language: str) -> list[str]:
    """A block of code, with a fence that nothing in it can close."""
    fence = "```"
    while fence in content:
        fence += "`"
    return [f"{fence}{language}", *content.rstrip("\n").split("\n"), fence]


def title(page: FindingPage) -> str:
    """A finding in one line of Markdown."""
    at = f" at {code(page.row.path)}" if page.row.path else ""
    return f"{page.row.title}{at}"
