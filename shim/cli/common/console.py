"""What all commands share: exit codes, where text goes, how a command ends early.

Data goes to stdout and messages to stderr, so that a pipe gets data only. Nothing heavy is imported here.
"""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup, TyperOption

if TYPE_CHECKING:
    from rich.table import Table

_NARROW_PIPE = 180
"""Columns of a table that is not shown on a terminal."""


class Code(IntEnum):
    """Exit codes, the same for every command."""

    FINE = 0
    FINDINGS = 1
    USAGE = 2
    BACKEND = 3
    LOGIN = 4
    INTERRUPTED = 130


class LightGroup(TyperGroup):
    """A group of commands whose help option costs nothing: Typer loads pydantic to read an absent one."""

    def get_help_option(self, ctx: Any) -> TyperOption | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option


EXIT_CODES = {
    Code.FINE: "fine",
    Code.FINDINGS: "findings or failures that were asked for",
    Code.USAGE: "usage or configuration",
    Code.BACKEND: "the v3 backend cannot be reached",
    Code.LOGIN: "the v3 backend refuses a login",
    Code.INTERRUPTED: "Ctrl-C",
}


def say(text: str = "") -> None:
    """A message, to stderr."""
    typer.echo(text, err=True)


def fail(code: Code, *lines: str) -> NoReturn:
    """End the command with messages on stderr."""
    for line in lines:
        say(line)
    raise typer.Exit(code)


def end(code: Code) -> NoReturn:
    raise typer.Exit(code)


def read_input(name: str) -> bytes:
    """The content of a file, or of stdin for `-`. Ends the command when it cannot be read."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        fail(Code.USAGE, f"{name}: cannot be read ({error.strerror}). Give a file, or - for stdin.")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None) -> Table:
    """A plain table. Rich honours NO_COLOR; cells are never read as markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(*columns, title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def show(made: Table) -> None:
    """A table on stdout: as wide as the terminal, or wide enough for a pipe."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else _NARROW_PIPE, highlight=False).print(made)
