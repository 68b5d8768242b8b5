"""Configuration: reads what sets the settings, in the order flags, environment, file, defaults.

Laws: every problem is told at once, with its place, the likely intention and the fix; no value of the
configuration ever stands in a problem, because any of them may be a secret.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from shim.edge.settings.model import Config, Integration, Store

__all__ = ["Config", "ConfigError", "Integration", "Problem", "Setting", "describe", "load_config"]

_PREFIX = "SHIM_"
_REFERENCE = "config.example.yaml names every key"
_REQUIRED = "(required)"
_NOWHERE = "(no configuration file)"
_SPOOL = "shim.spool"

Key = tuple[str | int, ...]


class Problem(NamedTuple):
    """One thing wrong: where (file or variable, and key), what, what was probably meant, how to fix it."""

    where: str
    what: str
    intention: str | None
    fix: str

    def __str__(self) -> str:
        meant = f" {self.intention}" if self.intention else ""
        return f"{self.where}: {self.what}.{meant} {self.fix.rstrip('.')}."


class ConfigError(Exception):
    """A configuration that cannot be used; `problems` holds all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(each) for each in problems))
        self.problems = list(problems)


class Setting(NamedTuple):
    """A row of the settings table; `default` is `(required)` where there is none."""

    key: str
    default: Any
    doc: str


def describe() -> list[Setting]:
    """The settings table, in the order of the models; keys of a list's items as `integrations[].name`."""
    return list(_describe(Config, ""))


def load_config(
    path: Path | None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration from a YAML file, `SHIM_SECTION__KEY` variables and flags (dotted keys, None: not set).

    Raises ConfigError with every problem.
    """
    environ = os.environ if environ is None else environ
    sources = _read(path, overrides or {}, environ)
    base = path.parent if path else Path()
    context = {"base": base, "environ": environ}
    integrations = _integrations(_entries(sources, base), environ, sources.problems)
    sources.data.pop("integrations", None)
    _beside(sources.data)
    try:
        config = Config.model_validate({**sources.data, "integrations": integrations}, context=context)
    except ValidationError as error:
        sources.problems += _problems(error, sources.data, sources.place, Config)
    if sources.problems:
        raise ConfigError(sources.problems)
    return config


def _beside(data: dict[str, Any]) -> None:
    """Name the default paths, so that they are beside the configuration file like those that are set."""
    store = data.setdefault("store", {})
    if not isinstance(store, dict):
        return
    url = store.setdefault("url", Store.model_fields["url"].default.get_secret_value())
    kept = data.setdefault("deprecation", {})
    in_file = isinstance(url, str) and re.match(r"sqlite[^/]*:///(?!:memory:|file:).", url)
    if not in_file and isinstance(kept, dict):
        kept["spool"] = kept.get("spool") or _SPOOL


def integrations_file(
    path: Path | None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Path | None:
    """The configured `integrations_file`, which may not exist yet; nothing else is checked."""
    sources = _read(path, overrides or {}, os.environ if environ is None else environ)
    name = sources.data.get("integrations_file")
    return (path.parent if path else Path()) / name if isinstance(name, str | Path) else None


# ---- what sets the settings ----


@dataclass
class _Sources:
    """The merged settings, who set them, and what was wrong already."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[Key, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def set(self, key: tuple[str, ...], value: Any, origin: str) -> None:
        at = self.data
        for step in key[:-1]:
            if not isinstance(at.get(step), dict):
                at[step] = {}
            at = at[step]
        at[key[-1]] = value
        self.origins[key] = origin

    def place(self, key: Key) -> str:
        for length in range(len(key), 0, -1):
            if key[:length] in self.origins:
                return f"{self.origins[key[:length]]}: {dotted(key)}"
        return f"{self.file}: {dotted(key)}"


def dotted(key: Key) -> str:
    """`integrations[2].new.app_key`"""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in key).lstrip(".")


