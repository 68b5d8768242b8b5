"""`shim brownout`: planned windows in which old calls are refused, so that it is seen who still makes them."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, LightGroup, fail, say
from shim.cli.common.scopes import AnyIntegration, OperationScope, require
from shim.cli.common.store import OutputForm, OutputRow, Who, emit, emit_json, time, who_is, with_store

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from shim.edge.porting.brownouts import PlannedBrownout
    from shim.edge.porting.reach import Hit, Program, Reach
    from shim.edge.settings.model import Config
    from shim.edge.store.database import Store

app = typer.Typer(
    name="brownout",
    cls=LightGroup,
    help="Planned windows in which old calls are refused: plan, list, stop, and see whom they would hit.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _option(command: str, flag: str, what: str) -> Any:
    variable = f"SHIM_BROWNOUT_{command}_{flag.removeprefix('--')}".upper().replace("-", "_")
    return typer.Option(flag, envvar=variable, help=what)


_COLUMNS = ("id", "state", "starts_at", "ends_at", "integration", "operation", "who", "text", "link")
_NAMES = ("integration", "operation")
_HITS = ("integration", "operation", "days_with_calls", "calls", "about_in_the_window", "last_seen")
_PROGRAMS = ("integration", "agent", "address", "calls_ever", "last_seen")


@app.command("plan")
def plan(
    integration: AnyIntegration,
    operation: OperationScope,
    starts: Annotated[str, _option("plan", "--starts", "When: 2026-02-01T09:00Z, or now.")],
    lasts: Annotated[str | None, _option("plan", "--for", "How long: 2h, 90m, 1d.")] = None,
    ends: Annotated[str | None, _option("plan", "--ends", "Or until when.")] = None,
    text: Annotated[str, _option("plan", "--text", "Why, for those who are refused.")] = "",
    link: Annotated[str, _option("plan", "--link", "Where they can read on.")] = "",
    config: options.ConfigFile = None,
    who: Who = None,
    format: Annotated[OutputForm, _option("plan", "--format", "table prints the ID alone.")] = OutputForm.TABLE,
) -> None:
    """Plan a window in which these calls are refused. Prints its ID, which stops it."""

    async def planned(store: Store, settings: Config) -> PlannedBrownout:
        from shim.edge.porting.brownouts import plan_brownout

        require(integration, settings, all_of_them=True)
        begin, end = _window(starts, lasts, ends, store.now())
        return await plan_brownout(store, integration, operation, begin, end, who_is(who), text, link)

    brownout = with_store(config, planned)
    if format is OutputForm.JSON:
        emit_json(
            {
                "brownout": {
                    "id": brownout.id,
                    "starts_at": time(brownout.starts_at),
                    "ends_at": time(brownout.ends_at),
                }
            }
        )
    else:
        typer.echo(brownout.id)
    window = f"{brownout.starts_at:%Y-%m-%d %H:%M} to {brownout.ends_at:%Y-%m-%d %H:%M} UTC"
    say(f"{operation} of {integration} is refused from {window}. `shim brownout stop {brownout.id}` stops it.")


@app.command("list")
def list_(
    config: options.ConfigFile = None,
    everything: Annotated[bool, _option("list", "--all", "Those that are over, too.")] = False,
    format: Annotated[OutputForm, _option("list", "--format", "How to print it.")] = OutputForm.TABLE,
) -> None:
    """List what runs and what is planned."""

    async def read(store: Store, settings: Config) -> list[OutputRow]:
        from shim.edge.porting.brownouts import read_brownouts

        return [_row(each, store.now()) for each in await read_brownouts(store, everything=everything)]

    emit(format, "brownouts", _COLUMNS, with_store(config, read), names=("id", *_NAMES), spare=("link", "who"))


@app.command("stop")
def stop(
    id: Annotated[
        str | None, typer.Argument(help="Which; without it all that run.", autocompletion=complete.brownouts)
    ] = None,
    config: options.ConfigFile = None,
    why: Annotated[str, _option("stop", "--why", "The reason, for the history.")] = "",
    who: Who = None,
) -> None:
    """Stop a brownout, or cancel one that is planned. Calls are served again within seconds."""

    async def stopped(store: Store, settings: Config) -> list[PlannedBrownout]:
        from shim.edge.porting.brownouts import stop_brownout

        return await stop_brownout(store, id, who_is(who), why)

    stopped_ones = with_store(config, stopped)
    if id is not None and not stopped_ones:
        fail(
            ExitCode.USAGE,
            f"There is no brownout {id} that runs or is planned. `shim brownout list` shows them.",
        )
    for each in stopped_ones:
        say(f"{each.id} ({each.operation} of {each.integration}) is stopped.")
    if not stopped_ones:
        say("None runs.")


@app.command("dry-run")
def dry_run(
    integration: Annotated[str, typer.Argument(help="Its name, * for all, or the ID of one that is planned.")],
    operation: Annotated[
        str | None, typer.Argument(help="Service.Operation of 2.5, Service.*, or *; not with an ID.")
    ] = None,
    lasts: Annotated[str, _option("dry-run", "--for", "How long it would last; not with an ID.")] = "2h",
    days: Annotated[int, _option("dry-run", "--days", "So many days are looked at.")] = 7,
    config: options.ConfigFile = None,
    format: Annotated[OutputForm, _option("dry-run", "--format", "How to print it.")] = OutputForm.TABLE,
) -> None:
    """Tell who called these operations in the last days, and so would have been hit.

    Use is kept by whole days: the figure for the window is the share of its length, as if calls came evenly.
    """

    async def looked(store: Store, settings: Config) -> tuple[Reach, timedelta]:
        from shim.edge.porting.reach import reach

        whose, which, length = await _scope(store, settings, integration, operation, lasts)
        return await reach(store, whose, which, max(days, 1)), length

    reached, length = with_store(config, looked)
    hits = [_hit(reached, each, length) for each in reached.hits]
    programs = [_program(each) for each in reached.programs]
    if format is OutputForm.JSON:
        _json(reached, length, hits, programs)
        return
    emit(format, "hits", _HITS, hits, names=_NAMES, spare=("days_with_calls",))
    emit(format, "programs", _PROGRAMS, programs, names=("integration", "address"))
    span = f"from {reached.since} to {reached.until}, whole days"
    say(f"Calls {span}; the window's figure is its share of a day." if hits else f"Nobody called, {span}.")


async def _scope(
    store: Store, settings: Config, integration: str, operation: str | None, lasts: str
) -> tuple[str, str, timedelta]:
    """Integration, operation and length: as given, or those of a planned brownout."""
    from shim.core.admit import pattern_problem
    from shim.edge.porting.brownouts import PortingRefused, duration, read_brownouts
    from shim.interfaces.load import old

    if operation is None:
        for each in await read_brownouts(store, everything=True):
            if each.id == integration:
                return each.integration, each.operation, each.ends_at - each.starts_at
        raise PortingRefused(f"there is no brownout {integration}: give its ID, or integration and operation")
    require(integration, settings, all_of_them=True)
    if problem := pattern_problem(old(), operation):
        raise PortingRefused(problem)
    return integration, operation, duration(lasts)


def _window(starts: str, lasts: str | None, ends: str | None, now: datetime) -> tuple[datetime, datetime]:
    from shim.edge.porting.brownouts import PortingRefused, duration, moment

    begin = moment(starts, now)
    if (lasts is None) == (ends is None):
        raise PortingRefused("say how long it lasts with --for, or until when with --ends")
    return begin, moment(ends, now) if ends is not None else begin + duration(lasts or "")


def _row(each: PlannedBrownout, now: datetime) -> OutputRow:
    row = {name: getattr(each, name) for name in _COLUMNS if name != "state"}
    return row | {"state": each.state(now), "starts_at": time(each.starts_at), "ends_at": time(each.ends_at)}


def _program(each: Program) -> OutputRow:
    seen = {"calls_ever": each.calls, "last_seen": time(each.last_seen)}
    return {"integration": each.integration, "agent": each.agent, "address": each.address, **seen}


def _hit(reached: Reach, each: Hit, length: timedelta) -> OutputRow:
    return {
        "integration": each.integration,
        "operation": each.operation,
        "days_with_calls": each.days,
        "calls": each.calls,
        "about_in_the_window": round(reached.expected(each, length), 1),
        "last_seen": time(each.last_seen),
    }


def _json(reached: Reach, length: timedelta, hits: list[OutputRow], programs: list[OutputRow]) -> None:
    document = {
        "since": reached.since.isoformat(),
        "until": reached.until.isoformat(),
        "window_seconds": int(length.total_seconds()),
        "hits": hits,
        "programs": programs,
    }
    emit_json(document)
