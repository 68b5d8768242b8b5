"""Releases on one store: bringing it up to date, and telling one that a newer release has changed.

Laws: a migration only expands, so that the release before goes on working on the store; what nobody needs any
more is taken away a release later. Each migration says with `oldest_code` which revision the code must know at
the least, and the store keeps it beside the revision that it is at. Code that knows that much goes on with a
newer store, which is a rolling upgrade and the way back; code that does not refuses, and says what to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import sqlalchemy as sa
import structlog

from shim.core.errors import StoreError
from shim.edge.store.columns import METADATA, WHEN

log = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations"
STORE_RELEASE = sa.Table(
    "store_release",
    METADATA,
    sa.Column("revision", sa.Text, primary_key=True),
    sa.Column("oldest_code", sa.Text, nullable=False),
    sa.Column("release", sa.Text, nullable=False),
    sa.Column("at", WHEN, nullable=False),
)
"""One row for each time that the store was brought up to date: to which revision, and by which release."""

_VERSION = sa.table("alembic_version", sa.column("version_num", sa.Text))
"""Where Alembic keeps the revision that a store is at."""
_MIGRATION_LOCK = 25_300


@dataclass(frozen=True, slots=True)
class _Stored:
    """The revision and release that a store names; `None` where it does not."""

    revision: str | None
    oldest_code: str | None
    release: str | None


def migrate(connection: sa.Connection, now: datetime, migrations: Path = MIGRATIONS) -> None:
    """Bring a store up to date, unless it is ahead of this release and says that this one may use it.

    Raises StoreError: `store-newer` when it is ahead and this release may not use it.
    """
    if connection.dialect.name == "postgresql":  # replicas that start together migrate one after the other
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
        connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
    stored = _stored(connection)
    if stored.revision == newest(migrations):
        return
    from shim.edge.store.upgrade import Upgrade  # noqa: PLC0415  # loads Alembic

    upgrade = Upgrade(connection, migrations)
    known, head = upgrade.oldest_code, upgrade.head
    if stored.revision is not None and stored.revision not in known:
        _judge(stored, head, known)
        return
    if stored.revision != head:
        upgrade.run()
        row = {"revision": head, "oldest_code": known[head], "release": version("systemapi-shim"), "at": now}
        connection.execute(sa.delete(STORE_RELEASE).where(STORE_RELEASE.c.revision == head))
        connection.execute(sa.insert(STORE_RELEASE).values(**row))


def newest(migrations: Path = MIGRATIONS) -> str:
    """The revision that the migrations of a folder lead to: the number before the name of the last one."""
    return max(each.name for each in (migrations / "versions").glob("[0-9]*.py")).partition("_")[0]


def _stored(connection: sa.Connection) -> _Stored:
    """The revision that a store is at, and what the release that brought it there said of it."""
    tables = sa.inspect(connection)
    if not tables.has_table(_VERSION.name):
        return _Stored(None, None, None)
    revision = connection.execute(sa.select(_VERSION.c.version_num)).scalar_one_or_none()
    if revision is None or not tables.has_table(STORE_RELEASE.name):
        return _Stored(revision, None, None)
    query = sa.select(STORE_RELEASE.c.oldest_code, STORE_RELEASE.c.release)
    row = connection.execute(query.where(STORE_RELEASE.c.revision == revision)).first()
    return _Stored(revision, row.oldest_code, row.release) if row is not None else _Stored(revision, None, None)


def _judge(stored: _Stored, head: str, known: dict[str, str]) -> None:
    this = version("systemapi-shim")
    if stored.oldest_code in known:
        about = {"revision": stored.revision, "made_by": stored.release, "known": head, "release": this}
        log.warning("store of a newer release", **about)
        return
    by = f"release {stored.release}" if stored.release else "a newer release"
    raise StoreError(
        "store-newer",
        f"The store was brought up to date by {by} of the shim (to revision {stored.revision}), and this one "
        f"({this}, revision {head}) cannot use it any more; nothing was changed. Start {by} again; or, to go "
        "back for good, put back the backup that was made before the upgrade (docs/upgrading.md).",
    )