def _read(path: Path | None, overrides: Mapping[str, Any], environ: Mapping[str, str]) -> _Sources:
    sources = _Sources(str(path) if path else _NOWHERE)
    if path:
        data = read_yaml(path)
        if not isinstance(data, dict | None):
            raise ConfigError([Problem(str(path), "this is no mapping of keys", None, _REFERENCE)])
        sources.data = data or {}
    for name, text in sorted(environ.items()):
        key = _variable(name)
        if key and text:
            sources.set(key, _from_text(name, text, sources), f"environment variable {name}")
    for flag, value in overrides.items():
        if value is not None:
            sources.set(tuple(flag.split(".")), value, "command line")
    return sources


def _variable(name: str) -> tuple[str, ...] | None:
    """The key that a variable sets; None for others, such as those that stand for a command's own flags."""
    if not name.upper().startswith(_PREFIX):
        return None
    key = tuple(name[len(_PREFIX) :].lower().split("__"))
    return key if len(key) > 1 or key[0] in Config.model_fields else None


def _from_text(name: str, text: str, sources: _Sources) -> Any:
    """Lists and mappings are written as YAML: `[a, b]`, `{env: NAME}`. Anything else is a plain text."""
    if text[0] not in "[{":
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        what = "this starts like a list or mapping, but is no YAML"
        sources.problems.append(Problem(f"environment variable {name}", what, None, "Write [a, b] or {a: b}"))
        return text


