"""The journal's tables, and how steps are written into them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from shim.core.commands.journal import Ask, Begin, OnCrash, Probe, Step, UnderWay, Undo
from shim.core.journal.recovery import repairs
from shim.edge.store.columns import METADATA, WHEN
from shim.edge.store.database import utc
from shim.edge.store.elements import from_json, to_json
from shim.edge.store.inserts import insert
from shim.edge.store.statements import StoredRow, execute

UNDER_WAY = ("running", "undoing")
FORM = 2
"""The form that steps are written in. A release that writes what the one before could not read counts it up;
steps without a form have the first one."""
_UNDER_WAY = sa.text("state IN ('running', 'undoing')")
ENTRIES = sa.Table(
    "journal_entries",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("integration", "operation", "policy")),
    *(sa.Column(name, sa.Text, nullable=False, index=True) for name in ("key", "state")),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("owner", "why")),
    *(sa.Column(name, sa.Text) for name in ("subject", "answer")),
    *(sa.Column(name, sa.Integer, nullable=False) for name in ("epoch", "attempts")),
    *(sa.Column(name, WHEN, nullable=False) for name in ("lease_until", "due_at", "created_at", "updated_at")),
    *(
        # On PostgreSQL too (migration 0003): saying so here would load its whole dialect for SQLite.
        sa.Index(f"one_under_way_by_{name}", name, unique=True, sqlite_where=_UNDER_WAY)
        for name in ("key", "subject")
    ),
)
STEPS = sa.Table(
    "journal_steps",
    METADATA,
    sa.Column("entry", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "state")),
    *(sa.Column(name, sa.Text) for name in ("found", "data")),
    sa.Column("started_at", WHEN),
)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A call under way, or how it ended. Steps of one that is over have lost what they were made with.

    `owner` is the process that has it, or had it last, until `lease_until`. `newer`: a newer release wrote its
    steps, and only that one can end it.
    """

    id: str
    integration: str
    operation: str
    policy: OnCrash
    state: str
    epoch: int
    attempts: int
    why: str
    created_at: datetime
    updated_at: datetime
    owner: str
    lease_until: datetime
    steps: tuple[Step, ...] = field(repr=False)
    newer: bool = False

    @staticmethod
    def new(
        integration: str, command: Begin, key: str, owner: str, now: datetime, lease: datetime
    ) -> dict[str, Any]:
        """The row of a new entry."""
        return {
            "id": secrets.token_hex(6),
            "integration": integration,
            "operation": command.operation,
            "key": key,
            "subject": command.lock,
            "policy": command.policy,
            "state": "running",
            "owner": owner,
            "epoch": 1,
            "lease_until": lease,
            "due_at": now,
            "attempts": 0,
            "why": "",
            "answer": to_json(command.planned_answer) if command.planned_answer is not None else None,
            "created_at": now,
            "updated_at": now,
        }

    @property
    def left(self) -> UnderWay:
        return "undoing" if self.state == "undoing" else "running"

    def repairs(self) -> list[tuple[str, dict[str, str]]]:
        """The v3 calls that bring it to its end, for the operator; without secrets."""
        return repairs(self.steps, self.policy)


def entry_of(connection: sa.Connection, row: StoredRow, epoch: int, settled: datetime) -> JournalEntry:
    """An entry with its steps; what was started before `settled` is settled."""
    query = sa.select(STEPS).where(STEPS.c.entry == row.id).order_by(STEPS.c.position)
    rows = connection.execute(query).all()
    steps = tuple(_step(each, settled) for each in rows)
    times = utc(row.created_at), utc(row.updated_at)
    held = row.owner, utc(row.lease_until)
    head = row.id, row.integration, row.operation, row.policy, row.state
    return JournalEntry(*head, epoch, row.attempts, row.why, *times, *held, steps, newer=any(map(_newer, rows)))


def _step_row(entry: str, position: int, step: Step, now: datetime, *, over: bool) -> dict[str, Any]:
    row = {"entry": entry, "position": position, "name": step.name, "state": step.state, "found": step.row_key}
    row["data"] = None if over else json.dumps(_plain(step), ensure_ascii=False, separators=(",", ":"))
    return {**row, "started_at": now if step.state == "started" else None}


def _plain(step: Step) -> dict[str, Any]:
    probe, undo = step.probe, step.undo
    return {
        "form": 2 if undo and undo.beside else 1,
        "ask": _plain_ask(step.ask),
        "instead": _plain_ask(step.alternative) if step.alternative else None,
        "undo": _plain_undo(undo) if undo else None,
        "falls": step.cascades,
        "gone": step.deletes_extension,
        "owner": step.owner,
        "probe": probe
        and {
            "ask": _plain_ask(probe.ask),
            "rows": probe.rows,
            "key": probe.key,
            "match": dict(probe.match),
            "before": list(probe.known_keys),
            "numbered": probe.may_be_suffixed,
            "by_itself": _plain_ask(probe.by_itself) if probe.by_itself else None,
            "beside": [_plain_ask(each) for each in probe.beside],
        },
    }


def _plain_undo(undo: Undo) -> list[Any]:
    """Undoing that names one thing stays as every release can read it."""
    plain = [undo.operation, undo.key, undo.only_if_empty]
    return [*plain, list(undo.beside)] if undo.beside else plain


def _undo(plain: list[Any]) -> Undo:
    operation, key, only_if_empty, *beside = plain
    return Undo(
        operation, key, only_if_empty, tuple((name, text) for name, text in (beside[0] if beside else ()))
    )


