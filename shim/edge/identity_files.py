"""Files of identities: what an operator brings along, and takes away."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from shim.core.commands import Identity
from shim.edge.identity_rows import By

_ID = re.compile(r"[1-9][0-9]{0,18}\Z")


class ImportRefused(ValueError):
    """Nothing was imported, and why. `rows` are the ones to look at, counted from 1."""

    def __init__(self, why: str, rows: Sequence[int] = ()) -> None:
        few = ", ".join(map(str, rows[:10])) + (", ..." if len(rows) > 10 else "")
        super().__init__(f"nothing was imported: {why}{': ' if rows else ''}{few}")
        self.rows = tuple(rows)


def read_csv(path: Path) -> list[Identity]:
    """The rows of a file with the columns old_id, extension_id (may be empty), user_id, number."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        if not {"old_id", "user_id", "number"} <= set(reader.fieldnames or ()):
            raise ImportRefused("its first line does not name old_id, extension_id, user_id and number")
        return [
            Identity(
                *((row.get(name) or "").strip() for name in ("old_id", "extension_id", "user_id", "number"))
            )
            for row in reader
        ]


def judge(rows: Sequence[Identity]) -> None:
    """Raises ImportRefused when rows are malformed or contradict one another."""
    seen: set[tuple[By, str]] = set()
    bad = []
    for position, each in enumerate(rows, 1):
        ids = [each.old_id, each.user_id, *([each.extension_id] if each.extension_id else [])]
        unique: set[tuple[By, str]] = {("old_id", each.old_id), ("number", each.number)}
        unique |= {("extension_id", each.extension_id)} if each.extension_id else set()
        if not (all(map(_ID.match, ids)) and each.number) or seen & unique:
            bad.append(position)
        seen |= unique
    if bad:
        raise ImportRefused("these rows are malformed or say something twice", bad)
