"""The integrations file: additions are whole and private, an import tells every problem and no value."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from shim.edge.callers.integrations_file import add_to_file, import_csv
from shim.edge.callers.passwords import Passwords
from shim.edge.settings.load import ConfigError, load_config
from tests.edge.callers.test_integrations import CHEAP, HASH, HASHER


def entry(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "old": {"username": name, "password_hash": HASH},
        "new": {"app_key": "k", "app_secret": {"env": "HOME"}},
    }


def names(path: Path) -> list[str]:
    overrides = {"backend.url": "https://v3.example", "integrations_file": str(path)}
    return [each.name for each in load_config(None, overrides).integrations]


def test_adding_makes_a_private_file_and_keeps_comments(tmp_path: Path) -> None:
    path = tmp_path / "integrations.yaml"
    add_to_file(path, entry("one"))
    path.write_text("# mine\n" + path.read_text())
    path.chmod(0o644)
    add_to_file(path, entry("two"), entry("three"))
    assert path.read_text().startswith("# mine\n- name: one")
    assert "{env" in path.read_text() or "env: HOME" in path.read_text()
    assert names(path) == ["one", "two", "three"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["integrations.yaml"]


@pytest.mark.parametrize(
    "text",
    [
        "[]\n",
        "# nothing yet\n",
        "",
        "[{name: one, old: {crypted_auth: x}, new: {app_key: k, app_secret: s}}]\n",
    ],
)
def test_adding_to_any_list(tmp_path: Path, text: str) -> None:
    path = tmp_path / "integrations.yaml"
    path.write_text(text)
    add_to_file(path, entry("two"))
    assert names(path) == (["one", "two"] if "one" in text else ["two"])


def test_adding_refuses_what_could_not_be_loaded_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "integrations.yaml"
    add_to_file(path, entry("one"))
    before = path.read_text()
    for bad in (entry("one"), entry("Bad Name"), {"name": "x"}):
        with pytest.raises(ConfigError):
            add_to_file(path, entry("good"), bad)
    assert path.read_text() == before
    path.write_text("a: b\n")
    with pytest.raises(ConfigError, match="no list"):
        add_to_file(path, entry("one"))


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        add_to_file(tmp_path / "nowhere" / "integrations.yaml", entry("one"))


HEAD = "name,username,password,old_app_key,old_app_secret,crypted_auth,v3_app_key,v3_app_secret\n"


def test_import_hashes_at_once_and_what_it_gives_works(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text(
        HEAD + "acme,acme,right,,,,k1,s1\nnorth,,,ok,right,,k2,s2\nboth,both,right,o2,right,right,k3,s3\n"
    )
    entries, problems = import_csv(path, Passwords(CHEAP))
    assert problems == []
    assert "right" not in str(entries)
    add_to_file(tmp_path / "integrations.yaml", *entries)
    assert names(tmp_path / "integrations.yaml") == ["acme", "north", "both"]
    assert HASHER.verify(entries[0]["old"]["password_hash"], "right")
    assert entries[2]["old"]["crypted_auth_sha256"] == hashlib.sha256(b"right").hexdigest()
    assert yaml.safe_load((tmp_path / "integrations.yaml").read_text()) == entries


def test_import_from_a_spreadsheet_with_semicolons_and_bom(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_text("\ufeffName;Username;Password;v3_app_key;v3_app_secret\r\na;a;x;k;s\r\n", "utf-8")
    entries, problems = import_csv(path, Passwords(CHEAP))
    assert (len(entries), problems) == (1, [])


def test_import_tells_every_problem_and_no_value(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    rows = (
        "Canary X,u,canary,,,,k,s",
        "a,canary,,,,,k,s",
        "b,,,,,,k,s",
        "c,u,canary,,,,,canary",
        "d,u,p,,,,k,s,canary",
        "fine,u,p,,,,k,s",
    )
    path.write_text(HEAD + "\n".join(rows))
    entries, problems = import_csv(path, Passwords(CHEAP))
    assert [each["name"] for each in entries] == ["fine"]
    assert "anary" not in str(problems)
    assert problems == [
        "line 2: name is not made of small letters, digits and hyphens",
        "line 3: username and password go together",
        "line 4: there is no way to log in: give username, old_app_key or crypted_auth",
        "line 5: v3_app_key is empty",
        "line 6: there are more values than columns",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "there is no column name"),
        ("name,v3_app_key,v3_app_secret,region\n", "column 4 (region) is not known"),
        ("name\n", "there is no column v3_app_key"),
    ],
)
def test_import_judges_the_columns_first(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "old.csv"
    path.write_text(text)
    entries, problems = import_csv(path, Passwords(CHEAP))
    assert entries == []
    assert what in " ".join(problems)
    assert "canary" not in " ".join(problems)


def test_import_of_no_text(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in import_csv(tmp_path / "x")[1][0]
    assert "cannot be read" in import_csv(tmp_path / "y")[1][0]
