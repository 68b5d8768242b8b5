"""How `shim map` prints: rows of columns as a table, as JSON, as CSV."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from shim.cli.common.store import emit_json, time
from shim.cli.common.tables import show, table

if TYPE_CHECKING:
    from shim.cli.map.verify import Mismatch
    from shim.edge.identities.tables import ImportReport, MapEvent, MapRow

MapColumns = Mapping[str, str | None]

_FILE = ("old_id", "extension_id", "user_id", "number", "identifier")
COLUMNS = {
    "extensions": (*_FILE, "state", "origin", "created_at", "seen_at", "unconfirmed_at", "gone_at"),
    "events": ("at", "kind", "old_id", "user_before", "user_after", "number_before", "number_after"),
    "mismatches": (
        "mismatch",
        "old_id",
        "extension_id",
        "user_id",
        "number",
        "user_in_v3",
        "number_in_v3",
        "repair",
    ),
    "rows": ("what", "count", "rows"),
}


_NAMES = ("old id", "extension id", "number", "what", "at")
"""Heads of what tells rows apart."""


class MapFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


class FileFormat(StrEnum):
    CSV = "csv"
    JSON = "json"


def emit(form: MapFormat, name: str, rows: Sequence[MapColumns]) -> None:
    """Rows on stdout. A table leaves identifiers out, which are long, and is left out when it is empty."""
    columns = COLUMNS[name]
    if form is MapFormat.JSON:
        emit_json({name: rows})
    elif form is MapFormat.CSV:
        typer.echo(_csv(columns, rows), nl=False)
    elif rows:
        shown = [column for column in columns if column != "identifier"]
        heads = [column.replace("_", " ") for column in shown]
        cells = ([row[column] or "" for column in shown] for row in rows)
        show(table(heads, cells, names=_NAMES, spare=("unconfirmed at", "seen at", "created at", "origin")))


def exported(mapped: Iterable[MapRow]) -> str:
    """The file that an import reads. `gone_at` says which extensions are gone; those with `stands_for` have
    IDs that mean another one."""
    columns = (*_FILE, "gone_at", "stands_for")
    rows = ({**entry_row(each), "stands_for": each.stands_for} for each in mapped)
    return _csv(columns, ({name: row[name] for name in columns} for row in rows))


def exported_json(mapped: Iterable[MapRow]) -> str:
    """The same for other programs."""
    rows = [{**entry_row(each), "stands_for": each.stands_for} for each in mapped]
    return json.dumps({"extensions": rows}, indent=1, ensure_ascii=False) + "\n"


def _csv(columns: Sequence[str], rows: Iterable[MapColumns]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def entry_row(entry: MapRow) -> MapColumns:
    row: dict[str, str | None] = {name: getattr(entry.identity, name) for name in _FILE}
    names = ("created_at", "seen_at", "unconfirmed_at", "gone_at")
    times = {name: time(getattr(entry, name)) for name in names}
    return row | {"state": entry.state, "origin": entry.origin} | times


def event_row(event: MapEvent) -> MapColumns:
    return {name: getattr(event, name) for name in COLUMNS["events"]} | {"at": time(event.at)}


def mismatch_row(each: Mismatch) -> MapColumns:
    from shim.cli.map.verify import DOES

    known = {name: getattr(each.known, name, None) for name in ("old_id", "extension_id", "user_id", "number")}
    known |= {"old_id": "{}-{}".format(*each.span)} if each.span else {}
    seen = {f"{what}_in_v3": getattr(each.seen, name, None) for what, name in _SEEN}
    return {"mismatch": each.kind, **known, **seen, "repair": DOES[each.kind]}


_SEEN = (("user", "user_id"), ("number", "number"))


def report_rows(report: ImportReport) -> list[MapColumns]:
    """How many rows were taken in how; those that were left, by their numbers."""
    taken = [(what, getattr(report, what), "") for what in ("added", "same", "replaced", "gone")]
    left = [(f"left: {why}", len(rows), " ".join(map(str, rows))) for why, rows in report.left.items()]
    return [{"what": what, "count": str(count), "rows": rows} for what, count, rows in (*taken, *left)]
