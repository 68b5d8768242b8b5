"""The ground of the commands of `shim map`: the map of a configuration, who may look, progress."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from shim.cli.common.console import ExitCode, fail, say
from shim.cli.common.store import with_store

if TYPE_CHECKING:
    from shim.edge.identities.map import IdentityMap
    from shim.edge.identities.tables import MapEvent, MapRow
    from shim.edge.settings.model import Config, Integration
    from shim.edge.store.database import Store

_T = TypeVar("_T")
_PAGE = 1000


def with_map(
    config: Path | Config | None,
    work: Callable[[IdentityMap], Coroutine[Any, Any, _T]],
    *,
    writes: bool = False,
) -> _T:
    """Run work on the map of a configuration. Ends the command when store or backend fail, and on Ctrl-C."""
    from shim.edge.identities.map import IdentityMap

    async def opened(store: Store, settings: Config) -> _T:
        result = await work(IdentityMap(store, settings.identity))
        if writes and not store.shared:
            say("A shim that runs on this SQLite store takes it over when it is started again.")
        return result

    return with_store(config, opened)


async def entries(identities: IdentityMap, gone: bool) -> list[MapRow]:
    rows: list[MapRow] = []
    while page := await identities.all(rows[-1].id if rows else 0, _PAGE, gone=gone):
        rows += page
    return rows


async def events(identities: IdentityMap) -> list[MapEvent]:
    rows: list[MapEvent] = []
    while page := await identities.events(rows[-1].id if rows else 0, _PAGE):
        rows += page
    return rows


def able(config: Path | None, name: str | None) -> tuple[Config, list[Integration]]:
    """The configuration, and the integrations to look with. Ends the command when there are none."""
    from shim.cli.common.loading import config as load
    from shim.edge.backend.tokens import tls_context
    from shim.edge.telemetry import log

    settings = load(config, {})
    log.configure(settings.log.level, settings.log.format)
    integrations = [each for each in settings.integrations if each.enabled and name in (None, each.name)]
    if not integrations:
        fail(ExitCode.USAGE, f"No integration {name} may call." if name else "No integration may call.")
    try:
        tls_context(settings.backend)
    except OSError:
        fail(ExitCode.USAGE, "backend.ca_file holds no certificates that can be read.")
    return settings, integrations


@contextmanager
def progress() -> Iterator[Callable[[int, int], None]]:
    """Tells on a terminal how many places were read."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("reading v3"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
