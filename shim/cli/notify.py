"""`shim notify`: whether those who are to be told can be reached, and what waits for them."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, LightGroup, end, fail, say
from shim.cli.common.store import OutputForm, OutputRow, emit, time, with_store

if TYPE_CHECKING:
    from shim.edge.settings.model import Config
    from shim.edge.settings.notify import Notify
    from shim.edge.store.database import Store

app = typer.Typer(
    name="notify",
    cls=LightGroup,
    help="Webhooks and mail: test whether they arrive, and see what waits.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_RESULTS = ("receiver", "result", "problem")
_WAITING = ("notice", "event", "receiver", "state", "attempts", "at", "due_at", "problem", "subject")


@app.command("test")
def send_test(
    config: options.ConfigFile = None,
    receiver: Annotated[
        str | None,
        typer.Option(
            "--receiver",
            envvar="SHIM_NOTIFY_TEST_RECEIVER",
            help="Only this one: the name of a webhook, or mail.",
            metavar="NAME",
        ),
    ] = None,
    format: Annotated[
        OutputForm, typer.Option("--format", envvar="SHIM_NOTIFY_TEST_FORMAT", help="How to print it.")
    ] = OutputForm.TABLE,
) -> None:
    """Send a test to every webhook and by mail, now and once; ends with 1 when one is not taken.

    It goes past the queue: no running shim and no store is needed.
    """
    from shim.cli.common import running
    from shim.cli.common.loading import config as load

    settings = load(config, {}).notify
    names = list(settings.receivers())
    if receiver is not None:
        if receiver not in names:
            there = ", ".join(names) or "none"
            fail(ExitCode.USAGE, f"There is no receiver {receiver} in the configuration. There are: {there}.")
        names = [receiver]
    if not names:
        fail(
            ExitCode.USAGE, "Nobody is to be told: set notify.webhooks, or notify.mail.host and notify.mail.to."
        )
    rows: list[OutputRow] = []

    async def tried() -> ExitCode:
        rows.extend([await _tried(settings, name) for name in names])
        return ExitCode.FINDINGS if any(row["problem"] for row in rows) else ExitCode.FINE

    code = running.run(tried())
    emit(format, "receivers", _RESULTS, rows)
    end(code)


async def _tried(settings: Notify, name: str) -> OutputRow:
    from datetime import UTC, datetime

    from shim.edge.notify.send import deliver, trial
    from shim.edge.notify.webhook import NotTaken

    now = datetime.now(UTC)
    try:
        await deliver(settings, trial(name, now), now)
    except NotTaken as refused:
        return {"receiver": name, "result": "not taken", "problem": str(refused)}
    return {"receiver": name, "result": "taken", "problem": None}


@app.command("list")
def list_(
    config: options.ConfigFile = None,
    everything: Annotated[
        bool, typer.Option("--all", envvar="SHIM_NOTIFY_LIST_ALL", help="What was sent, too.")
    ] = False,
    format: Annotated[
        OutputForm, typer.Option("--format", envvar="SHIM_NOTIFY_LIST_FORMAT", help="How to print it.")
    ] = OutputForm.TABLE,
) -> None:
    """List what waits to be sent and what was given up, the newest first."""

    async def read(store: Store, settings: Config) -> list[OutputRow]:
        from shim.edge.notify.queue import deliveries

        return [
            {
                **{name: getattr(each, name) for name in _WAITING},
                "at": time(each.at),
                "due_at": time(each.due_at) if each.state == "waiting" else None,
            }
            for each in await deliveries(store, everything=everything)
        ]

    rows = with_store(config, read)
    emit(format, "deliveries", _WAITING, rows, names=("notice", "receiver"), spare=("at", "attempts", "due_at"))
    if not rows and format is OutputForm.TABLE:
        say("Nothing waits.")
