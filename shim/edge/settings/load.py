"""Configuration: reads what sets the settings, in the order flags, environment, file, defaults.

Laws: every problem is told at once, with its place, the likely intention and the fix; no value of the
configuration ever stands in a problem, because any of them may be a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shim.edge.settings.lines import KeyPath, Lines
from shim.edge.settings.model import NAME, Config, Integration, StoreSettings
from shim.edge.settings.problems import REFERENCE, ConfigError, SettingProblem, by_key, dotted, problem
from shim.edge.settings.table import Setting, settings_of

__all__ = ["Config", "ConfigError", "Integration", "Setting", "SettingProblem", "describe", "load_config"]

_PREFIX = "SHIM_"
_NOWHERE = "(no configuration file)"
_NO_BACKEND = "http://backend.invalid"
_SPOOL = "shim.spool"

_Model = TypeVar("_Model", bound=BaseModel)


def describe() -> list[Setting]:
    """The settings table, in the order of the models; keys of a list's items as `integrations[].name`."""
    return list(settings_of(Config))


def load_config(
    path: Path | None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """The configuration from a YAML file, `SHIM_SECTION__KEY` variables and flags (dotted keys, None: not set).

    Raises ConfigError with every problem.
    """
    loaded = load_partly(path, overrides, environ)
    if loaded.config is None or loaded.problems:
        raise ConfigError(loaded.problems)
    return loaded.config


class PartlyRead(NamedTuple):
    """A configuration as far as it can be used, and all that is wrong with it.

    `config` lacks what is wrong, and has the defaults there; None when nothing is left of it. `sections` are
    those in which something is wrong: `listen`, `integrations`.
    """

    config: Config | None
    problems: list[SettingProblem]
    sections: frozenset[str]


def load_partly(
    path: Path | None,
    overrides: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> PartlyRead:
    """The same as `load_config` for those who want to try what can be used of it. Raises nothing."""
    environ = os.environ if environ is None else environ
    try:
        sources = _read(path, overrides or {}, environ)
    except ConfigError as error:
        return PartlyRead(None, error.problems, frozenset())
    base = path.parent if path else Path()
    entries = _entries(sources, base)
    integrations = _integrations(entries, environ, sources.problems)
    sections = {"integrations"} if sources.problems else set[str]()
    sources.data.pop("integrations", None)
    _beside(sources.data)
    if path is None and "backend" not in sources.data:
        return PartlyRead(None, [_NO_FILE, *sources.problems], frozenset())
    data = {**deepcopy(sources.data), "integrations": integrations}
    config, wrong = _validated(Config, data, {"base": base, "environ": environ})
    sources.problems += (problem(key, each, sources.place, Config) for key, each in wrong.items())
    return PartlyRead(config, sources.problems, frozenset(sections | {str(key[0]) for key in wrong if key}))


_NO_FILE = SettingProblem(
    _NOWHERE,
    "no configuration is named",
    None,
    "Give it with --config FILE (-c) or in SHIM_CONFIG; what runs without a file needs SHIM_BACKEND__URL",
)


def _validated(
    model: type[_Model], data: Any, context: Mapping[str, Any]
) -> tuple[_Model | None, dict[KeyPath, list[Any]]]:
    """(what there is without the keys that are wrong, what is wrong by key). Takes wrong keys out of `data`.

    pydantic judges a section as a whole only when each of its keys is right: so it is judged again without
    those that are not, and what that says of them is left out.
    """
    wrong: dict[KeyPath, list[Any]] = {}
    for _ in range(3):
        try:
            return model.model_validate(data, context=context), wrong
        except ValidationError as error:
            fresh = by_key(error, data)
        wrong |= {key: each for key, each in fresh.items() if not _follows(key, each, wrong)}
        for key in fresh:
            _take_out(data, key)
        if model is Config and isinstance(data.setdefault("backend", {}), dict):
            data["backend"].setdefault("url", _NO_BACKEND)
    return None, wrong


def _follows(key: KeyPath, details: Sequence[Any], wrong: Mapping[KeyPath, Sequence[Any]]) -> bool:
    """True if a problem of a section only comes from another one in it."""
    for other, other_problem in wrong.items():
        if other[: len(key)] == key and len(other) > len(key):
            typo = other_problem[0]["type"] == "extra_forbidden"
            if typo or any(str(step) in details[0]["msg"] for step in other[len(key) :]):
                return True
    return any(key == other[: len(key)] for other in wrong) and details[0]["type"] == "missing"


def _take_out(data: Any, key: KeyPath) -> None:
    """Take a key out of settings: with it the list whose item it is in."""
    for step in key[:-1]:
        below = data.get(step) if isinstance(data, dict) else None
        if not isinstance(below, dict):
            key = (step,)
            break
        data = below
    if isinstance(data, dict) and key:
        data.pop(key[-1], None)


def _beside(data: dict[str, Any]) -> None:
    """Name the default paths, so that they are beside the configuration file like those that are set."""
    store = data.setdefault("store", {})
    if not isinstance(store, dict):
        return
    url = store.setdefault("url", StoreSettings.model_fields["url"].default.get_secret_value())
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
    lines: Lines | None = None
    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[SettingProblem] = field(default_factory=list)

    def set(self, key: tuple[str, ...], value: Any, origin: str) -> None:
        at = self.data
        for step in key[:-1]:
            if not isinstance(at.get(step), dict):
                at[step] = {}
            at = at[step]
        at[key[-1]] = value
        self.origins[key] = origin

    def origin(self, key: KeyPath) -> str | None:
        """The variable or flag that set a key, unless the file did."""
        return next((self.origins[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.origins), None)

    def place(self, key: KeyPath) -> str:
        """Where a key stands: `shim.yaml, line 3: listen.port`."""
        return f"{self.origin(key) or _at(self.file, self.lines, key)}: {dotted(key)}"


def _at(file: str, lines: Lines | None, key: KeyPath) -> str:
    line = lines.of(key) if lines is not None else None
    return f"{file}, line {line}" if line is not None else file


def _read(path: Path | None, overrides: Mapping[str, Any], environ: Mapping[str, str]) -> _Sources:
    sources = _Sources(str(path) if path else _NOWHERE)
    if path:
        data = read_yaml(path)
        if not isinstance(data, dict | None):
            raise ConfigError([SettingProblem(str(path), "this is no mapping of keys", None, REFERENCE)])
        sources.data, sources.lines = data or {}, Lines(path)
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
        sources.problems.append(
            SettingProblem(f"environment variable {name}", what, None, "Write [a, b] or {a: b}")
        )
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
    """The content of a YAML file. Raises ConfigError when it cannot be read, naming the line but no text of
    it."""
    try:
        return yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506  # it is a SafeLoader
    except OSError as error:
        what, fix = f"this cannot be read ({error.strerror})", "Check the path and the permissions"
    except UnicodeDecodeError:
        what, fix = "this is not UTF-8", "Save it as UTF-8"
    except yaml.MarkedYAMLError as error:
        what, fix = _not_yaml(error)
    except yaml.YAMLError:
        what, fix = "this is no YAML", "Correct it"
    raise ConfigError([SettingProblem(str(path), what, None, fix)])


def _not_yaml(error: yaml.MarkedYAMLError) -> tuple[str, str]:
    """(what is wrong, the fix), with the line and none of its text."""
    mark = error.problem_mark
    line = f" in line {mark.line + 1}" if mark else ""
    if mark is not None and mark.buffer is not None and mark.buffer[mark.pointer : mark.pointer + 1] == "\t":
        return f"there is a tab{line}, where YAML takes blanks only", "Indent with blanks"
    text = re.sub(r"'[^']*'", "...", error.problem or error.context or "")
    return f"this is no YAML: {text}{line}", "Correct that line, or the one before"


# ---- integrations ----


@dataclass
class _Entry:
    """One item of a list of integrations, where it stands, and what its paths are relative to.

    `list` is the key of the list in its file, and `number` that of the item, from 0 on.
    """

    value: Any
    base: Path
    file: str
    lines: Lines | None
    list: KeyPath
    number: int

    def place(self, key: KeyPath) -> str:
        """Where a key of it stands: `integrations.yaml, line 3: integration crm: old.username`."""
        at = _at(self.file, self.lines, (*self.list, self.number, *key))
        return f"{at}: {self.called}{f': {dotted(key)}' if key else ''}"

    @property
    def called(self) -> str:
        name = self.value.get("name") if isinstance(self.value, dict) else None
        usable = isinstance(name, str) and re.fullmatch(NAME, name)
        return f"integration {name}" if usable else f"integration number {self.number + 1}"

    @property
    def known_as(self) -> str:
        """Itself as another entry's problem tells of it."""
        return f"{self.called} in {_at(self.file, self.lines, (*self.list, self.number))}"


def _entries(sources: _Sources, base: Path) -> list[_Entry]:
    inline = sources.data.get("integrations") or []
    origin = sources.origin(("integrations",))
    where = (origin, None) if origin else (sources.file, sources.lines)
    entries = _listed(inline, base, *where, ("integrations",), sources.problems)
    name = sources.data.get("integrations_file")
    path = base / name if isinstance(name, str | Path) else None
    if path and path.is_file():
        try:
            entries += _listed(read_yaml(path) or [], path.parent, str(path), Lines(path), (), sources.problems)
        except ConfigError as error:
            sources.problems += error.problems
    return entries


def _listed(
    value: Any, base: Path, file: str, lines: Lines | None, key: KeyPath, problems: list[SettingProblem]
) -> list[_Entry]:
    if isinstance(value, list):
        return [_Entry(each, base, file, lines, key, number) for number, each in enumerate(value)]
    problems.append(SettingProblem(file, "this is no list of integrations", None, REFERENCE))
    return []


def _integrations(
    entries: Iterable[_Entry], environ: Mapping[str, str], problems: list[SettingProblem]
) -> list[Integration]:
    """The usable ones; each is judged by itself, so that one bad entry hides no other."""
    good: list[Integration] = []
    taken: dict[tuple[str, str], _Entry] = {}
    for entry in entries:
        context = {"base": entry.base, "environ": environ}
        integration, wrong = _validated(Integration, deepcopy(entry.value), context)
        problems += (problem(key, each, entry.place, Integration) for key, each in wrong.items())
        if integration is not None and not wrong:
            problems += _repeated(integration, entry, taken)
            good.append(integration)
    return good


def _repeated(
    integration: Integration, entry: _Entry, taken: dict[tuple[str, str], _Entry]
) -> Iterator[SettingProblem]:
    """Names and logins that an earlier entry has: only one of the two could ever be found."""
    old = integration.old
    for key, value in (
        (("name",), integration.name),
        (("old", "username"), old.username),
        (("old", "app_key"), old.app_key),
        (("old", "crypted_auth"), old.crypted_digest),
    ):
        if value is None:
            continue
        first = taken.setdefault((dotted(key), value), entry)
        if first is not entry:
            what = f"{first.known_as} has the same"
            yield SettingProblem(entry.place(key), what, None, "Each must be unique: change one")


def judge_integrations(entries: Any, file: str, base: Path) -> list[SettingProblem]:
    """Problems of integrations as they would stand in a file in the folder `base`."""
    problems: list[SettingProblem] = []
    _integrations(_listed(entries, base, file, None, (), problems), os.environ, problems)
    return problems