class _Loader(yaml.SafeLoader):
    """Safe, and refuses a key that stands twice: the first would be lost in silence."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                what = f"the key {key.value} stands twice"
                raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """What a YAML file holds. Raises ConfigError when it cannot be read, naming the line but no text of it."""
    try:
        return yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  # it is a SafeLoader
    except OSError as error:
        what, fix = f"this cannot be read ({error.strerror})", "Check the path and the permissions"
    except UnicodeDecodeError:
        what, fix = "this is not UTF-8", "Save it as UTF-8"
    except yaml.MarkedYAMLError as error:
        line = f" in line {error.problem_mark.line + 1}" if error.problem_mark else ""
        said = re.sub(r"'[^']*'", "...", error.problem or error.context or "")
        what, fix = f"this is no YAML: {said}{line}", "Correct that line"
    except yaml.YAMLError:
        what, fix = "this is no YAML", "Correct it"
    raise ConfigError([Problem(str(path), what, None, fix)])


# ---- integrations ----


@dataclass
class _Entry:
    """One item of a list of integrations, where it stands, and what its paths are relative to."""

    value: Any
    place: str
    base: Path


def _entries(sources: _Sources, base: Path) -> list[_Entry]:
    inline = sources.data.get("integrations") or []
    found = _listed(inline, sources.place(("integrations",)), base, sources.problems)
    name = sources.data.get("integrations_file")
    path = base / name if isinstance(name, str | Path) else None
    if path and path.is_file():
        try:
            found += _listed(read_yaml(path) or [], f"{path}: ", path.parent, sources.problems)
        except ConfigError as error:
            sources.problems += error.problems
    return found


def _listed(value: Any, place: str, base: Path, problems: list[Problem]) -> list[_Entry]:
    if isinstance(value, list):
        return [_Entry(each, f"{place}[{index}]", base) for index, each in enumerate(value)]
    problems.append(Problem(place, "this is no list of integrations", None, _REFERENCE))
    return []


def _integrations(
    entries: Iterable[_Entry], environ: Mapping[str, str], problems: list[Problem]
) -> list[Integration]:
    """The usable ones; each is judged by itself, so that one bad entry hides no other."""
    good: list[Integration] = []
    taken: dict[tuple[str, str], str] = {}
    for entry in entries:
        try:
            context = {"base": entry.base, "environ": environ}
            integration = Integration.model_validate(entry.value, context=context)
        except ValidationError as error:
            problems += _problems(error, entry.value, _below(entry.place), Integration)
            continue
        problems += _repeated(integration, entry.place, taken)
        good.append(integration)
    return good


def _below(place: str) -> Callable[[Key], str]:
    return lambda key: f"{place}.{dotted(key)}" if key else place


def _repeated(integration: Integration, place: str, taken: dict[tuple[str, str], str]) -> Iterator[Problem]:
    """Names and logins that an earlier entry has: only one of the two could ever be found."""
    old = integration.old
    for kind, value in (
        ("name", integration.name),
        ("old.username", old.username),
        ("old.app_key", old.app_key),
        ("old.crypted_auth", old.crypted_digest),
    ):
        if value is None:
            continue
        first = taken.setdefault((kind, value), place)
        if first is not place:
            yield Problem(f"{place}.{kind}", f"{first} has the same", None, "Each must be unique: change one")


def judge_integrations(entries: Any, place: str, base: Path) -> list[Problem]:
    """What is wrong with integrations as they would stand in a file in the folder `base`."""
    problems: list[Problem] = []
    _integrations(_listed(entries, place, base, problems), os.environ, problems)
    return problems


# ---- problems ----


def _problems(
    error: ValidationError, data: Any, place: Callable[[Key], str], model: type[BaseModel]
) -> list[Problem]:
    """One problem for each key; the branches of a choice are told together."""
    found: dict[Key, list[Any]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_key(detail["loc"], data), []).append(detail)
    return [_problem(key, details, place(key), model) for key, details in found.items()]


def _key(loc: Key, data: Any) -> Key:
    """The part of a location that is a key: pydantic adds the branch of a choice."""
    for index, step in enumerate(loc):
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list | tuple) and isinstance(step, int):
            data = data[step]
        else:
            return loc[:index]
    return loc


def _problem(key: Key, details: Sequence[Any], place: str, model: type[BaseModel]) -> Problem:
    detail = details[0]
    known = {each.key: each for each in _describe(model, "")}
    name = _any_item(dotted(key))
    setting = known.get(name) or known.get(name.removesuffix("[]"))
    if detail["type"] == "extra_forbidden":
        meant = _did_you_mean(key, list(known))
        return Problem(place, "there is no such key", meant, f"Rename or remove it: {_REFERENCE}")
    if detail["type"] == "missing":
        return Problem(place, "this is missing", None, f"Set it: {setting.doc if setting else _REFERENCE}")
    what = ", or ".join(dict.fromkeys(_sentence(each) for each in details))
    return Problem(place, what, _choice_meant(detail), _fix(setting))


def _sentence(detail: Any) -> str:
    message = str(detail["msg"]).removeprefix("Value error, ")
    return (message[0].lower() + message[1:]).rstrip(".")


def _fix(setting: Setting | None) -> str:
    if setting is None:
        return f"Correct it: {_REFERENCE}"
    default = "" if setting.default == _REQUIRED else f" Default: {_shown(setting.default)}"
    return f"{setting.doc}{default}"


def _shown(default: Any) -> str:
    return "null" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def _any_item(key: str) -> str:
    """A key as the table has it: without the number of a list's item."""
    return re.sub(r"\[[0-9]+\]", "[]", key)


def _did_you_mean(key: Key, known: Sequence[str]) -> str | None:
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


# ---- the table ----


def _describe(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for name, info in model.model_fields.items():
        section = _section(info)
        if section is None or (name == "conduct" and prefix):
            yield Setting(prefix + name, _default(info), info.description or "")
        elif get_origin(info.annotation) is tuple:
            yield Setting(prefix + name, [], info.description or "")
            yield from _describe(section, f"{prefix}{name}[].")
        else:
            yield from _describe(section, f"{prefix}{name}.")


def _section(info: FieldInfo) -> type[BaseModel] | None:
    kind = info.annotation
    kind = get_args(kind)[0] if get_args(kind) else kind
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _default(info: FieldInfo) -> Any:
    if info.is_required():
        return _REQUIRED
    value = info.default
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {}
    return list(value) if isinstance(value, tuple) else value
