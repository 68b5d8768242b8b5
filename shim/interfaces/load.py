"""Reads both interface descriptions and lays the corrections over them. The only place that opens them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from shim.core.interface import Interface, build

OLD_VERSION = "2.5.1"
NEW_VERSION = "3.0.0"


@cache
def load(version: str) -> Interface:
    """The interface of one version, corrected. Raises FileNotFoundError for a version that is not here."""
    data = _read(f"{version}.json")
    for correction in _read("corrections.json").get(version, ()):
        _correct(data, correction)
    return build(data)


def old() -> Interface:
    return load(OLD_VERSION)


def new() -> Interface:
    return load(NEW_VERSION)


def _read(name: str) -> Any:
    return json.loads(files("shim.interfaces").joinpath(name).read_text("utf-8"))


def _correct(data: dict[str, Any], correction: dict[str, Any]) -> None:
    if "absent_min" in correction:
        for kind in (*data["types"].values(), *(entry["type"] for entry in data["elements"].values())):
            _fill_minimum(kind, correction["absent_min"])
        return
    *steps, last = correction["remove"].split("/")
    at = data
    for step in steps:
        at = at[step]
    del at[last]


def _fill_minimum(node: Any, minimum: int) -> None:
    """Set `min` on every element particle that has none; groups keep theirs: choices stay choices."""
    if isinstance(node, dict):
        if "name" in node and "ns" in node:
            node.setdefault("min", minimum)
        for value in node.values():
            _fill_minimum(value, minimum)
    elif isinstance(node, list):
        for value in node:
            _fill_minimum(value, minimum)
