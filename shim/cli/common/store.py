"""Parts of the commands on the store: opening it, who is at the keyboard, rows as a table or as JSON."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from shim.cli.common.console import ExitCode, end, fail, say
from shim.cli.common.tables import show, table

if TYPE_CHECKING:
    from datetime import datetime

    from shim.core.errors import Fault
    from shim.edge.settings.model import Config
    from shim.edge.store.database import Store

_T = TypeVar("_T")
OutputRow = Mapping[str, Any]


class OutputForm(StrEnum):
    TABLE = "table"
    JSON = "json"


Who = Annotated[
    str | None,
    typer.Option("--who", envvar="SHIM_WHO", help="Who you are, for the history; else your system login."),
]


def who_is(given: str | None) -> str:
    """Who makes a change."""
    import getpass

    if given:
        return given
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        fail(ExitCode.USAGE, "The system does not say who you are: give --who.")


def now() -> datetime:
    """The time at which a command looks, in UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC)


def with_store(config: Path | Config | None, work: Callable[[Store, Config], Coroutine[Any, Any, _T]]) -> _T:
    """Run work on the store of a configuration. Ends the command when that fails, or on Ctrl-C."""
    from shim.cli.common import running
    from shim.cli.common.loading import config as load
    from shim.core.errors import Fault
    from shim.edge.porting.brownouts import PortingRefused
    from shim.edge.store.database import Store

    settings = load(config, {}) if config is None or isinstance(config, Path) else config
    results: list[_T] = []

    async def main() -> ExitCode:
        kept = settings.store
        store = await Store.open(kept.url, kept.journal_mode, kept.busy_timeout, create=False)
        try:
            results.append(await work(store, settings))
        finally:
            await store.close()
        return ExitCode.FINE

    try:
        code = running.run(main())
    except Fault as fault:
        fail(_code_of(fault), _why(fault))
    except PortingRefused as refused:
        text = str(refused)
        fail(ExitCode.USAGE, f"{text[0].upper()}{text[1:]}.")
    if code is not ExitCode.FINE:
        end(code)
    return results[0]


def record(config: Path | Config | None, action: str, subject: str, detail: str = "") -> None:
    """Put a change that was made into the audit log; whoever made it hears when that is not possible."""
    import asyncio

    from shim.cli.common.loading import config as load
    from shim.core.errors import Fault
    from shim.edge.store.audit import record as write
    from shim.edge.store.database import Store

    async def main() -> None:
        settings = load(config, {}) if config is None or isinstance(config, Path) else config
        kept = settings.store
        store = await Store.open(kept.url, kept.journal_mode, kept.busy_timeout, create=False)
        try:
            await write(store, who_is(None), action, subject, detail)
        finally:
            await store.close()

    try:
        asyncio.run(main())
    except Fault as fault:
        say(f"This is not in the audit log: {fault.text}")


def _why(fault: Fault) -> str:
    """The text of a fault for an operator, who can see to the store."""
    from shim.cli.common.store_trouble import trouble
    from shim.core.errors import StoreUnavailable

    return str(trouble(fault)) if isinstance(fault, StoreUnavailable) else str(fault)


def _code_of(fault: Fault) -> ExitCode:
    """Work on the store may ask v3 as well."""
    from shim.core.errors import BackendError, BackendLoginRefused

    if isinstance(fault, BackendLoginRefused):
        return ExitCode.LOGIN
    return ExitCode.BACKEND if isinstance(fault, BackendError) else ExitCode.USAGE


def emit_json(value: Any) -> None:
    """JSON on stdout."""
    import json

    typer.echo(json.dumps(value, indent=1, ensure_ascii=False, default=str))


def emit(
    form: OutputForm,
    name: str,
    columns: Sequence[str],
    rows: Sequence[OutputRow],
    *,
    names: Sequence[str] | None = None,
    spare: Sequence[str] = (),
) -> None:
    """Rows on stdout; a table is left out when it is empty. `names` and `spare` are as tables take them."""
    if form is OutputForm.JSON:
        emit_json({name: rows})
    elif rows:
        cells = ([_cell(row[column]) for column in columns] for row in rows)
        show(table(_heads(columns), cells, names=_heads(names or columns[:1]), spare=_heads(spare)))


def _heads(columns: Sequence[str]) -> list[str]:
    return [column.replace("_", " ") for column in columns]


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def time(moment: datetime | None) -> str | None:
    """A time as rows have it."""
    return moment.isoformat(timespec="seconds") if moment else None
