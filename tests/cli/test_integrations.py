"""shim integrations: the integrations file, and that no secret passes through arguments or output."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from argon2 import PasswordHasher
from typer.testing import Result

from shim.edge.settings.load import load_config
from tests.cli.programs import Run

Invoke = Callable[..., Result]
ConfigFile = Callable[..., Path]

ADD = ("integrations", "add", "crm", "--username", "crm", "--v3-app-key", "crm-key")
SECRETS = ("--password", "-", "--v3-app-secret", "-")


def entries(config: Path) -> dict[str, object]:
    return {each["name"]: each for each in yaml.safe_load((config.parent / "integrations.yaml").read_text())}


def test_add_hashes_at_once_and_keeps_what_is_there(invoke: Invoke, config: ConfigFile) -> None:
    file = config()
    result = invoke(*ADD, "-c", str(file), *SECRETS, stdin="old-one\nnew-one\n")
    assert result.exit_code == 0, result.stderr
    assert "SIGHUP" in result.stderr
    assert "# who may call" in (file.parent / "integrations.yaml").read_text()
    assert "old-one" not in (file.parent / "integrations.yaml").read_text()
    [_, added] = load_config(file, environ={}).integrations
    assert PasswordHasher().verify(added.old.password_hash or "", "old-one")
    assert added.new.app_secret.get_secret_value() == "new-one"


def test_add_by_reference_and_other_logins(
    invoke: Invoke, config: ConfigFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = config()
    monkeypatch.setenv("CRM_SECRET", "x")
    args = ("--app-key", "k", "--app-secret", "-", "--crypted-auth", "-", "--v3-app-secret-env", "CRM_SECRET")
    result = invoke(
        "integrations", "add", "crm", "--v3-app-key", "crm-key", *args,
        "--file", str(file.parent / "integrations.yaml"), stdin="s\nopaque\n",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    added = load_config(file, environ={"CRM_SECRET": "x"}).integrations[1]
    assert added.old.app_secret_hash
    assert added.old.crypted_digest


def test_add_makes_the_file(invoke: Invoke, config: ConfigFile) -> None:
    file = config()
    (file.parent / "integrations.yaml").unlink()
    assert invoke(*ADD, "-c", str(file), *SECRETS, stdin="a\nb\n").exit_code == 0
    assert list(entries(file)) == ["crm"]
    assert (file.parent / "integrations.yaml").stat().st_mode & 0o777 == 0o600


def test_a_hidden_prompt_asks_on_a_terminal(
    invoke: Invoke, config: ConfigFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def typed(prompt: str) -> str:
        asked.append(prompt)
        return "typed"

    monkeypatch.setattr("shim.cli.integrations.commands._on_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", typed)
    result = invoke(*ADD, "-c", str(config()))
    assert result.exit_code == 0, result.stderr
    assert asked == ["password: ", "v3-app-secret: "]
    assert "typed" not in result.output


@pytest.mark.parametrize(
    ("args", "stdin", "told"),
    [
        (("--password", "plain", "--v3-app-secret", "-"), "x\n", "takes no secret"),
        (("--v3-app-secret", "-"), "x\n", "there is no terminal"),
        (("--password", "-", "--v3-app-secret", "-"), "x\n", "is empty"),
    ],
)
def test_secrets_are_never_arguments_and_never_guessed(
    invoke: Invoke, config: ConfigFile, args: tuple[str, ...], stdin: str, told: str
) -> None:
    result = invoke(*ADD, "-c", str(config()), *args, stdin=stdin)
    assert result.exit_code == 2
    assert told in result.stderr
    assert "plain" not in result.output


@pytest.mark.parametrize(
    "args",
    [
        ("integrations", "add", "x", "--v3-app-key", "k"),
        ("integrations", "add", "x", "--username", "u"),
        ("integrations", "add", "acme", "--username", "u", "--v3-app-key", "k", *SECRETS),
        ("integrations", "add", "y", "--username", "acme", "--v3-app-key", "k", *SECRETS),
    ],
)
def test_what_cannot_be_added_changes_nothing(
    invoke: Invoke, config: ConfigFile, args: tuple[str, ...]
) -> None:
    file = config()
    before = (file.parent / "integrations.yaml").read_bytes()
    assert invoke(*args, "-c", str(file), stdin="a\nb\n").exit_code == 2
    assert (file.parent / "integrations.yaml").read_bytes() == before


def test_without_a_file_nothing_is_guessed(invoke: Invoke) -> None:
    result = invoke("integrations", "remove", "acme")
    assert result.exit_code == 2
    assert "integrations_file" in result.stderr


def test_list_shows_logins_and_no_secret(invoke: Invoke, config: ConfigFile) -> None:
    file = config(
        "integrations:\n- {name: inline, old: {crypted_auth: opaque}, new: {app_key: k, app_secret: s3}}\n"
    )
    result = invoke("integrations", "list", "-c", str(file))
    assert result.exit_code == 0, result.stderr
    assert "user acme" in result.stdout
    assert "cryptedAuth" in result.stdout
    assert "acme-secret" not in result.output
    assert "acme-app-secret" not in result.output
    alone = invoke("integrations", "list", "--file", str(file.parent / "integrations.yaml"))
    assert "acme-key" in alone.stdout
    assert "inline" not in alone.stdout


def test_import_is_all_or_nothing(invoke: Invoke, config: ConfigFile, tmp_path: Path) -> None:
    file, csv = config(), tmp_path / "all.csv"
    csv.write_text("name,username,password,v3_app_key,v3_app_secret\none,one,p1,k1,s1\ntwo,,,k2,s2\n")
    result = invoke("integrations", "import", str(csv), "-c", str(file))
    assert result.exit_code == 2
    assert "line 3" in result.stderr
    assert list(entries(file)) == ["acme"]
    rows = "one,one,clear-text-1,k1,s1\ntwo,two,clear-text-2,k2,s2\n"
    csv.write_text(f"name,username,password,v3_app_key,v3_app_secret\n{rows}")
    assert invoke("integrations", "import", str(csv), "-c", str(file)).exit_code == 0
    assert list(entries(file)) == ["acme", "one", "two"]
    assert "clear-text-1" not in (file.parent / "integrations.yaml").read_text()


def test_import_from_stdin(shim: Run, config: ConfigFile) -> None:
    file = config()
    csv = "name;username;password;v3_app_key;v3_app_secret\none;one;p1;k1;s1\n"
    done = shim("integrations", "import", "-", "-c", str(file), stdin=csv)
    assert done.returncode == 0, done.stderr
    assert list(entries(file)) == ["acme", "one"]


def test_remove_keeps_everything_else(invoke: Invoke, config: ConfigFile) -> None:
    file = config()
    assert invoke(*ADD, "-c", str(file), *SECRETS, stdin="a\nb\n").exit_code == 0
    assert invoke("integrations", "remove", "acme", "-c", str(file)).exit_code == 0
    assert list(entries(file)) == ["crm"]
    assert "# who may call" in (file.parent / "integrations.yaml").read_text()
    assert invoke("integrations", "remove", "acme", "-c", str(file)).exit_code == 2
    assert invoke("integrations", "remove", "crm", "-c", str(file)).exit_code == 0
    assert load_config(file, environ={}).integrations == ()


def test_remove_from_a_list_in_brackets(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "list.yaml"
    file.write_text("[{name: a, x: 1}, {name: b, x: 2}]\n")
    assert invoke("integrations", "remove", "a", "--file", str(file)).exit_code == 0
    assert yaml.safe_load(file.read_text()) == [{"name": "b", "x": 2}]
