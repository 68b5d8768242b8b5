"""`shim map`: which IDs old clients know for which extensions of v3; look at them, move them, mend them."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, LightGroup, end, fail, say
from shim.cli.common.store import record
from shim.cli.map.open import able, entries, progress, with_map
from shim.cli.map.open import events as read_events
from shim.cli.map.output import (
    FileFormat,
    MapFormat,
    emit,
    entry_row,
    event_row,
    exported,
    exported_json,
    mismatch_row,
    report_rows,
)

if TYPE_CHECKING:
    from shim.cli.map.backend import View
    from shim.cli.map.verify import Mismatch, Repaired
    from shim.edge.identities.map import IdentityMap
    from shim.edge.identities.tables import ImportReport
    from shim.edge.settings.model import Config, Integration

app = typer.Typer(
    name="map",
    cls=LightGroup,
    help="The identity map: which IDs old clients know for which extensions of v3.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _option(command: str, flag: str, what: str, metavar: str | None = None) -> Any:
    variable = f"SHIM_MAP_{command}_{flag.removeprefix('--').replace('-', '_')}".upper()
    return typer.Option(flag, envvar=variable, help=what, metavar=metavar)


_FORMAT = "How to print it."
_STATES = ("unconfirmed", "replaced", "gone")
_WITH = "Look with this one alone; else with all that may call."


@app.command("show")
def show(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these, gone ones too.", metavar="OLD_ID|NUMBER|USER_ID")
    ] = None,
    config: options.ConfigFile = None,
    gone: Annotated[bool, _option("show", "--gone", "Extensions that are gone too.")] = False,
    unconfirmed: Annotated[
        bool, _option("show", "--unconfirmed", "Only those that v3 denies, or does not list.")
    ] = False,
    events: Annotated[bool, _option("show", "--events", "What was repaired or noticed, instead.")] = False,
    format: Annotated[MapFormat, _option("show", "--format", _FORMAT)] = MapFormat.TABLE,
) -> None:
    """Show extensions: IDs of both sides, extended number, state, where they come from, since when, until when.

    One that is unconfirmed still answers: lists of v3 did not show it, or v3 said once that it is not there.
    """
    numbers = set(names or ())
    if events:
        rows = [event_row(each) for each in with_map(config, read_events)]
        keys = ("old_id", "user_before", "user_after", "number_before", "number_after")
    else:
        rows = [entry_row(each) for each in with_map(config, lambda it: entries(it, gone or bool(numbers)))]
        keys = ("old_id", "extension_id", "user_id", "number", "identifier")
    if unconfirmed and not events:
        rows = [row for row in rows if row["state"] == "unconfirmed"]
    chosen = [row for row in rows if not numbers or not numbers.isdisjoint(row[key] for key in keys)]
    emit(format, "events" if events else "extensions", chosen)
    if not events:
        many = Counter(row["state"] for row in chosen)
        say(
            f"{len(chosen)} extensions"
            + "".join(f", {many[each]} {each}" for each in _STATES if many[each])
            + "."
        )
    lost = numbers - {row[key] for row in chosen for key in keys}
    if lost:
        fail(ExitCode.FINDINGS, *(f"{each}: the map does not have it." for each in sorted(lost)))


@app.command("export")
def export(
    file: Annotated[str, typer.Argument(help="Where to; - for stdout.", metavar="FILE.csv")],
    config: options.ConfigFile = None,
    live: Annotated[
        bool, _option("export", "--live", "Without the gone ones, for a shim older than 0.2.")
    ] = False,
    format: Annotated[
        FileFormat, _option("export", "--format", "csv, or json for other programs.")
    ] = FileFormat.CSV,
) -> None:
    """Write all extensions, gone ones too, as the CSV that import and identity.import_file read."""
    rows = with_map(config, lambda it: entries(it, gone=not live))
    text = exported(rows) if format is FileFormat.CSV else exported_json(rows)
    if file == "-":
        typer.echo(text, nl=False)
        return
    try:
        Path(file).write_text(text, "utf-8")
    except OSError as error:
        fail(ExitCode.USAGE, f"{file}: cannot be written ({error.strerror}). Give a file, or - for stdout.")
    say(f"{len(rows)} extensions were written.")


@app.command("import")
def import_(
    file: Annotated[
        str, typer.Argument(help="A CSV file with a header line; - for stdin.", metavar="FILE.csv")
    ],
    config: options.ConfigFile = None,
    format: Annotated[MapFormat, _option("import", "--format", _FORMAT)] = MapFormat.TABLE,
) -> None:
    """Take in IDs that were decided elsewhere. What the map knows already stays as it is; ends with 1 then.

    Columns: old_id, extension_id (empty: it is issued), user_id, number, gone_at (not empty: it is gone).
    """
    import csv

    from shim.edge.identities.files import ImportRefused, read_csv

    async def taken_in(identities: IdentityMap) -> ImportReport:
        return await identities.import_rows(read_csv(Path("/dev/stdin") if file == "-" else Path(file)))

    try:
        report = with_map(config, taken_in, writes=True)
    except ImportRefused as error:
        fail(ExitCode.USAGE, f"{file}: {error}.")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or "it is no CSV in UTF-8"
        fail(ExitCode.USAGE, f"{file}: cannot be read ({why}). Give a file, or - for stdin.")
    record(config, "map import", Path(file).name)
    emit(format, "rows", report_rows(report))
    if report.left:
        fail(
            ExitCode.FINDINGS,
            "Rows were left out: the map knows better. They are counted without the header line.",
        )


@app.command("verify")
def verify(
    config: options.ConfigFile = None,
    integration: Annotated[str | None, _option("verify", "--integration", _WITH, "NAME")] = None,
    format: Annotated[MapFormat, _option("verify", "--format", _FORMAT)] = MapFormat.TABLE,
) -> None:
    """Compare the map with what v3 has, and tell every mismatch; ends with 1 if any is not only unknown yet."""
    settings, who = able(config, integration)
    view, mismatches = _compared(settings, who, alone=integration is not None)
    emit(format, "mismatches", [mismatch_row(each) for each in mismatches])
    end(_code(view, mismatches))


@app.command("repair")
def repair(
    config: options.ConfigFile = None,
    integration: Annotated[str | None, _option("repair", "--integration", _WITH, "NAME")] = None,
    dry_run: Annotated[bool, _option("repair", "--dry-run", "Tell what would be done, and end.")] = False,
    yes: Annotated[bool, _option("repair", "--yes", "Do it without asking.")] = False,
    unseen: Annotated[
        bool, _option("repair", "--unseen", "Ask for what no integration has in sight, too.")
    ] = False,
    format: Annotated[MapFormat, _option("repair", "--format", _FORMAT)] = MapFormat.TABLE,
) -> None:
    """Mend what `verify` finds: learn the unknown, move the moved, ask v3 for each that seems gone."""
    from shim.cli.map.verify import repair as mend

    if unseen and integration:
        fail(ExitCode.USAGE, "--unseen needs all integrations: what one does not see may be there for another.")
    settings, who = able(config, integration)
    view, mismatches = _compared(settings, who, alone=integration is not None)
    emit(format, "mismatches", [mismatch_row(each) for each in mismatches])
    if dry_run or not mismatches:
        end(_code(view, mismatches))
    whole = not view.unread and not view.refused
    if unseen and not whole:
        say("Not all could be looked at, so what is not in sight is not asked for.")
    _confirm(yes, len(mismatches))

    async def mended(identities: IdentityMap) -> Repaired:
        from shim.cli.map.backend import asking

        async with asking(settings) as asker:
            return await mend(identities, asker, view, mismatches, view.widest if unseen and whole else None)

    done = with_map(settings, mended, writes=True)
    record(settings, "map repair", "", f"{done.mended} mended, {len(done.left)} left")
    say(f"{done.mended} were mended, {len(done.left)} are left.")
    if done.unconfirmed:
        say(
            f"{done.unconfirmed} more are unconfirmed: v3 denies them. They answer until it does so again, "
            f"{settings.identity.confirm_after:g} seconds later at least: repair once more then."
        )
    end(ExitCode.FINDINGS if done.left or done.unconfirmed or view.unread else ExitCode.FINE)


# ---- what verify and repair share ----


def _compared(settings: Config, who: Sequence[Integration], *, alone: bool) -> tuple[View, list[Mismatch]]:
    """The extensions that the integrations see, and where the map differs. One alone says nothing of what it
    does not see."""
    from shim.cli.map.backend import asking, walk
    from shim.cli.map.verify import compare, lost_ids

    async def both(identities: IdentityMap) -> tuple[View, list[Mismatch]]:
        known = [each.identity for each in await entries(identities, gone=False)]
        span = await identities.unaccounted()
        with progress() as advance:
            async with asking(settings) as asker:
                view = await walk(asker, who, advance)
        return view, [*(lost_ids(span) if span else ()), *compare(known, view)]

    view, mismatches = with_map(settings, both)
    _tell(view)
    if alone:
        beyond = sum(each.kind == "unseen" for each in mismatches)
        mismatches = [each for each in mismatches if each.kind != "unseen"]
        if beyond:
            say(f"{beyond} extensions of the map are not in its sight: nothing is said of them.")
    if not mismatches and not view.unread:
        say("The map says what v3 says.")
    return view, mismatches


def _tell(view: View) -> None:
    for name, count in view.organizations.items():
        say(f"{name}: {count} organizations were read with it.")
    if view.alone:
        say(f"{view.alone} integrations see no organization, only what is their own; this was read too.")
    for error in view.refused:
        say(error.text)
    for organization in view.unread:
        say(f"Organization {organization} cannot be read: v3 refuses it.")


def _code(view: View, mismatches: Sequence[Mismatch]) -> ExitCode:
    wrong = any(each.kind != "unknown" for each in mismatches)
    return ExitCode.FINDINGS if wrong or view.unread else ExitCode.FINE


def _confirm(yes: bool, count: int) -> None:
    if yes:
        return
    if not _on_terminal():
        fail(ExitCode.USAGE, "There is no terminal to ask on: look at --dry-run, then give --yes.")
    try:
        agreed = typer.confirm(f"Mend {count}?", err=True)
    except typer.Abort:
        end(ExitCode.INTERRUPTED)
    if not agreed:
        fail(ExitCode.FINDINGS, "Nothing was changed.")


def _on_terminal() -> bool:
    return sys.stdin.isatty()
