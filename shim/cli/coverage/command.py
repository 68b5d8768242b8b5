"""`shim coverage`: what becomes of every path of every old message."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, fail, say
from shim.cli.common.tables import show, table

if TYPE_CHECKING:
    from shim.cli.coverage.data import CoverageRow
    from shim.core.catalogue.translation import Catalogue


class CoverageFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def coverage(
    only: Annotated[
        list[str] | None, typer.Argument(help="Services or operations, such as Client or Client.AddClient.")
    ] = None,
    format: Annotated[
        CoverageFormat,
        typer.Option(
            envvar="SHIM_COVERAGE_FORMAT",
            help="How to print it; only json has all paths of all.",
        ),
    ] = CoverageFormat.TABLE,
    config: options.ConfigFile = None,
    schema_version: options.SchemaVersion = None,
) -> None:
    """Show what becomes of every path of every old message: its fate, its place in v3, its finding.

    Ends with 1 when a path has no fate, or goes to a place that v3 does not have.
    """
    from shim.cli.common import loading
    from shim.cli.coverage.data import rows
    from shim.cli.coverage.gaps import gaps

    settings = loading.config(config, {}) if config else None
    compiled = loading.catalogue(loading.dialect(schema_version, settings))
    names = _operations(compiled, only or [])
    chosen = [row for row in rows(compiled) if f"{row.service}.{row.operation}" in names]
    _print(compiled, chosen, format, whole=not only)
    open_places = gaps(compiled, names)
    if open_places:
        say(f"The coverage has {len(open_places)} gaps:")
        fail(ExitCode.FINDINGS, *(f"  {gap}" for gap in open_places))


def _print(catalogue: Catalogue, chosen: list[CoverageRow], format: CoverageFormat, *, whole: bool) -> None:
    from shim.cli.coverage.data import totals
    from shim.cli.coverage.pages import HEAD, details, overview, summary

    if format is CoverageFormat.JSON:
        data = {"paths": [asdict(row) for row in chosen], "totals": totals(catalogue, chosen)}
        typer.echo(json.dumps(data, indent=1, ensure_ascii=False))
    elif format is CoverageFormat.MARKDOWN:
        typer.echo("\n".join((overview if whole else details)(catalogue, chosen)))
    else:
        show(table(HEAD, summary(catalogue, chosen)))


def _operations(catalogue: Catalogue, only: Sequence[str]) -> list[str]:
    """The full names of those that are meant. Ends the command for a name that says none."""
    all_of_them = [(each.service, each.name) for each in catalogue.old.operations.values()]
    for name in only:
        if not any(_is_named(*each, [name]) for each in all_of_them):
            fail(ExitCode.USAGE, f"There is no service or operation {name}. `shim coverage` lists all.")
    return [".".join(each) for each in all_of_them if not only or _is_named(*each, only)]


def _is_named(service: str, operation: str, only: Sequence[str]) -> bool:
    names = (service.lower(), operation.lower(), f"{service}.{operation}".lower())
    return any(name.lower() in names for name in only)
