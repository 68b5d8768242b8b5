"""Conventions of all commands: exit codes, where text goes, how a command ends early.

Data goes to stdout and messages to stderr, so that a pipe gets data only. Nothing heavy is imported here.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup, TyperOption


class ExitCode(IntEnum):
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
    ExitCode.FINE: "fine",
    ExitCode.FINDINGS: "findings or failures that were asked for",
    ExitCode.USAGE: "usage or configuration",
    ExitCode.BACKEND: "the v3 backend cannot be reached",
    ExitCode.LOGIN: "the v3 backend refuses a login",
    ExitCode.INTERRUPTED: "Ctrl-C",
}


def say(text: str = "") -> None:
    """A message, to stderr."""
    typer.echo(text, err=True)


def fail(code: ExitCode, *lines: str) -> NoReturn:
    """End the command with messages on stderr."""
    for line in lines:
        say(line)
    raise typer.Exit(code)


def end(code: ExitCode) -> NoReturn:
    raise typer.Exit(code)


def read_input(name: str) -> bytes:
    """The content of a file, or of stdin for `-`. Ends the command when it cannot be read."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        fail(ExitCode.USAGE, f"{name}: cannot be read ({error.strerror}). Give a file, or - for stdin.")
