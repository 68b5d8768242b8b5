"""`shim audit`: who changed what and when."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common import options
from shim.cli.common.store import OutputForm, emit, with_store

if TYPE_CHECKING:
    from shim.edge.settings.model import Config
    from shim.edge.store.audit import AuditEvent
    from shim.edge.store.database import Store

_COLUMNS = ("at", "who", "action", "subject", "detail")


def audit(
    config: options.ConfigFile = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            "--since",
            envvar="SHIM_AUDIT_SINCE",
            help="Only from this day on, or this time (UTC).",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            metavar="YYYY-MM-DD",
        ),
    ] = None,
    format: Annotated[
        OutputForm, typer.Option("--format", envvar="SHIM_AUDIT_FORMAT", help="table, or json for export.")
    ] = OutputForm.TABLE,
) -> None:
    """List every change, the oldest first: starts, configurations taken over, integrations, the journal, the
    map, findings, porting, brownouts; with who made it.
    """
    from shim.edge.store.audit import audit_log

    begin = since.replace(tzinfo=UTC) if since is not None else None

    async def events_since(store: Store, settings: Config) -> list[AuditEvent]:
        return await audit_log(store, begin)

    emit(
        format,
        "changes",
        _COLUMNS,
        [each.plain() for each in with_store(config, events_since)],
        names=("at", "subject"),
    )
