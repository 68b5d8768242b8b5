"""`shim impact`: what a change would touch of what was called in the last days, before it is made."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, LightGroup, end, fail, read_input, say
from shim.cli.common.scopes import AnyIntegration, OperationScope, require
from shim.cli.common.store import OutputForm, OutputRow, emit, emit_json, time, with_store

if TYPE_CHECKING:
    from shim.core.catalogue.translation import Catalogue
    from shim.edge.settings.model import Config
    from shim.edge.store.database import Store
    from shim.review.reading.changes import StateChange
    from shim.review.reading.impact import Impact

app = typer.Typer(
    name="impact",
    cls=LightGroup,
    help="What a change would touch of the calls of the last days, before it is made.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class ImpactFailOn(StrEnum):
    REFUSED = "refused"
    ANY = "any"


class DoOption(StrEnum):
    EMULATE = "emulate"
    DROP = "drop"
    REFUSE = "refuse"


class LoginOption(StrEnum):
    PASSWORD = "password"  # noqa: S105  # no password
    APP_KEY = "app_key"
    CRYPTED_AUTH = "crypted_auth"


class LoginRungOption(StrEnum):
    TRANSLATE = "translate"
    WARN = "warn"
    REFUSE = "refuse"


class RungOption(StrEnum):
    TRANSLATE = "translate"
    COMPARE = "compare"
    V3 = "v3"
    LOCKED = "locked"


def _option(flag: str, what: str, **more: Any) -> Any:
    variable = f"SHIM_IMPACT_{flag.removeprefix('--').replace('-', '_')}".upper()
    return typer.Option(flag, envvar=variable, help=what, **more)


_Days = Annotated[int, _option("--days", "So many days are looked at, today included.", min=1, max=3650)]
_Format = Annotated[OutputForm, _option("--format", "How to print it.")]
_FailOn = Annotated[
    ImpactFailOn | None, _option("--fail-on", "End with 1 when something would be refused, or touched at all.")
]
_COLUMNS = ("integration", "operation", "path", "before", "after", "calls", "last_seen", "shapes")


@app.command("rung")
def rung(
    integration: AnyIntegration,
    operation: OperationScope,
    rung: Annotated[RungOption, typer.Argument(help="The rung that it would be put on.")],
    config: options.ConfigFile = None,
    days: _Days = 30,
    format: _Format = OutputForm.TABLE,
    fail_on: _FailOn = None,
) -> None:
    """Tell what putting operations on a rung, or locking them, would touch. Exceptions to locks go on."""
    from shim.review.reading.changes import rung_set

    _judge_scope(operation)
    change = rung_set(integration, operation, rung.value)
    _show(_compared(config, days, change, integration), format, fail_on)


@app.command("exception")
def exception(
    integration: AnyIntegration,
    operation: OperationScope,
    config: options.ConfigFile = None,
    days: _Days = 30,
    format: _Format = OutputForm.TABLE,
    fail_on: _FailOn = None,
) -> None:
    """Tell what the end of exceptions to locks would touch: who still depends on them."""
    from shim.review.reading.changes import exception_ended

    _judge_scope(operation)
    change = exception_ended(integration, operation)
    _show(_compared(config, days, change, integration), format, fail_on)


@app.command("login")
def login(
    integration: AnyIntegration,
    form: Annotated[LoginOption, typer.Argument(help="The form of login.")],
    rung: Annotated[LoginRungOption, typer.Argument(help="What would become of it.")],
    config: options.ConfigFile = None,
    days: _Days = 30,
    format: _Format = OutputForm.TABLE,
    fail_on: _FailOn = None,
) -> None:
    """Tell what warning of a form of login, or refusing it, would touch."""
    from shim.review.reading.changes import login_set

    change = login_set(integration, form.value, rung.value)
    _show(_compared(config, days, change, integration), format, fail_on)


@app.command("policy")
def policy(
    do: Annotated[DoOption, typer.Argument(help="What would be done.")],
    integration: Annotated[
        str, _option("--integration", "Of this one, or * for all.", autocompletion=complete.integrations)
    ] = "*",
    operation: Annotated[
        str, _option("--operation", "Of these operations.", autocompletion=complete.operations)
    ] = "*",
    path: Annotated[str, _option("--path", "At this path of their messages.")] = "*",
    finding: Annotated[str | None, _option("--finding", "Where this finding is made by default.")] = None,
    config: options.ConfigFile = None,
    days: _Days = 30,
    format: _Format = OutputForm.TABLE,
    fail_on: _FailOn = None,
) -> None:
    """Tell what a policy that goes before all others would touch."""
    from shim.core import policies
    from shim.review.reading.changes import policy_added

    _judge_scope(operation)
    change = policy_added(integration, policies.Policy(do.value, operation, path, finding))
    _show(_compared(config, days, change, integration), format, fail_on)


@app.command("brownout")
def brownout(
    integration: AnyIntegration,
    operation: OperationScope,
    config: options.ConfigFile = None,
    days: _Days = 30,
    format: _Format = OutputForm.TABLE,
    fail_on: _FailOn = None,
) -> None:
    """Tell what a planned refusal would touch, if it lasted as long as the days that are looked at."""
    _judge_scope(operation)

    async def read(store: Store, settings: Config) -> Impact:
        from shim.review.reading import impact

        require(integration, settings, all_of_them=True)
        return impact.brownout(await impact.seen(store, days), integration, operation)

    _show(with_store(config, read), format, fail_on)


@app.command("config")
def config_(
    file: Annotated[Path, typer.Argument(help="The configuration that would take the place of --config.")],
    config: options.ConfigFile = None,
    days: _Days = 30,
    format: _Format = OutputForm.TABLE,
    fail_on: _FailOn = None,
) -> None:
    """Tell what another configuration would touch: who may call, rungs, policies, forms of login.

    Rungs that were set in the store go over both, as they do when a shim runs.
    """
    from shim.cli.common import loading

    loaded = loading.config(file, {})
    compiled = loading.catalogue()
    loading.policies(loaded, compiled)

    async def read(store: Store, settings: Config) -> Impact:
        from shim.edge.porting.exceptions import read_exceptions
        from shim.edge.porting.ladder import rules
        from shim.review.reading import impact

        what, stored, lifting = (
            await impact.seen(store, days),
            await rules(store),
            await read_exceptions(store),
        )
        before, after = (
            impact.states(what, each.integrations, stored, lifting, store.now()) for each in (settings, loaded)
        )
        return impact.changed(what, compiled, before, after)

    _show(with_store(config, read), format, fail_on)


@app.command("release")
def release(
    before: Annotated[
        str,
        typer.Argument(
            help="`shim coverage --format json` of the release that is in use; - for stdin.",
            metavar="FILE.json",
        ),
    ],
    config: options.ConfigFile = None,
    days: _Days = 30,
    format: _Format = OutputForm.TABLE,
    fail_on: _FailOn = None,
) -> None:
    """Tell what this release of the shim would touch: paths whose fate is another one than before."""
    import json

    from shim.cli.common import loading
    from shim.review.reading import impact

    try:
        was = impact.coverage_of(json.loads(read_input(before))["paths"])
    except (ValueError, KeyError, TypeError):
        fail(ExitCode.USAGE, f"{before}: this is not what `shim coverage --format json` prints.")
    now = impact.coverage(loading.catalogue())

    async def read(store: Store, settings: Config) -> Impact:
        return impact.release(await impact.seen(store, days), was, now)

    _show(with_store(config, read), format, fail_on)


# ---- what they share ----


def _compared(config: Path | None, days: int, change: StateChange, integration: str) -> Impact:
    """The impact on calls when the state of each integration is changed so."""
    from shim.cli.common.loading import catalogue

    compiled: Catalogue = catalogue()

    async def read(store: Store, settings: Config) -> Impact:
        from shim.review.reading import impact

        require(integration, settings, all_of_them=True)
        return await impact.compared(store, compiled, settings.integrations, days, change)

    return with_store(config, read)


def _judge_scope(operation: str) -> None:
    from shim.core.admit import pattern_problem
    from shim.interfaces.load import old

    if problem := pattern_problem(old(), operation):
        fail(ExitCode.USAGE, f"{problem[0].upper()}{problem[1:]}.")


def _show(impact: Impact, form: OutputForm, fail_on: ImpactFailOn | None) -> None:
    touches: list[OutputRow] = [
        {name: getattr(each, name) for name in _COLUMNS}
        | {"last_seen": time(each.last_seen), "shapes": list(each.shapes), "seen": each.seen}
        for each in impact.touches
    ]
    programs = [
        {
            "integration": each.integration,
            "agent": each.agent,
            "address": each.address,
            "calls_ever": each.calls,
        }
        for each in impact.programs
    ]
    if form is OutputForm.JSON:
        span = {"since": impact.since.isoformat(), "until": impact.until.isoformat()}
        emit_json({**span, "refuses": impact.refuses, "touches": touches, "programs": programs})
    else:
        _tables(impact, touches, programs)
    if fail_on is not None and (impact.refuses if fail_on is ImpactFailOn.REFUSED else bool(impact.touches)):
        end(ExitCode.FINDINGS)


def _tables(impact: Impact, touches: Sequence[OutputRow], programs: Sequence[OutputRow]) -> None:
    rows = [
        {**each, "calls": each["calls"] if each["seen"] else f"at most {each['calls']}",
         "shapes": " ".join(map(repr, each["shapes"]))}
        for each in touches
    ]  # fmt: skip
    names = ("integration", "operation")
    emit(OutputForm.TABLE, "touches", _COLUMNS, rows, names=names, spare=("last_seen", "shapes", "before"))
    emit(
        OutputForm.TABLE,
        "programs",
        ("integration", "agent", "address", "calls_ever"),
        programs,
        names=("integration", "address"),
    )
    span = f"{impact.since} to {impact.until}"
    if not touches:
        say(f"Nothing that was called would be touched ({span}).")
        return
    refused = sum(each.refuses for each in impact.touches)
    who = len({each.integration for each in impact.touches})
    say(f"{who} integrations would be touched, {refused} lines refused, by what was called {span}.")
