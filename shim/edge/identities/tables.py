"""Tables of the identity map, and what is told of their rows. See `map`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

import sqlalchemy as sa

from shim.core.commands.extensions import Identity
from shim.edge.store.columns import METADATA, WHEN

MapKey = Literal["old_id", "extension_id", "user_id", "identifier", "number"]
EventKind = Literal[
    "moved",  # the number is another user's by now
    "user-recreated",  # so it is, but that user has the identifier of the first: it was deleted and made again
    "renumbered",  # the extension has another number
    "gave-way",  # gone, since the shim made another extension with its number
    "ended",  # gone, since v3 said twice, with some time between, that it does not exist
    "returned",  # it was gone, and is there again with its IDs
    "import-decided",  # an imported file has other IDs for its number; the former ones stand for those
]

UnissuedIds = Literal["gone", "differs", "taken"]
IdentityState = Literal["live", "unconfirmed", "replaced", "gone"]
"""`unconfirmed` still answers; the IDs of one that was `replaced` by an import answer too, as the new ones."""

NAMES: tuple[MapKey, ...] = get_args(MapKey)
LEFT: tuple[UnissuedIds, ...] = get_args(UnissuedIds)
IDENTITIES = sa.Table(
    "identities",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(
        sa.Column(name, sa.Text, nullable=False, unique=name in ("old_id", "extension_id"))
        for name in ("old_id", "extension_id", "user_id", "number")
    ),
    sa.Column("identifier", sa.Text, index=True),
    sa.Column("origin", sa.Text, nullable=False),
    *(sa.Column(name, WHEN, nullable=False) for name in ("created_at", "seen_at")),
    *(sa.Column(name, WHEN) for name in ("unconfirmed_at", "denied_at", "gone_at")),
    sa.Column("stands_for", sa.Text, index=True),
    sa.Index("ix_identities_user_id", "user_id"),
    sa.Index("any_number", "number"),
    # On PostgreSQL too (migration 0002): saying so here would load its whole dialect for SQLite.
    sa.Index("live_number", "number", unique=True, sqlite_where=sa.text("gone_at IS NULL")),
)
EVENTS = sa.Table(
    "identity_events",
    METADATA,
    sa.Column("id", sa.BigInteger, primary_key=True),
    *(
        sa.Column(name, sa.Text, nullable=False, index=name == "old_id")
        for name in ("kind", "old_id", "user_before", "user_after", "number_before", "number_after")
    ),
    sa.Column("at", WHEN, nullable=False),
)
COUNTERS = sa.Table(
    "identity_counters",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("next", sa.BigInteger),
)
LIVE = IDENTITIES.c.gone_at.is_(None)

UNCONFIRMED = sa.and_(LIVE, IDENTITIES.c.unconfirmed_at.is_not(None))
ALIAS = IDENTITIES.c.stands_for.is_not(None)
"""Rows whose IDs mean the extension that has the extension ID in `stands_for`."""
ENDED = sa.and_(IDENTITIES.c.gone_at.is_not(None), IDENTITIES.c.stands_for.is_(None))

SEEN_AGAIN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MapRow:
    """A row for the operator; the next page starts after its `id`.

    `unconfirmed_at` is when it was first missed, `denied_at` when v3 first said that it does not exist;
    `gone_at` is a tombstone's. One that `stands_for` an extension ID was replaced by an import.
    """

    id: int
    identity: Identity
    origin: str
    created_at: datetime
    seen_at: datetime
    gone_at: datetime | None
    unconfirmed_at: datetime | None = None
    denied_at: datetime | None = None
    stands_for: str | None = None

    @property
    def state(self) -> IdentityState:
        if self.gone_at is not None:
            return "replaced" if self.stands_for else "gone"
        return "unconfirmed" if self.unconfirmed_at is not None else "live"


@dataclass(frozen=True, slots=True)
class MapEvent:
    """Something that was repaired or noticed, and how the extension stood before and after it."""

    id: int
    kind: EventKind
    old_id: str
    user_before: str
    user_after: str
    number_before: str
    number_after: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Gone:
    """A row of a file about an extension that does not exist any more: its IDs are never to be given again.

    With `stands_for` they are former IDs of the extension that has that extension ID, and still mean it.
    """

    identity: Identity
    stands_for: str | None = None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """How many rows were added, were there already, replaced what was discovered; and which were left, by why.

    `gone` is how many IDs of gone extensions were taken out of circulation.

    `gone`: the old ID's extension was deleted since; `differs`: the map has the old ID with other values, which
    are newer; `taken`: another extension has the extension ID. Rows are counted from 1.
    """

    added: int = 0
    same: int = 0
    replaced: int = 0
    left: Mapping[UnissuedIds, tuple[int, ...]] = field(default_factory=dict)
    gone: int = 0
