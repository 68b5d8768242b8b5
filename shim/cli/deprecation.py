"""What the commands about the deprecation log stand on: the store of a configuration, and the time."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from shim.cli.console import Code, end, fail

if TYPE_CHECKING:
    from shim.edge.settings import Config
    from shim.edge.store import Store

_T = TypeVar("_T")


def now() -> datetime:
    """The time at which a command looks, in UTC."""
    return datetime.now(UTC)


def with_store(settings: Config, work: Callable[[Store, datetime], Coroutine[Any, Any, _T]]) -> _T:
    """Run work on the store of a configuration. Ends the command when the store cannot be used."""
    from shim.cli import running
    from shim.core.errors import Fault
    from shim.edge.store import Store

    told: list[_T] = []

    async def main() -> Code:
        store = await Store.open(settings.store.url, settings.store.journal_mode)
        try:
            told.append(await work(store, now()))
        finally:
            await store.close()
        return Code.FINE

    try:
        code = running.run(main())
    except Fault as fault:
        fail(Code.USAGE, str(fault))
    if code is not Code.FINE:
        end(code)
    return told[0]
