"""Reads both interface descriptions and lays the corrections over them. The only place that opens them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from shim.core.schema.interface import Interface, build

OLD_VERSION = "2.5.1"
NEW_VERSION = "3.0.0"
PersonNames = Literal["name", "both", "split"]
StorageLimits = Literal["five", "one"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a v3 backend speaks: the version in its namespaces, and how it has the name of an account's holder.

    `both`: first and last name beside `name`; `split`: instead of it. `storage_limits`: one for all that is
    stored, or one for each of five kinds (see `variants.json`).
    """

    version: str = NEW_VERSION
    person_names: PersonNames = "name"
    storage_limits: StorageLimits = "five"


STANDARD = Dialect()


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


@cache
def new(dialect: Dialect = STANDARD) -> Interface:
    """The interface of v3 as a backend speaks it."""
    variants = _read("variants.json")
    names = variants["person_names"].get(dialect.person_names, ())
    storage = variants["storage"].get(dialect.storage_limits, ())
    data = _corrected(NEW_VERSION, (*names, *storage))
    _rename_version(data, dialect.version)
    return build(data)


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
        content, place = _place(_at(data, correction["replace"].split("/")), correction["element"])
        content[place : place + 1] = correction["with"]
        return
    *steps, last = correction["remove"].split("/")
    del _at(data, steps)[last]


def _at(data: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        data = data[step]
    return data


def _place(content: list[Any], name: str) -> tuple[list[Any], int]:
    """The particles that hold the element of that name, in groups too, and its place. Raises KeyError."""
    for place, particle in enumerate(content):
        if particle.get("name") == name:
            return content, place
        for group in ("choice", "sequence"):
            with suppress(KeyError):
                return _place(particle.get(group, ()), name)
    raise KeyError(name)
