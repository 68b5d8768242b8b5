"""`shim porting exception`: locked calls that pass for a while, with somebody who answers for it."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, LightGroup, fail, say
from shim.cli.common.scopes import OneIntegration, OperationScope, require
from shim.cli.common.store import OutputForm, OutputRow, Who, emit, emit_json, time, who_is, with_store

if TYPE_CHECKING:
    from datetime import datetime

    from shim.edge.porting.exceptions import LockedCalls, LockException
    from shim.edge.settings.model import Config
    from shim.edge.store.database import Store

app = typer.Typer(
    name="exception",
    cls=LightGroup,
    help="Exceptions to locks: calls that pass for a while, with an owner, a reason and an end.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _option(command: str, flag: str, what: str, **more: Any) -> Any:
    variable = f"SHIM_PORTING_EXCEPTION_{command}_{flag.removeprefix('--')}".upper()
    return typer.Option(flag, envvar=variable, help=what, **more)


_COLUMNS = ("id", "integration", "operation", "until", "owner", "reason", "who", "created_at", "ended_at")
_PROPOSED = ("integration", "operation", "calls", "days", "last_seen", "grant")
_NAMES = ("integration", "operation")
_NOTICED = "A shim that runs knows it within seconds."


@app.command("list")
def list_(
    config: options.ConfigFile = None,
    everything: Annotated[bool, _option("list", "--all", "Those that are over, too.")] = False,
    format: Annotated[OutputForm, _option("list", "--format", "How to print it.")] = OutputForm.TABLE,
) -> None:
    """List the exceptions that hold, the next to end first."""

    async def read(store: Store, settings: Config) -> list[OutputRow]:
        from shim.edge.porting.exceptions import read_exceptions

        return [_row(each) for each in await read_exceptions(store, everything=everything)]

    rows = with_store(config, read)
    spare = ("who", "created_at", "ended_at")
    emit(format, "exceptions", _COLUMNS, rows, names=("id", *_NAMES), spare=spare)
    if not rows and format is OutputForm.TABLE:
        say("No locked call passes.")


@app.command("propose")
def propose(
    integration: Annotated[
        str | None, typer.Argument(help="Only of this one.", autocompletion=complete.integrations)
    ] = None,
    config: options.ConfigFile = None,
    days: Annotated[
        int, _option("propose", "--days", "So many days are looked at, today included.", min=1, max=3650)
    ] = 7,
    format: Annotated[OutputForm, _option("propose", "--format", "How to print it.")] = OutputForm.TABLE,
) -> None:
    """Show which calls locks refused in the last days, and the command that would let each pass."""

    async def read(store: Store, settings: Config) -> list[OutputRow]:
        from shim.edge.porting.exceptions import refused_by_locks

        return [_proposed(each) for each in await refused_by_locks(store, days, integration)]

    rows = with_store(config, read)
    emit(format, "locked_calls", _PROPOSED, rows, names=_NAMES, spare=("days", "last_seen"))
    if not rows and format is OutputForm.TABLE:
        say("Locks refused nothing in these days that does not pass by an exception now.")


@app.command("grant")
def grant(
    integration: OneIntegration,
    operation: OperationScope,
    until: Annotated[str, _option("grant", "--until", "When it ends: 2026-02-01T09:00Z, or in so long: 14d.")],
    owner: Annotated[str, _option("grant", "--owner", "Who answers for it.")],
    why: Annotated[str, _option("grant", "--why", "The reason.")],
    config: options.ConfigFile = None,
    who: Who = None,
    format: Annotated[
        OutputForm, _option("grant", "--format", "table prints the ID alone.")
    ] = OutputForm.TABLE,
) -> None:
    """Let locked calls pass until then. Prints the exception's ID, which ends it."""

    async def granted(store: Store, settings: Config) -> LockException:
        from shim.edge.porting.exceptions import grant_exception

        require(integration, settings)
        end = _end(until, store.now())
        return await grant_exception(store, integration, operation, owner, why, end, who_is(who))

    lifted = with_store(config, granted)
    if format is OutputForm.JSON:
        emit_json({"exception": _row(lifted)})
    else:
        typer.echo(lifted.id)
    until_text = f"{lifted.until:%Y-%m-%d %H:%M} UTC"
    say(f"{integration}: locked calls of {operation} pass until {until_text}. {_NOTICED}")


@app.command("end")
def end(
    id: Annotated[
        str,
        typer.Argument(
            help="Which; `shim porting exception list` shows them.", autocompletion=complete.exceptions
        ),
    ],
    config: options.ConfigFile = None,
    who: Who = None,
) -> None:
    """End an exception before its time: the lock holds again."""

    async def ended(store: Store, settings: Config) -> LockException | None:
        from shim.edge.porting.exceptions import end_exception

        return await end_exception(store, id, who_is(who))

    closed = with_store(config, ended)
    if closed is None:
        fail(ExitCode.USAGE, f"No exception {id} holds. `shim porting exception list` shows those that do.")
    say(f"{closed.integration}: {closed.operation} is locked again. {_NOTICED}")


def _end(until: str, now: datetime) -> datetime:
    """A time, or a length from now. Raises PortingRefused."""
    from shim.edge.porting.brownouts import PortingRefused, duration, moment

    try:
        return now + duration(until)
    except PortingRefused:
        return moment(until, now)


def _row(each: LockException) -> OutputRow:
    times = {name: time(getattr(each, name)) for name in ("until", "created_at", "ended_at")}
    return {name: getattr(each, name) for name in _COLUMNS} | times


def _proposed(each: LockedCalls) -> OutputRow:
    command = f"shim porting exception grant {each.integration} {shlex.quote(each.operation)}"
    return {
        "integration": each.integration,
        "operation": each.operation,
        "calls": each.calls,
        "days": each.days,
        "last_seen": time(each.last_seen),
        "grant": f"{command} --until 14d --owner OWNER --why REASON",
    }