def _plain_ask(ask: Ask) -> list[str | None]:
    return [ask.operation, to_json(ask.request) if ask.request is not None else None]


def _ask(plain: list[Any]) -> Ask:
    return Ask(plain[0], from_json(plain[1]) if plain[1] is not None else None)


def _newer(row: StoredRow) -> bool:
    """True if a newer release wrote a step, in a form that is not known here."""
    return row.data is not None and json.loads(row.data).get("form", 1) > FORM


def _probe(plain: dict[str, Any]) -> Probe:
    return Probe(
        _ask(plain["ask"]),
        plain["rows"],
        plain["key"],
        plain["match"],
        known_keys=tuple(plain["before"]),
        may_be_suffixed=plain["numbered"],
        by_itself=_ask(plain["by_itself"]) if plain.get("by_itself") else None,
        beside=tuple(_ask(each) for each in plain.get("beside", ())),
    )


def _step(row: StoredRow, settled: datetime) -> Step:
    if row.data is None or _newer(row):
        return Step(row.name, Ask(""), state=row.state, row_key=row.found)
    data = json.loads(row.data)
    return Step(
        row.name,
        _ask(data["ask"]),
        _probe(data["probe"]) if data["probe"] else None,
        _undo(data["undo"]) if data["undo"] else None,
        _ask(data["instead"]) if data["instead"] else None,
        cascades=data["falls"],
        deletes_extension=data["gone"],
        owner=data.get("owner", ""),
        state=row.state,
        row_key=row.found,
        past_backend_timeout=row.started_at is None or utc(row.started_at) <= settled,
    )


# ---- statements, built once: SQLAlchemy takes longer to build one than to run it ----


@cache
def new_entry(dialect: str) -> sa.Executable:
    """A row of its own, unless an equal one is under way."""
    query: sa.Executable = insert(dialect, ENTRIES).on_conflict_do_nothing()
    return query


HELD = sa.update(ENTRIES).where(
    ENTRIES.c.id == sa.bindparam("held"),
    ENTRIES.c.epoch == sa.bindparam("held_epoch"),
    ENTRIES.c.owner == sa.bindparam("held_by"),
    _UNDER_WAY,
)
"""A change of an entry by whoever holds it, given with the new values; nobody else's has any effect."""
BY_ID = sa.select(ENTRIES).where(ENTRIES.c.id == sa.bindparam("entry"))
_EQUAL = sa.and_(
    ENTRIES.c.key == sa.bindparam("equal"),
    sa.text("state IN ('running', 'undoing', 'paused', 'done-unclean')"),
)
_SAME_SUBJECT = sa.and_(ENTRIES.c.subject == sa.bindparam("about"), _UNDER_WAY)
_LATEST = ENTRIES.c.created_at.desc()
_EQUALS = sa.select(ENTRIES).where(_EQUAL).order_by(_LATEST)
_EQUALS_ON_SUBJECT = sa.select(ENTRIES).where(sa.or_(_EQUAL, _SAME_SUBJECT)).order_by(_LATEST)
_PAUSED = sa.select(ENTRIES.c.id).where(
    ENTRIES.c.subject == sa.bindparam("about"), sa.text("state = 'paused'"), sa.text("policy = 'redo'")
)
_DROP = sa.update(STEPS).where(STEPS.c.entry == sa.bindparam("over")).values(data=None)


DELIVERED = sa.update(ENTRIES).where(
    ENTRIES.c.id == sa.bindparam("told"),
    ENTRIES.c.owner == sa.bindparam("held_by"),
    sa.text("state = 'done-unclean'"),
)
"""An entry whose client has its answer, or has not."""


def equal_entries(connection: sa.Connection, key: str, lock: str | None) -> Sequence[StoredRow]:
    """Entries of equal calls that are not over, and what is under way with the same lock; latest first."""
    if lock is None:
        return execute(connection, _EQUALS, {"equal": key}).rows
    return execute(connection, _EQUALS_ON_SUBJECT, {"equal": key, "about": lock}).rows


@cache
def _upsert_steps(dialect: str) -> sa.Executable:
    row = insert(dialect, STEPS)
    fresh = {name: row.excluded[name] for name in ("state", "found", "data")}
    fresh["started_at"] = sa.func.coalesce(row.excluded.started_at, STEPS.c.started_at)
    query: sa.Executable = row.on_conflict_do_update(index_elements=["entry", "position"], set_=fresh)
    return query


def write_steps(
    connection: sa.Connection,
    entry: str,
    steps: Iterable[tuple[int, Step]],
    now: datetime,
    *,
    over: bool = False,
) -> None:
    """Write down where steps, given with their position, stand; of those that are `over` not what they were
    made with."""
    rows = [_step_row(entry, position, step, now, over=over) for position, step in steps]
    if rows:
        execute(connection, _upsert_steps(connection.dialect.name), rows)


def drop_payloads(connection: sa.Connection, entries: Iterable[str]) -> None:
    """Drop what the steps of entries were made with."""
    for entry in entries:
        execute(connection, _DROP, {"over": entry})


def supersede(connection: sa.Connection, lock: str) -> None:
    """A later call has set or deleted what an earlier one could not set: there is nothing to repair."""
    ids = [row.id for row in execute(connection, _PAUSED, {"about": lock}).rows]
    if ids:
        values = {"state": "undone", "why": "superseded", "answer": None, "subject": None}
        connection.execute(sa.update(ENTRIES).where(ENTRIES.c.id.in_(ids)).values(**values))
        drop_payloads(connection, ids)
