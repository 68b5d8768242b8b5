"""Reads both interface descriptions and lays the corrections over them. The only place that opens them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from shim.core.schema.description import build
from shim.core.schema.interface import Interface
from shim.interfaces.dialects import OLDEST, Row, apply, described, known, nearest, place_of

OLD_VERSION = "2.5.1"
NEW_VERSION = OLDEST
PersonNames = Literal["auto", "name", "both", "split"]
StorageLimits = Literal["auto", "five", "one"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a v3 backend speaks: the version in its namespaces, which tells the rest as far as it is known.

    A version that is not described speaks as the nearest one below. `person_names` and `storage_limits` are for
    backends that have them otherwise than their version lets one expect: account holders with `name`, with
    first and last name beside it (`both`) or instead of it (`split`), and one limit for all that is stored or
    one for each of five kinds. `header_namespace` is that of the header, where it is not the version's.
    """

    version: str = NEW_VERSION
    person_names: PersonNames = "auto"
    storage_limits: StorageLimits = "auto"
    header_namespace: str = ""

    @property
    def described(self) -> str:
        """The version whose description is spoken."""
        return nearest(self.version)


STANDARD = Dialect()


def dialects() -> tuple[Dialect, ...]:
    """The dialects that are described, oldest first."""
    return tuple(Dialect(each) for each in known())


@cache
def load(version: str) -> Interface:
    """The interface of one version, corrected. Raises FileNotFoundError for a version that is not here."""
    return build(_corrected(version))


@cache
def old() -> Interface:
    """The interface of 2.5; that of 2.0.x is its `earlier`."""
    interface = load(OLD_VERSION)
    interface.earlier = build(_corrected(OLD_VERSION, _read("variants.json")["call_rules"]["2.0"]))
    return interface


def new(dialect: Dialect = STANDARD) -> Interface:
    """The interface of v3 as a backend speaks it."""
    return _new(dialect)


@cache
def _new(dialect: Dialect) -> Interface:
    split = _split() if dialect.person_names == "split" else ()
    interface = written(dialect.version, rows_of(dialect), split)
    interface.header_namespace = dialect.header_namespace
    return interface


def written(version: str, rows: Iterable[Row], corrections: Iterable[Any] = ()) -> Interface:
    """The interface of 3.0.0 with rows of a dialect over it, under another version."""
    data = _corrected(NEW_VERSION)
    apply(data, rows)
    for correction in corrections:
        _correct(data, correction)
    _rename_version(data, version)
    return build(data)


def rows_of(dialect: Dialect) -> tuple[Row, ...]:
    """The rows of a dialect over 3.0.0: the rows of its version, with those of a topic as they are set."""
    rows = described(dialect.described).rows
    by_topic = {"person_names": dialect.person_names, "storage_limits": dialect.storage_limits}
    without = {"person_names": "name", "storage_limits": "five"}
    for topic, chosen in by_topic.items():
        if chosen == "auto":
            continue
        rows = tuple(each for each in rows if each.topic != topic)
        if chosen != without[topic]:
            rows = (*_first_with(topic), *rows)
    return rows


def _first_with(topic: str) -> tuple[Row, ...]:
    """The rows of a topic as the first version has them that has any."""
    each_version = (described(version).rows for version in known())
    by_version = (tuple(row for row in rows if row.topic == topic) for rows in each_version)
    return next(rows for rows in by_version if rows)


def _split() -> list[Any]:
    names: list[Any] = _read("variants.json")["person_names"]["split"]
    return names


def _corrected(version: str, variant: Iterable[Any] = ()) -> dict[str, Any]:
    data: dict[str, Any] = _read(f"{version}.json")
    if files("shim.interfaces").joinpath(f"{version}.tree.json").is_file():
        data["tree"] = _read(f"{version}.tree.json")
    for correction in (*variant, *_read("corrections.json").get(version, ())):
        _correct(data, correction)
    return data


def _rename_version(data: dict[str, Any], version: str) -> None:
    """Put another version into all names that have one: namespaces and SOAP actions."""
    was = data["version"]
    data["version"], data["namespace"] = version, data["namespace"].replace(was, version)
    for service in data["services"].values():
        service["namespace"] = service["namespace"].replace(was, version)
        for operation in service["operations"]:
            operation["soapAction"] = operation["soapAction"].replace(was, version)


def _read(name: str) -> Any:
    return json.loads(files("shim.interfaces").joinpath(name).read_text("utf-8"))


def _correct(data: dict[str, Any], correction: dict[str, Any]) -> None:
    if "replace" in correction:
        content, place = place_of(_at(data, correction["replace"].split("/")), correction["element"])
        content[place : place + 1] = correction["with"]
        return
    *steps, last = correction["remove"].split("/")
    del _at(data, steps)[last]


def _at(data: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        data = data[step]
    return data
