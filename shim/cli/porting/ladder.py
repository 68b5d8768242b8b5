"""`shim porting`: how far each integration's operations are ported, and moving them up and down the ladder."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, LightGroup, fail, say
from shim.cli.common.scopes import OneIntegration, OperationScope, require, unknown
from shim.cli.common.store import OutputForm, OutputRow, Who, emit, time, who_is, with_store

if TYPE_CHECKING:
    from shim.edge.porting.exceptions import LockException
    from shim.edge.porting.ladder import RungChange, RungStanding
    from shim.edge.settings.model import Config
    from shim.edge.store.database import Store

app = typer.Typer(
    name="porting",
    cls=LightGroup,
    help="The porting ladder: translate, compare, v3, locked, for each integration and operation.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class LadderRung(StrEnum):
    TRANSLATE = "translate"
    COMPARE = "compare"
    V3 = "v3"
    LOCKED = "locked"


def _option(command: str, flag: str, what: str) -> Any:
    variable = f"SHIM_PORTING_{command}_{flag.removeprefix('--')}".upper()
    return typer.Option(flag, envvar=variable, help=what)


_COLUMNS = ("integration", "operation", "rung", "source", "who", "at")
_NAMES = ("integration", "operation")
_CHANGES = ("at", "who", "integration", "operation", "was", "became", "text")
_NOTICED = "A shim that runs knows it within seconds."


@app.command("show")
def show(
    integration: Annotated[
        str | None, typer.Argument(help="Only this one.", autocompletion=complete.integrations)
    ] = None,
    operation: Annotated[
        str | None, typer.Argument(help="What holds for this operation, Service.Operation.")
    ] = None,
    config: options.ConfigFile = None,
    format: Annotated[OutputForm, _option("show", "--format", "How to print it.")] = OutputForm.TABLE,
) -> None:
    """Show the rungs, and where each comes from. What is not shown is translated.

    A lock that an exception lifts for a while is shown with both: the lock, and the rung v3 until the end.
    """

    async def shown(store: Store, settings: Config) -> list[OutputRow]:
        from shim.edge.porting.exceptions import read_exceptions
        from shim.edge.porting.ladder import rules, standings

        rule_rows, lifting = await rules(store), await read_exceptions(store)
        configured = {each.name: each.porting for each in settings.integrations}
        names = sorted({*configured, *(each.integration for each in rule_rows)})
        if integration is not None:
            if integration not in names:
                unknown(integration, settings)
            names = [integration]
        held = {name: standings(name, configured.get(name, {}), rule_rows) for name in names}
        if integration is not None and operation is not None:
            own = [each for each in lifting if each.integration == integration]
            return [_decided(integration, operation, held[integration], own)]
        return [row for name, all_held in held.items() for row in _rows(name, all_held, lifting)]

    rows = with_store(config, shown)
    emit(format, "porting", _COLUMNS, rows, names=_NAMES, spare=("at", "who"))
    if not rows and format is OutputForm.TABLE:
        say("Every operation is on the rung translate.")


@app.command("set")
def set_(
    integration: OneIntegration,
    operation: OperationScope,
    rung: Annotated[LadderRung, typer.Argument(help="The rung to put it on.")],
    config: options.ConfigFile = None,
    why: Annotated[str, _option("set", "--why", "The reason, for the history.")] = "",
    who: Who = None,
) -> None:
    """Put operations of an integration on a rung, up or down, whatever the configuration says."""

    async def changed(store: Store, settings: Config) -> None:
        from shim.edge.porting.ladder import set_rung

        require(integration, settings)
        await set_rung(store, integration, operation, rung.value, who_is(who), why)

    with_store(config, changed)
    say(f"{integration}: {operation} is on the rung {rung.value}. {_NOTICED}")


@app.command("reset")
def reset(
    integration: OneIntegration,
    operation: OperationScope,
    config: options.ConfigFile = None,
    why: Annotated[str, _option("reset", "--why", "The reason, for the history.")] = "",
    who: Who = None,
) -> None:
    """Take back what was set, so that the configuration decides again."""

    async def changed(store: Store, settings: Config) -> bool:
        from shim.edge.porting.ladder import reset_rung

        return await reset_rung(store, integration, operation, who_is(who), why)

    if not with_store(config, changed):
        fail(
            ExitCode.USAGE,
            f"Nothing was set for {operation} of {integration}. `shim porting show` tells what was.",
        )
    say(f"{integration}: the configuration decides about {operation} again. {_NOTICED}")


@app.command("history")
def history(
    integration: Annotated[
        str | None, typer.Argument(help="Only this one.", autocompletion=complete.integrations)
    ] = None,
    config: options.ConfigFile = None,
    limit: Annotated[int, _option("history", "--limit", "The newest so many.")] = 100,
    format: Annotated[OutputForm, _option("history", "--format", "How to print it.")] = OutputForm.TABLE,
) -> None:
    """Show who changed rungs and brownouts, when and why, newest first."""

    async def read(store: Store, settings: Config) -> list[OutputRow]:
        from shim.edge.porting.ladder import history

        return [_change(each) for each in await history(store, integration, limit)]

    emit(format, "changes", _CHANGES, with_store(config, read), names=("at", *_NAMES))


def _rows(name: str, held: list[RungStanding], lifting: list[LockException]) -> list[OutputRow]:
    """The rungs set for an integration, then the exceptions to its locks."""
    return [
        *(_row(name, each) for each in held),
        *(_lifted_row(each, each.operation) for each in lifting if each.integration == name),
    ]


def _lifted_row(each: LockException, operation: str) -> OutputRow:
    return {
        "integration": each.integration,
        "operation": operation,
        "rung": "v3",
        "source": f"exception {each.id}, until {time(each.until)}",
        "who": each.owner,
        "at": time(each.created_at),
    }


def _decided(
    integration: str, operation: str, held: list[RungStanding], lifting: list[LockException]
) -> OutputRow:
    """The rung of one operation, and the scope that decides it."""
    from shim.core.admit import covers, pattern_problem, scope_of
    from shim.edge.porting.ladder import PortingRefused
    from shim.interfaces.load import old

    if problem := pattern_problem(old(), operation):
        raise PortingRefused(problem)
    by_scope = {each.operation: each for each in held}
    scope = scope_of(operation, by_scope)
    if scope is None:
        return dict.fromkeys(_COLUMNS) | {
            "integration": integration,
            "operation": operation,
            "rung": "translate",
            "source": "nothing is set",
        }
    if by_scope[scope].rung == "locked":
        for each in lifting:
            if covers(each.operation, operation):
                return _lifted_row(each, operation)
    row = {**_row(integration, by_scope[scope]), "operation": operation}
    return row if scope == operation else {**row, "source": f"{row['source']}, {scope}"}


def _row(integration: str, each: RungStanding) -> dict[str, Any]:
    return {
        "integration": integration,
        "operation": each.operation,
        "rung": each.rung,
        "source": each.source,
        "who": each.who or None,
        "at": time(each.at),
    }


def _change(each: RungChange) -> OutputRow:
    return {name: getattr(each, name) for name in _CHANGES} | {"at": time(each.at)}
