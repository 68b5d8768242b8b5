"""Statements that are built once: SQLite's driver gets their text, which SQLAlchemy compiled once.

SQLAlchemy takes ten times as long around a small statement as SQLite does for it. On an engine without asyncio
the driver is given the text and the values by itself, in the same transaction; elsewhere SQLAlchemy runs the
statement. Both give the same rows.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from shim.edge.store.engines import driver_of

Values = Mapping[str, Any]
StoredRow = Any
"""A row of SQLAlchemy's, or one made here: its columns are attributes of it."""
_Convert = Callable[[Any], Any] | None
_LONG = 8
"""Items of a list, beyond which a text for each length would fill the memory: SQLAlchemy has those."""


@dataclass(frozen=True, slots=True)
class Executed:
    """The rows that a statement gave, and how many it changed."""

    rows: Sequence[StoredRow]
    count: int


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The text of a statement for the driver: what values it takes in which order, and how rows are made.

    `values` have the parameter, the position in its list if it is one, and what makes it as SQLite keeps it;
    `constants` are those that the statement has itself.
    """

    text: str
    constants: Values
    values: tuple[tuple[str, int | None, _Convert], ...]
    columns: tuple[_Convert, ...]
    row: Callable[[Iterable[Any]], Any]

    def parameters(self, values: Values) -> list[Any]:
        values = {**self.constants, **values} if self.constants else values
        parameters = []
        for name, position, convert in self.values:
            value = values[name] if position is None else values[name][position]
            parameters.append(value if convert is None else convert(value))
        return parameters

    def row_of(self, row: Sequence[Any]) -> Any:
        return self.row(
            value if convert is None else convert(value)
            for value, convert in zip(row, self.columns, strict=True)
        )


_COMPILED: dict[tuple[Any, ...], _Compiled] = {}


def execute(connection: sa.Connection, statement: sa.Executable, values: Values | Sequence[Values]) -> Executed:
    """Run a statement that is built once, with these values, or once with each of several.

    What it is built of stays in memory: one that is built anew at each call goes to the connection itself.
    Lists among the values are those of expanding parameters. Raises what SQLAlchemy or `sqlite3` raises.
    """
    first = values if isinstance(values, Mapping) else values[0]
    lengths = [len(each) if isinstance(each, list) else 1 for each in first.values()]
    if connection.dialect.name != "sqlite" or connection.dialect.is_async or max(lengths, default=1) > _LONG:
        result = connection.execute(statement, values)
        return Executed(result.all() if result.returns_rows else (), result.rowcount)
    key = (statement, *first, *lengths)
    compiled = _COMPILED.get(key)
    if compiled is None:
        compiled = _COMPILED[key] = _compiled(connection.dialect, statement, first)
    driver = driver_of(connection)
    if isinstance(values, Mapping):
        cursor = driver.execute(compiled.text, compiled.parameters(values))
    else:
        cursor = driver.executemany(compiled.text, [compiled.parameters(each) for each in values])
    rows = [compiled.row_of(row) for row in cursor] if compiled.columns else ()
    return Executed(rows, cursor.rowcount)


def _compiled(dialect: sa.Dialect, statement: Any, values: Values) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=list(values))
    state = compiled.construct_expanded_state(values)
    spread = {
        each: (name, position)
        for name, names in state.parameter_expansion.items()
        for position, each in enumerate(names)
    }
    parameters: list[tuple[str, int | None, _Convert]] = []
    for name in state.positiontup:
        parameter, position = spread.get(name, (name, None))
        kind = compiled.binds[parameter].type
        parameters.append((parameter, position, kind.dialect_impl(dialect).bind_processor(dialect)))
    constants = {
        name: value for name, value in state.parameters.items() if name not in values and name not in spread
    }
    columns = getattr(statement, "selected_columns", ())
    names = [each.key for each in columns]
    row: Any = namedtuple("row", names)  # type: ignore[misc]  # they are known no earlier
    results = tuple(each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns)
    return _Compiled(state.statement, constants, tuple(parameters), results, row._make)
