"""Files of identities: what an operator brings along, and takes away."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from shim.core.commands.extensions import Identity
from shim.edge.identities.tables import Gone, MapKey

_ID = re.compile(r"[1-9][0-9]{0,18}\Z")


class ImportRefused(ValueError):
    """Nothing was imported, and why. `rows` are the ones to look at, counted from 1."""

    def __init__(self, why: str, rows: Sequence[int] = ()) -> None:
        few = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
        super().__init__(f"nothing was imported: {why}{': ' if rows else ''}{few}")
        self.rows = tuple(rows)


COLUMNS = ("old_id", "extension_id", "user_id", "number")


def read_csv(path: Path) -> list[Identity | Gone]:
    """The rows of a file with the columns old_id, extension_id (may be empty), user_id, number.

    A row with something in the column `gone_at`, which the file need not have, is about a gone extension; one
    with an extension ID in `stands_for` as well about former IDs of the extension that has that one.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        if not {"old_id", "user_id", "number"} <= set(reader.fieldnames or ()):
            raise ImportRefused("its first line does not name old_id, extension_id, user_id and number")
        rows: list[Identity | Gone] = []
        for row in reader:
            old_id, extension_id, user_id, number = ((row.get(name) or "").strip() for name in COLUMNS)
            identity = Identity(old_id, extension_id, user_id, number)
            former = (row.get("stands_for") or "").strip() or None
            rows.append(Gone(identity, former) if (row.get("gone_at") or "").strip() else identity)
        return rows


def judge(rows: Sequence[Identity | Gone]) -> None:
    """Raises ImportRefused when rows are malformed or contradict one another."""
    seen: set[tuple[MapKey, str]] = set()
    bad = []
    for position, row in enumerate(rows, 1):
        each = row.identity if isinstance(row, Gone) else row
        ids = [each.old_id, each.user_id]
        if each.extension_id or isinstance(row, Gone):
            ids.append(each.extension_id)
        unique = _unique(row)
        if not (all(map(_ID.match, ids)) and each.number) or seen & unique:
            bad.append(position)
        seen |= unique
    if bad:
        raise ImportRefused("these rows are malformed or say something twice", bad)


def _unique(row: Identity | Gone) -> set[tuple[MapKey, str]]:
    """The values that no other row may have. A gone extension's number is free."""
    if isinstance(row, Gone):
        return {("old_id", row.identity.old_id), ("extension_id", row.identity.extension_id)}
    unique: set[tuple[MapKey, str]] = {("old_id", row.old_id), ("number", row.number)}
    return unique | ({("extension_id", row.extension_id)} if row.extension_id else set())
