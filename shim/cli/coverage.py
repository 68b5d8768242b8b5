"""`shim coverage`: what becomes of every path of every old message."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.console import Code, fail, show, table

if TYPE_CHECKING:
    from shim.cli.coverage_data import Row
    from shim.core.catalogue import Catalogue

_FATES = ("carried", "renamed", "moved", "computed", "kept", "emulated", "dropped", "refused")


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def coverage(
    only: Annotated[
        list[str] | None, typer.Argument(help="Services or operations, such as Client or Client.AddClient.")
    ] = None,
    format: Annotated[
        Format,
        typer.Option(envvar="SHIM_COVERAGE_FORMAT", help="How to print it; only json has all paths."),
    ] = Format.TABLE,
) -> None:
    """Show what becomes of every path of every old message: its fate, its place in v3, its finding."""
    from shim.cli.coverage_data import rows, totals
    from shim.cli.loading import catalogue

    compiled = catalogue()
    chosen = _chosen(rows(compiled), only or [])
    if format is Format.JSON:
        data = {"paths": [asdict(row) for row in chosen], "totals": totals(compiled, chosen)}
        typer.echo(json.dumps(data, indent=1, ensure_ascii=False))
    elif format is Format.MARKDOWN:
        typer.echo("\n".join(_markdown(compiled, chosen)))
    else:
        show(table(_HEAD, _summary(compiled, chosen)))


def _chosen(rows: list[Row], only: Sequence[str]) -> list[Row]:
    for name in only:
        if not any(_named(row, name) for row in rows):
            fail(Code.USAGE, f"There is no service or operation {name}. `shim coverage` lists all.")
    return [row for row in rows if not only or any(_named(row, name) for name in only)]


def _named(row: Row, name: str) -> bool:
    names = (row.service, row.operation, f"{row.service}.{row.operation}")
    return name.lower() in (each.lower() for each in names)


_HEAD = ("service", "operation", "becomes", "paths", *_FATES, "in cases")


def _summary(catalogue: Catalogue, rows: Iterable[Row]) -> list[list[str]]:
    """One line an operation; zeros stay blank."""
    lines = []
    for (service, operation), group in groupby(rows, lambda row: (row.service, row.operation)):
        members = list(group)
        fates = Counter(row.fate for row in members)
        counts = [str(fates[fate] or "") for fate in _FATES]
        cases = sum(bool(row.cases) for row in members)
        becomes = _becomes(catalogue, f"{service}.{operation}")
        lines.append([service, operation, becomes, str(len(members)), *counts, str(cases or "")])
    return lines


def _becomes(catalogue: Catalogue, name: str) -> str:
    translation = catalogue.translations.get(name)
    if translation is None:
        return "-"
    return "(the shim itself)" if translation.declared.emulates else translation.new.full_name


def _markdown(catalogue: Catalogue, rows: list[Row]) -> Iterable[str]:
    from shim.cli.coverage_data import totals

    counted = totals(catalogue, rows)
    yield "# Coverage\n"
    yield "Made by `shim coverage --format markdown`. What becomes of every path of every 2.5 message.\n"
    told = f"{counted['translated']} of {counted['operations']} operations are translated"
    yield f"{told}; {counted['paths']} paths in all. Those carried over as they are, are not listed.\n"
    yield from _markdown_table(_HEAD, _summary(catalogue, rows))
    for (service, operation), group in groupby(rows, lambda row: (row.service, row.operation)):
        differing = [row for row in group if row.fate != "carried" or row.finding]
        if f"{service}.{operation}" not in catalogue.translations or not differing:
            continue
        yield f"\n## {service}.{operation}\n"
        yield from _markdown_table(
            ("direction", "path", "fate", "in v3", "finding", "because"),
            ([row.direction, row.path, row.fate, row.place or "", row.finding or "", row.because]
             for row in differing),
        )  # fmt: skip


def _markdown_table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterable[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for line in lines:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
