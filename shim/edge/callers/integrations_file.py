"""The integrations file: what is added to it, and what is imported into it from a CSV."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from shim.edge.callers.passwords import Passwords
from shim.edge.settings.load import ConfigError, SettingProblem, judge_integrations, read_yaml
from shim.edge.settings.model import NAME

COLUMNS = (
    "name",
    "username",
    "password",
    "old_app_key",
    "old_app_secret",
    "crypted_auth",
    "v3_app_key",
    "v3_app_secret",
)
_NEEDED = ("name", "v3_app_key", "v3_app_secret")
_PAIRS = (("username", "password"), ("old_app_key", "old_app_secret"))


def add_to_file(path: Path, *entries: Mapping[str, Any]) -> None:
    """Add integrations, written as in the configuration, to an integrations file: all of them, or none.

    A new file belongs to its owner alone (mode 0600), a changed one too. What stood there stays as it was,
    comments included. Raises ConfigError, also for a name or login that the file has already.
    """
    text = path.read_text("utf-8") if path.exists() else ""
    there = (read_yaml(path) if text else None) or []
    whole = [*there, *map(dict, entries)] if isinstance(there, list) else there
    if problems := judge_integrations(whole, str(path), path.parent):
        raise ConfigError(problems)
    added = yaml.safe_dump([dict(each) for each in entries], sort_keys=False, allow_unicode=True)
    grown = f"{text.rstrip()}\n{added}" if there else f"{text}{added}"
    if not _reads_as(grown, whole):  # a list in brackets, for example: comments are lost, nothing else
        grown = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    _replace(path, grown)


def _reads_as(text: str, value: Any) -> bool:
    try:
        return bool(yaml.safe_load(text) == value)
    except yaml.YAMLError:
        return False


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all, for its owner's eyes only."""
    path = path.resolve()
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        what = f"this cannot be written ({error.strerror})"
        raise ConfigError(
            [SettingProblem(str(path), what, None, "Check the folder and its permissions")]
        ) from None


def import_csv(path: Path, passwords: Passwords | None = None) -> tuple[list[dict[str, Any]], list[str]]:
    """(entries for `add_to_file`, problems) from a CSV with `COLUMNS`, separated by commas or semicolons.

    Passwords and old secrets leave as hashes. A problem names line and column, never a value.
    """
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        return [], [f"{path} cannot be read as UTF-8 text ({type(error).__name__})"]
    head = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in head and "," not in head else ",")
    columns = [name.strip().lower() for name in rows.fieldnames or ()]
    rows.fieldnames = columns
    problems = [f"line 1: there is no column {name}" for name in _NEEDED if name not in columns]
    problems += _unknown(columns)
    if problems:
        return [], [*problems, f"columns are: {', '.join(COLUMNS)}"]
    passwords = passwords or Passwords()
    entries = []
    for row in rows:
        if wrong := list(_wrong(row)):
            problems += [f"line {rows.line_num}: {each}" for each in wrong]
        else:
            entries.append(_entry(row, passwords))
    return entries, problems


def _unknown(columns: Sequence[str]) -> Iterator[str]:
    """Problems of the header. It names its columns only where it is one: in a row of values may be secrets."""
    is_header = all(name in columns for name in ("name", "v3_app_key"))
    for number, name in enumerate(columns, 1):
        if name not in COLUMNS:
            similar = difflib.get_close_matches(name, COLUMNS, 1)
            called = f" ({name})" if is_header and re.fullmatch("[a-z0-9_ -]{1,40}", name) else ""
            hint = f"; is {similar[0]} meant?" if similar else ""
            yield f"line 1: column {number}{called} is not known{hint}"


def _wrong(row: Mapping[str, Any]) -> Iterable[str]:
    if None in row:
        yield "there are more values than columns"
    for name in _NEEDED:
        if not row.get(name):
            yield f"{name} is empty"
    if row.get("name") and not re.fullmatch(NAME, row["name"]):
        yield "name is not made of small letters, digits and hyphens"
    for first, second in _PAIRS:
        if bool(row.get(first)) != bool(row.get(second)):
            yield f"{first} and {second} go together"
    if not any(row.get(name) for name in ("username", "old_app_key", "crypted_auth")):
        yield "there is no way to log in: give username, old_app_key or crypted_auth"


def _entry(row: Mapping[str, str | None], passwords: Passwords) -> dict[str, Any]:
    old: dict[str, str] = {}
    if (username := row.get("username")) and (password := row.get("password")):
        old |= {"username": username, "password_hash": passwords.hash(password)}
    if (key := row.get("old_app_key")) and (secret := row.get("old_app_secret")):
        old |= {"app_key": key, "app_secret_hash": passwords.hash(secret)}
    if crypted := row.get("crypted_auth"):
        old["crypted_auth_sha256"] = hashlib.sha256(crypted.encode(errors="surrogatepass")).hexdigest()
    new = {"app_key": row["v3_app_key"], "app_secret": row["v3_app_secret"]}
    return {"name": row["name"], "old": old, "new": new}
