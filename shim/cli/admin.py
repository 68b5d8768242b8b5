"""`shim admin`: who may use the review page.

A password is never an argument: it is asked for with a hidden prompt, or read from stdin where `-` says so.
"""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
import re
import sys
from enum import StrEnum
from typing import Annotated

import typer

from shim.cli.common.console import ExitCode, LightGroup, fail, say

SHORTEST = 12
"""Characters of a password: one for a page that can refuse all calls of an integration."""

app = typer.Typer(
    name="admin",
    cls=LightGroup,
    help="Who may use the review page.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class RoleName(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


class AdminForm(StrEnum):
    TEXT = "text"
    JSON = "json"


@app.callback()
def _admin() -> None:
    """Keeps `password` a command of its own while it is the only one."""


@app.command()
def password(
    source: Annotated[
        str | None, typer.Argument(help="- reads a line of stdin; else it is asked for.", metavar="[-]")
    ] = None,
    format: Annotated[
        AdminForm,
        typer.Option("--format", envvar="SHIM_ADMIN_PASSWORD_FORMAT", help="text is the hash alone."),
    ] = AdminForm.TEXT,
) -> None:
    """Make the hash of a password for admin.users in the configuration."""
    from shim.edge.callers.passwords import Passwords

    secret = _secret(source)
    if len(secret) < SHORTEST:
        fail(ExitCode.USAGE, f"The password is too short: take {SHORTEST} characters at least.")
    hashed = Passwords().hash(secret)
    typer.echo(hashed if format is AdminForm.TEXT else json.dumps({"password_hash": hashed}))
    say("Put it under admin.users in the configuration, as password_hash beside a name; then kill -HUP.")


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Whose it is; stands beside every change, as api:NAME.")],
    role: Annotated[
        RoleName, typer.Option("--role", envvar="SHIM_ADMIN_TOKEN_ROLE", help="What it may do.")
    ] = RoleName.VIEWER,
    format: Annotated[
        AdminForm, typer.Option("--format", envvar="SHIM_ADMIN_TOKEN_FORMAT", help="text is the token alone.")
    ] = AdminForm.TEXT,
) -> None:
    """Make a token for /api/v1. It is printed once; the configuration gets its SHA-256."""
    import hashlib
    import secrets

    if not re.fullmatch(r"[\w.@+-]{1,64}", name):
        fail(ExitCode.USAGE, "A name is made of letters, digits, and . _ @ + -, 64 at most.")
    secret = f"shim_{secrets.token_urlsafe(32)}"
    entry = {"name": name, "role": role.value, "sha256": hashlib.sha256(secret.encode()).hexdigest()}
    typer.echo(secret if format is AdminForm.TEXT else json.dumps({"token": secret, "entry": entry}, indent=1))
    say("Put this under admin.tokens in the configuration, then `shim reload`; the token is kept nowhere:")
    say(f"- {json.dumps(entry)}")


def _secret(source: str | None) -> str:
    import getpass

    if source not in (None, "-"):
        fail(ExitCode.USAGE, "A password is no argument, since everybody on the machine sees those: give -.")
    if source == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        fail(ExitCode.USAGE, "There is no terminal to ask for the password: give - and a line of stdin.")
    first = getpass.getpass("password: ")
    if getpass.getpass("again: ") != first:
        fail(ExitCode.USAGE, "The two are not the same.")
    return first
