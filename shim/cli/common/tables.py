"""Tables for people: what tells rows apart is never cut; what does not fit is left out, and said, or stacked.

Nothing heavy is imported here before something is shown.
"""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import typer

_PIPE = 180
"""Columns of a table that is not shown on a terminal, unless the variable COLUMNS says another number."""
_BREAKABLE = 16
"""A word that is no name may be broken into lines of so many characters."""
_BETWEEN = 2
"""Characters between two columns."""


@dataclass
class Listing:
    """Rows under heads. `names` are the heads of what tells rows apart, which is never broken; `spare` those
    that may be left out where there is no room, the first one first."""

    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str | None = None
    names: Sequence[str] = ()
    spare: Sequence[str] = ()
    left_out: list[str] = field(default_factory=list)


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str | None = None,
    *,
    names: Sequence[str] | None = None,
    spare: Sequence[str] = (),
) -> Listing:
    """A table. Without `names` the first column tells rows apart. Cells are never read as markup."""
    return Listing(heads, [list(row) for row in rows], title, heads[:1] if names is None else names, spare)


def show(listing: Listing) -> None:
    """A table on stdout: as wide as the terminal, as COLUMNS, or wide enough for a pipe."""
    width = _width()
    fitted = fit(listing, width)
    if fitted is None:
        typer.echo("\n".join(stacked(listing)))
        return
    _rich(fitted, width)
    if fitted.left_out:
        out = ", ".join(fitted.left_out)
        typer.echo(f"Left out for want of room: {out}. --format json, or a wider terminal, has all.", err=True)


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else _PIPE


def fit(listing: Listing, width: int) -> Listing | None:
    """The table with as many of its columns as there is room for; None when even those that stay do not fit."""
    spare = [head for head in listing.spare if head in listing.heads]
    for count in range(len(spare) + 1):
        out = spare[:count]
        kept = [number for number, head in enumerate(listing.heads) if head not in out]
        heads = [listing.heads[number] for number in kept]
        rows = [[row[number] for number in kept] for row in listing.rows]
        fewer = Listing(heads, rows, listing.title, listing.names, listing.spare, out)
        if sum(_least(fewer)) + _BETWEEN * len(heads) <= width:
            return fewer
    return None


def _least(listing: Listing) -> list[int]:
    """How narrow each column may get: a name whole, other cells broken between words, and long words inside."""
    least = []
    for number, head in enumerate(listing.heads):
        cells = [row[number] for row in listing.rows]
        longest = max((_cells(word) for text in (head, *cells) for word in text.split()), default=0)
        whole = max((_cells(line) for text in cells for line in text.splitlines()), default=0)
        least.append(
            max(whole, min(longest, _BREAKABLE)) if head in listing.names else min(longest, _BREAKABLE)
        )
    return least


def _cells(text: str) -> int:
    """Columns of a terminal that a text takes; some characters take two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def stacked(listing: Listing) -> Iterable[str]:
    """Each row as lines of its own: what tells it apart first, then every other cell that is not empty."""
    if listing.title:
        yield listing.title
        yield ""
    widest = max((len(head) for head in listing.heads if head not in listing.names), default=0)
    for row in listing.rows:
        cells = list(zip(listing.heads, row, strict=True))
        yield "  ".join(cell for head, cell in cells if head in listing.names and cell) or "-"
        for head, cell in cells:
            if head not in listing.names and cell:
                first, *more = cell.splitlines()
                yield f"  {head.ljust(widest)}  {first}"
                yield from (f"  {' ' * widest}  {line}" for line in more)
        yield ""


def _rich(listing: Listing, width: int) -> None:
    """Rich honours NO_COLOR."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(
        title=Text(listing.title) if listing.title else None,
        box=box.SIMPLE_HEAD,
        title_justify="left",
        pad_edge=False,
    )
    for head, least in zip(listing.heads, _least(listing), strict=True):
        named = head in listing.names
        drawn.add_column(Text(head), no_wrap=named, overflow="fold", min_width=least if named else None)
    for row in listing.rows:
        drawn.add_row(*(Text(cell) for cell in row))
    Console(width=width, highlight=False).print(drawn)
