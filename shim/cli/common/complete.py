"""Completion beside commands and flags: integrations, operations, findings, entries, brownouts.

It reads the configuration that the command line names, or SHIM_CONFIG, and offers nothing where that or the
store cannot be read: completion never says a word.
"""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shim.edge.settings.model import Config
    from shim.edge.store.database import Store

Offers = list[tuple[str, str]]
"""The words that may stand there, and help for each."""


def integrations(incomplete: str) -> Offers:
    """Names of integrations, of those too that are switched off."""
    config = _config()
    names = [each.name for each in config.integrations] if config is not None else []
    return _fitting(((name, "") for name in sorted(names)), incomplete)


def operations(incomplete: str) -> Offers:
    """Operations of 2.5; before the point also whole services."""
    from shim.interfaces.load import old

    full = sorted(each.full_name for each in old().operations.values())
    services = sorted({name.partition(".")[0] for name in full})
    return _fitting(((name, "") for name in [*(f"{each}.*" for each in services), *full]), incomplete)


def findings(incomplete: str) -> Offers:
    """Numbers of findings, those seen last first, with what they are."""

    async def read(store: Store, config: Config) -> Offers:
        from datetime import UTC, datetime

        from shim.review.reading import finding_queries

        rows = await finding_queries.findings(store, datetime.now(UTC))
        return [(str(each.id), f"{each.integration} {each.operation}: {each.title}") for each in rows]

    return _fitting(_stored(read), incomplete)


def entries(incomplete: str) -> Offers:
    """References of journal entries that have not ended."""

    async def read(store: Store, config: Config) -> Offers:
        from shim.edge.journal.journal import JournalStore

        entered = await JournalStore(store, config.journal).entries("running", "undoing", "paused")
        return [(each.id, f"{each.state} {each.integration} {each.operation}") for each in entered]

    return _fitting(_stored(read), incomplete)


def brownouts(incomplete: str) -> Offers:
    """IDs of brownouts that run or are planned."""

    async def read(store: Store, config: Config) -> Offers:
        from shim.edge.porting.brownouts import read_brownouts

        planned = await read_brownouts(store)
        return [(each.id, f"{each.operation} of {each.integration}") for each in planned]

    return _fitting(_stored(read), incomplete)


def exceptions(incomplete: str) -> Offers:
    """IDs of exceptions to locks that hold."""

    async def read(store: Store, config: Config) -> Offers:
        from shim.edge.porting.exceptions import read_exceptions

        return [(each.id, f"{each.operation} of {each.integration}") for each in await read_exceptions(store)]

    return _fitting(_stored(read), incomplete)


def _fitting(offers: Iterable[tuple[str, str]], incomplete: str) -> Offers:
    return [each for each in offers if each[0].lower().startswith(incomplete.lower())]


def _config() -> Config | None:
    """As far as it can be used."""
    from shim.edge.settings.load import load_partly

    path = _named() or os.environ.get("SHIM_CONFIG")
    return load_partly(Path(path) if path else None).config


def _named() -> str | None:
    """The file after --config or -c on the line that is being completed, wherever it stands."""
    try:
        words = shlex.split(os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", ""))
    except ValueError:  # a quote that is still open
        return None
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word in ("-c", "--config") and after:
            return after
        if word.startswith("--config="):
            return word.partition("=")[2]
    return None


def _stored(work: Callable[[Store, Config], Coroutine[Any, Any, Offers]]) -> Offers:
    import asyncio

    from shim.core.errors import Fault

    config = _config()
    if config is None:
        return []

    async def read() -> Offers:
        from shim.edge.store.database import Store

        kept = config.store
        store = await Store.open(kept.url, kept.journal_mode, 1.0, answer_timeout=2.0, create=False)
        try:
            return await work(store, config)
        finally:
            await store.close()

    try:
        return asyncio.run(read())
    except Fault:
        return []
