"""`shim journal`: calls that became several v3 writes, above all those that could not be ended."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from shim.cli.common import complete, options
from shim.cli.common.console import ExitCode, LightGroup, end, fail, say
from shim.cli.common.store import OutputForm, OutputRow, emit, emit_json, record, time, with_store
from shim.cli.common.tables import show as print_table
from shim.cli.common.tables import table

if TYPE_CHECKING:
    from datetime import datetime

    from shim.edge.journal.journal import JournalStore
    from shim.edge.journal.tables import JournalEntry

_T = TypeVar("_T")

app = typer.Typer(
    name="journal",
    cls=LightGroup,
    help="Calls that became several v3 writes: what is under way, and what waits for the operator.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_COLUMNS = ("reference", "state", "since", "age", "owner", "held", "integration", "operation", "why")
_SEE = "`shim journal list` shows those that there are."
_NAMES = ("reference", "operation")
_Entry = Annotated[
    str,
    typer.Argument(help="Its reference, as in the fault and in the log.", autocompletion=complete.entries),
]
_Format = Annotated[
    OutputForm, typer.Option("--format", envvar="SHIM_JOURNAL_LIST_FORMAT", help="How to print it.")
]


@app.command("list")
def list_(
    config: options.ConfigFile = None,
    everything: Annotated[
        bool, typer.Option("--all", envvar="SHIM_JOURNAL_LIST_ALL", help="Those that have ended, too.")
    ] = False,
    format: _Format = OutputForm.TABLE,
) -> None:
    """List what is under way, with its age and the process that has it, and what is paused.

    Ends with 1 when something is paused. The held column says for how long its process still has a call that is
    under way; "no" is one that the next look of any shim takes over. Both go by the clock of PostgreSQL where
    that is the store, as the shims do, and not by that of this machine.
    """
    states = () if everything else ("running", "undoing", "paused")
    listed, now = _entries(config, *states)
    emit(
        format,
        "entries",
        _COLUMNS,
        [_row(each, now) for each in listed],
        names=_NAMES,
        spare=("owner", "held", "age"),
    )
    if any(each.state == "paused" for each in listed):
        end(ExitCode.FINDINGS)


@app.command("show")
def show(
    reference: _Entry,
    config: options.ConfigFile = None,
    format: Annotated[
        OutputForm, typer.Option("--format", envvar="SHIM_JOURNAL_SHOW_FORMAT", help="How to print it.")
    ] = OutputForm.TABLE,
) -> None:
    """Show an entry: its steps, and if it is paused the v3 calls that bring it to its end."""
    entry, now = _one(config, reference)
    calls = entry.repairs() if entry.state == "paused" else []
    if format is OutputForm.JSON:
        steps = [{"step": each.name, "state": each.state, "made": each.row_key} for each in entry.steps]
        repairs = [{"call": name, "parameters": parameters} for name, parameters in calls]
        emit_json({"entry": _row(entry, now), "steps": steps, "repairs": repairs})
        return
    emit(format, "entries", _COLUMNS, [_row(entry, now)], names=_NAMES, spare=("owner", "held", "age"))
    print_table(table(("step", "state", "made"), ((s.name, s.state, s.row_key or "") for s in entry.steps)))
    if calls:
        rows = (
            (name, ", ".join(f"{key}={value}" for key, value in parameters.items()))
            for name, parameters in calls
        )
        print_table(table(("v3 call that repairs it", "parameters"), rows))


@app.command("redrive")
def redrive(reference: _Entry, config: options.ConfigFile = None) -> None:
    """Let the running shim try an entry again that is paused, or take over one that is under way.

    It looks every few seconds (journal.sweep). Whoever still works on it makes no further step.
    """
    if not _with_journal(config, lambda journal: journal.redrive(reference)):
        fail(ExitCode.USAGE, f"There is no entry {reference} that has not ended. {_SEE}")
    record(config, "journal redrive", reference)
    say(f"{reference} will be tried again.")


@app.command("dismiss")
def dismiss(
    reference: _Entry,
    reason: Annotated[str, typer.Argument(help="What was done about it.")],
    config: options.ConfigFile = None,
) -> None:
    """Close a paused entry that was seen to by hand; the reason is kept for a day."""
    if not _with_journal(config, lambda journal: journal.dismiss(reference, reason)):
        fail(ExitCode.USAGE, f"There is no paused entry {reference}. {_SEE}")
    record(config, "journal dismiss", reference, reason)
    say(f"{reference} is closed.")


def _entries(config: Path | None, *states: str) -> tuple[list[JournalEntry], datetime]:
    """The entries, and the time by the clock that their leases go by: PostgreSQL's where that is the store."""

    async def read(journal: JournalStore) -> tuple[list[JournalEntry], datetime]:
        return await journal.entries(*states), journal.store.steady()

    return _with_journal(config, read)


def _one(config: Path | None, reference: str) -> tuple[JournalEntry, datetime]:
    entries, now = _entries(config)
    entry = next((each for each in entries if each.id == reference), None)
    if entry is None:
        fail(ExitCode.USAGE, f"There is no entry {reference}. `shim journal list --all` shows all.")
    return entry, now


def _row(entry: JournalEntry, now: datetime) -> OutputRow:
    held, age = "", ""
    if entry.state in ("running", "undoing"):
        left = (entry.lease_until - now).total_seconds()
        held = f"{left:.0f} s" if left > 0 else "no"
        age = f"{max(0.0, (now - entry.created_at).total_seconds()):.0f} s"
    about = {"integration": entry.integration, "operation": entry.operation, "why": entry.why}
    lease = {"age": age, "owner": entry.owner, "held": held}
    return {"reference": entry.id, "state": entry.state, "since": time(entry.created_at), **lease, **about}


def _with_journal(config: Path | None, work: Callable[[JournalStore], Coroutine[Any, Any, _T]]) -> _T:
    """Run work on the journal of a configuration. Ends the command when the store cannot be used."""
    from shim.edge.journal.journal import JournalStore

    return with_store(config, lambda store, settings: work(JournalStore(store, settings.journal)))
