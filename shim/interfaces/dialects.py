"""Dialects: what later schema versions of v3 changed, as rows over 3.0.0, one file a version.

A row says what it does in one type or message (`add`, `rename`, `remove`, `merge`), or what a server may demand
beyond its schema (`require`), and for each the sources and how certain they are: see `README.md`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

OLDEST = "3.0.0"
"""The version whose description is whole; all others are rows over it."""
Certainty = Literal["schema", "client", "sample", "inference"]
"""How a fact is known: by the vendor's schema, by what a client sends or reads, by a sample, or concluded."""

_FILE = re.compile(r"([3-9]|[1-9][0-9])(\.[0-9]+){2}\.json")
_ACTIONS = ("add", "rename", "remove", "merge", "require")


@dataclass(frozen=True, slots=True)
class Row:
    """One difference to 3.0.0. `data` is the row itself; `elements` are the names it is about."""

    data: Mapping[str, Any]

    @property
    def action(self) -> str:
        return next(each for each in _ACTIONS if each in self.data)

    @property
    def elements(self) -> tuple[str, ...]:
        named = self.data[self.action]
        if self.action == "add":
            return tuple(each["name"] for each in named)
        return (named,) if isinstance(named, str) else tuple(named)

    @property
    def becomes(self) -> str:
        """The element that stands there instead, where one does."""
        return str(self.data.get("to") or self.data.get("into", {}).get("name", ""))

    @property
    def places(self) -> tuple[str, ...]:
        """The type or message, or the operations that it is about."""
        return tuple(self.data["of"]) if self.action == "require" else (str(self.data["in"]),)

    @property
    def topic(self) -> str:
        """The setting that may override it; empty: none."""
        return str(self.data.get("topic", ""))

    @property
    def certainty(self) -> Certainty:
        certainty: Certainty = self.data["certainty"]
        return certainty

    @property
    def because(self) -> str:
        return str(self.data["because"])


@dataclass(frozen=True, slots=True)
class Described:
    """The description of one schema version: rows over 3.0.0, what is assumed, what to try on a live system."""

    version: str
    sources: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    assumed: tuple[str, ...] = ()
    first: tuple[str, ...] = ()


def numbers(version: str) -> tuple[int, ...]:
    """A version as numbers, to be compared."""
    return tuple(int(each) for each in version.split("."))


@cache
def known() -> tuple[str, ...]:
    """The versions that are described, lowest first; the oldest is whole, the others are rows over it."""
    dialects = {
        each.name.removesuffix(".json") for each in files(__package__).iterdir() if _FILE.fullmatch(each.name)
    }
    return tuple(sorted(dialects, key=numbers))


def nearest(version: str) -> str:
    """The described version that a version is spoken as: itself, else the nearest below, else the oldest."""
    version_numbers = (*numbers(version), 0, 0)[:3]
    return max((each for each in known() if numbers(each) <= version_numbers), key=numbers, default=OLDEST)


@cache
def described(version: str) -> Described:
    """The description of a version. Raises ValueError for a row that says nothing sensible."""
    if version == OLDEST:
        return Described(version)
    return describe(json.loads(files(__package__).joinpath(f"{version}.json").read_text("utf-8")))


def describe(data: Mapping[str, Any]) -> Described:
    """The same of data in the form of such a file."""
    sources: Mapping[str, str] = data.get("sources", {})
    for number, row in enumerate(data["rows"], 1):
        if wrong := _wrong(row, sources):
            raise ValueError(f"{data['version']}.json, row {number}: {wrong}")
    return Described(
        data["version"],
        sources,
        tuple(Row(each) for each in data["rows"]),
        tuple(data.get("assumed", ())),
        tuple(data.get("first_on_a_live_system", ())),
    )


def _wrong(row: Mapping[str, Any], sources: Mapping[str, str]) -> str:
    actions = [each for each in _ACTIONS if each in row]
    if len(actions) != 1:
        return f"it needs one of {', '.join(_ACTIONS)}"
    place = "of" if actions == ["require"] else "in"
    partner = {"rename": "to", "merge": "into", "add": "after"}.get(actions[0], place)
    for key in (place, partner, "because", "source"):
        if not row.get(key):
            return f"it needs {key}"
    if unknown := [each for each in row["source"] if each not in sources]:
        return f"there is no source {unknown[0]}"
    return "" if row.get("certainty") in get_args(Certainty) else "its certainty is none that is known"


def apply(data: dict[str, Any], rows: Iterable[Row]) -> None:
    """Lay rows over the description of 3.0.0. Raises KeyError for an element that is not there."""
    for row in rows:
        if row.action == "require":
            for operation in row.places:
                data.setdefault("may_require", {}).setdefault(operation, []).extend(row.elements)
        else:
            _change(_content(data, row.places[0]), row)


def _change(content: list[Any], row: Row) -> None:
    if row.action == "add":
        holder, place = place_of(content, row.data["after"])
        holder[place + 1 : place + 1] = row.data["add"]
    elif row.action == "rename":
        holder, place = place_of(content, row.elements[0])
        holder[place] = {**holder[place], "name": row.becomes}
    else:
        for number, name in enumerate(row.elements):
            holder, place = place_of(content, name)
            holder[place : place + 1] = [row.data["into"]] if row.action == "merge" and not number else []


def _content(data: Mapping[str, Any], name: str) -> list[Any]:
    kind = data["types"].get(name) or data["elements"][name]["type"]["complex"]
    content: list[Any] = kind["content"]
    return content


def place_of(content: list[Any], name: str) -> tuple[list[Any], int]:
    """The particles that hold the element of that name, in groups too, and its place. Raises KeyError."""
    for place, particle in enumerate(content):
        if particle.get("name") == name:
            return content, place
        for group in ("choice", "sequence"):
            with suppress(KeyError):
                return place_of(particle.get(group, ()), name)
    raise KeyError(name)
