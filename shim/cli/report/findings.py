"""`shim findings`: saying what becomes of a finding. `shim report` shows them."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, LightGroup, fail, say
from shim.cli.common.store import now, who_is, with_store

if TYPE_CHECKING:
    from shim.review.reading.model import FindingState

app = typer.Typer(
    name="findings",
    cls=LightGroup,
    help="The life of findings: acknowledge, ignore, declare fixed, reopen, note. `shim report` lists them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Id = Annotated[
    int,
    typer.Argument(
        help="Its number, as in `shim report INTEGRATION`.", metavar="ID", autocompletion=complete.findings
    ),
]
_Text = Annotated[str, typer.Argument(help="Why, for the history.", metavar="[TEXT]")]
_Who = Annotated[
    str | None,
    typer.Option("--who", envvar="SHIM_FINDINGS_WHO", help="Who says so; else your login.", metavar="NAME"),
]


@app.command("acknowledge")
def acknowledge(id: _Id, text: _Text = "", config: options.ConfigFile = None, who: _Who = None) -> None:
    """Say that somebody looks after it; it stays open."""
    _change(config, id, "acknowledged", who, text)


@app.command("ignore")
def ignore(
    id: _Id,
    reason: Annotated[str, typer.Argument(help="Why it does not matter.")],
    config: options.ConfigFile = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            envvar="SHIM_FINDINGS_IGNORE_UNTIL",
            help="Only until this day begins, or this time (UTC); else for good.",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    who: _Who = None,
) -> None:
    """Say that it does not matter, and why: until a day, or for good."""
    _change(config, id, "ignored", who, reason, until.replace(tzinfo=UTC) if until else None)


@app.command("fix")
def fix(id: _Id, text: _Text = "", config: options.ConfigFile = None, who: _Who = None) -> None:
    """Declare it fixed. It is verified by calls without it, and reopened by itself if it comes back."""
    _change(config, id, "fixed", who, text)


@app.command("reopen")
def reopen(id: _Id, text: _Text = "", config: options.ConfigFile = None, who: _Who = None) -> None:
    """Take back what was said of it: it is new again."""
    _change(config, id, "new", who, text)


@app.command("note")
def note(
    id: _Id,
    text: Annotated[str, typer.Argument(help="The note.")],
    config: options.ConfigFile = None,
    who: _Who = None,
) -> None:
    """Add a note to its history; its state stays."""
    from shim.review.reading import states

    try:
        with_store(config, lambda store, _: states.note(store, id, who_is(who), text, now=now()))
    except states.StateRefused as refused:
        fail(ExitCode.USAGE, str(refused))
    say(f"Noted at finding {id}.")


def _change(
    config: Path | None, id: int, state: FindingState, who: str | None, text: str, until: datetime | None = None
) -> None:
    from shim.review.reading import states

    try:
        event = with_store(
            config, lambda store, _: states.change(store, id, state, who_is(who), text, until, now=now())
        )
    except states.StateRefused as refused:
        fail(ExitCode.USAGE, str(refused))
    say(f"Finding {id}: {event.was} -> {event.became}.")
