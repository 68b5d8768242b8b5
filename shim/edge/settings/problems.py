"""Problems of a configuration, as people read them: where, what, what was probably meant, how to fix it.

Laws: no value of the configuration ever stands in a problem, because any of them may be a secret; and a problem
says what to do, it does not repeat what the setting is for.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from shim.edge.settings.lines import KeyPath
from shim.edge.settings.table import REQUIRED, Setting, settings_of

REFERENCE = "config.example.yaml names every key"
_EXAMPLE = "config.example.yaml shows how"
OTHER_FORM = "this is not of the form that it has to have"
_IN_QUOTES = "Put it in quotes"
_NUMBER_IN_QUOTES = "Put it in quotes: YAML drops zeros that lead a number, or reads it as octal"
_TEXT_WANTED = ("a text is needed", "a secret is a text")
_KINDS = {
    "string_type": "a text is needed",
    "int_type": "a whole number is needed",
    "int_parsing": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "float_parsing": "a number is needed",
    "finite_number": "a finite number is needed",
    "bool_type": "true or false is needed",
    "bool_parsing": "true or false is needed",
    "date_from_datetime_parsing": "a day is needed, as 2026-12-31",
    "date_parsing": "a day is needed, as 2026-12-31",
    "date_type": "a day is needed, as 2026-12-31",
    "tuple_type": "a list is needed",
    "list_type": "a list is needed",
    "dict_type": "a mapping of keys is needed",
    "mapping_type": "a mapping of keys is needed",
    "model_type": "a mapping of keys is needed",
    "model_attributes_type": "a mapping of keys is needed",
    "path_not_file": "there is no such file",
    "path_type": "a path is needed",
    "ip_any_network": "a network is needed, as 10.1.0.0/16",
}
"""The kinds of error of pydantic, in words of the configuration."""


class WrongSettings(ValueError):
    """A value that cannot be used: what is wrong, and how to fix it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class SettingProblem(NamedTuple):
    """One thing wrong: where (file, line, key; or variable), what, what was probably meant, how to fix it."""

    where: str
    what: str
    intention: str | None
    fix: str

    def __str__(self) -> str:
        hint = f" {self.intention}" if self.intention else ""
        return f"{self.where}: {self.what}.{hint} {self.fix.rstrip('.')}."


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` holds all that is wrong with it."""

    def __init__(self, problems: Sequence[SettingProblem]) -> None:
        super().__init__("\n".join(str(each) for each in problems))
        self.problems = list(problems)


def dotted(key: KeyPath) -> str:
    """`integrations[2].new.app_key`"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in key).lstrip(".")


def by_key(error: ValidationError, data: Any) -> dict[KeyPath, list[Any]]:
    """pydantic's details by the key that they are about; the branches of a choice stand together."""
    grouped: dict[KeyPath, list[Any]] = {}
    for detail in error.errors(include_url=False):
        grouped.setdefault(_key(detail["loc"], data), []).append(detail)
    return grouped


def _key(loc: KeyPath, data: Any) -> KeyPath:
    """The part of a location that is a key: pydantic adds the branch of a choice."""
    for index, step in enumerate(loc):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list | tuple) and isinstance(step, int):
            data = data[step]
        else:
            return loc[:index]
    return loc


def problem(
    key: KeyPath, details: Sequence[Any], place: Callable[[KeyPath], str], model: type[BaseModel]
) -> SettingProblem:
    """The problem that a key has; `place` says where a key stands."""
    detail = details[0]
    known = {each.key: each for each in settings_of(model)}
    name = _any_item(dotted(key))
    setting = known.get(name) or known.get(name.removesuffix("[]"))
    if detail["type"] == "extra_forbidden":
        hint = _did_you_mean(key, list(known))
        return SettingProblem(place(key), "there is no such key", hint, f"Rename or remove it: {REFERENCE}")
    if detail["type"] == "missing":
        whole = (*key, *_needed_below(name, known))
        return SettingProblem(place(whole), "this is missing", None, f"Set it: {_EXAMPLE}")
    what = ", or ".join(dict.fromkeys(_sentence(each) for each in details))
    return SettingProblem(place(key), what, _choice_meant(detail), _fix(details, what, setting))


def _needed_below(section: str, known: Mapping[str, Setting]) -> KeyPath:
    """The one key that a missing section has to have, if there is just one."""
    needed = [key for key, each in known.items() if key.startswith(f"{section}.") and each.default == REQUIRED]
    return tuple(needed[0].removeprefix(f"{section}.").split(".")) if len(needed) == 1 else ()


def _sentence(detail: Any) -> str:
    if sentence := _KINDS.get(detail["type"]):
        given = _kind(detail.get("input"))
        return f"{sentence}, and this is {given}" if given and detail["type"].endswith("_type") else sentence
    if detail["type"] == "string_pattern_mismatch":
        return OTHER_FORM
    message = str(detail["msg"]).removeprefix("Value error, ")
    message = re.sub(r"^(Input|String|Value|Tuple|List) should (be|have)", r"it has to \2", message)
    return (message[0].lower() + message[1:]).rstrip(".")


def _kind(value: object) -> str | None:
    """The type that YAML made of a value; None for a text."""
    if isinstance(value, bool):
        return "true or false"
    for kind, name in (
        (int | float, "a number"),
        (date, "a day"),
        (list | tuple, "a list"),
        (Mapping, "a mapping"),
        (type(None), "nothing"),
    ):
        if isinstance(value, kind):
            return name
    return None


def _fix(details: Sequence[Any], what: str, setting: Setting | None) -> str:
    detail = details[0]
    if isinstance(wrong := detail.get("ctx", {}).get("error"), WrongSettings):
        return wrong.fix
    if detail["type"] == "path_not_file":
        return "Correct the path, which is relative to the configuration file, or put the file there"
    given = detail.get("input")
    if what.startswith(_TEXT_WANTED) and given is not None and not isinstance(given, list | Mapping):
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        return _NUMBER_IN_QUOTES if is_number else _IN_QUOTES
    default = _shown(setting.default) if setting is not None else None
    return f"Correct it: {_EXAMPLE}" + (f". Default: {default}" if default else "")


def _shown(default: Any) -> str | None:
    """A default that helps to find the right value; None for none."""
    if default in (REQUIRED, None, "") or isinstance(default, list | dict):
        return None
    return str(default).lower() if isinstance(default, bool) else str(default)


def _any_item(key: str) -> str:
    """A key as the table has it: without the number of a list's item."""
    return re.sub(r"\[[0-9]+\]", "[]", key)


def _did_you_mean(key: KeyPath, known: Sequence[str]) -> str | None:
    whole = _any_item(dotted(key))
    parent, _, leaf = whole.rpartition(".")
    depth = whole.count(".")
    below = f"{parent}." if parent else ""
    beside = {name.split(".")[depth]: name for name in known if name.startswith(below)}
    if close := difflib.get_close_matches(leaf, list(beside), 1):
        return f"Did you mean {below}{close[0]}?"
    elsewhere = [name for name in known if name.rpartition(".")[2] == leaf]
    return f"Did you mean {' or '.join(elsewhere)}?" if elsewhere else None


def _choice_meant(detail: Any) -> str | None:
    choices = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    close = difflib.get_close_matches(str(detail.get("input")).lower(), choices, 1)
    return f"Did you mean {close[0]}?" if close else None
