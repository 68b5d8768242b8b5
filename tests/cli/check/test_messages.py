"""What the program says when something is wrong: the place, what, and what to do; the program itself is run."""

from __future__ import annotations

import ctypes
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from shim.cli.demo.certificate import loopback_certificate
from tests.cli.programs import PROGRAM, Run, environment

pytest_plugins = ["tests.support.postgres"]

ConfigFile = Callable[..., Path]
_READS_ALL = (1, 2)
"""The capabilities with which root reads what nobody may: CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH."""


def who(file: Path, text: str) -> None:
    (file.parent / "integrations.yaml").write_text(text)


def test_a_number_for_a_user_name_names_integration_and_line(shim: Run, config: ConfigFile) -> None:
    file = config()
    who(
        file,
        "- name: acme\n  old:\n    username: 0123\n    password: x\n  new: {app_key: k, app_secret: s}\n",
    )
    done = shim("check", "-c", str(file), "--offline")
    assert done.returncode == 2
    [line] = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert line == (
        f"PROBLEM  configuration: {file.parent}/integrations.yaml, line 3: integration acme: old.username: a "
        "text is needed, and this is a number. Put it in quotes: YAML drops zeros that lead a number, or reads "
        "it as octal."
    )


def test_a_variable_that_is_not_set_is_named(shim: Run, config: ConfigFile) -> None:
    file = config(secret="{env: ACME_SECRET}")
    done = shim("report", "-c", str(file))
    assert done.returncode == 2
    assert (
        "line 4: integration acme: new.app_secret: the environment variable ACME_SECRET is not set"
        in done.stderr
    )
    assert "where the shim is started" in done.stderr
    assert shim("report", "-c", str(file), env={"ACME_SECRET": "s"}).stderr.startswith("There is no store yet")


def test_a_tab_in_yaml_is_called_a_tab(shim: Run, tmp_path: Path) -> None:
    file = tmp_path / "shim.yaml"
    file.write_text("backend: {url: 'http://127.0.0.1:9'}\nlisten:\n\tport: 1\n")
    done = shim("check", "-c", str(file), "--offline")
    assert done.returncode == 2
    assert f"{file}: there is a tab in line 3, where YAML takes blanks only. Indent with blanks." in done.stdout


@pytest.mark.parametrize("command", [("report",), ("audit",), ("journal", "list"), ("reload",)])
def test_without_a_configuration_it_says_how_to_give_one(shim: Run, command: tuple[str, ...]) -> None:
    done = shim(*command)
    assert done.returncode == 2
    assert "no configuration is named. Give it with --config FILE (-c) or in SHIM_CONFIG" in done.stderr


def test_a_column_of_a_csv_that_is_not_known_is_named(shim: Run, config: ConfigFile) -> None:
    head = "name,usernam,password,v3_app_key,v3_app_secret\n"
    done = shim("integrations", "import", "-", "-c", str(config()), stdin=head + "a,b,c,d,e\n")
    assert done.returncode == 2
    assert "line 1: column 2 (usernam) is not known; is username meant?" in done.stderr


def test_values_in_place_of_a_header_are_not_shown(shim: Run, config: ConfigFile) -> None:
    row = "crm,crm,hunter2,crm-key,hunter3\n"
    done = shim("integrations", "import", "-", "-c", str(config()), stdin=row)
    assert done.returncode == 2
    assert "line 1: column 3 is not known" in done.stderr
    assert "hunter" not in done.stderr + done.stdout


def test_an_unknown_host_is_told_from_a_refused_connection(shim: Run, config: ConfigFile) -> None:
    file = str(config())
    done = shim("check", "-c", file, "--backend-url", "http://no-such-host.invalid:9")
    assert done.returncode == 3
    assert "nobody knows the host of http://no-such-host.invalid:9" in done.stdout
    done = shim("check", "-c", file)
    assert done.returncode == 3
    assert "http://127.0.0.1:9 refuses the connection: the host is there" in done.stdout


@pytest.mark.slow
def test_a_missing_database_of_postgresql_is_told(
    shim: Run, config: ConfigFile, postgres: Callable[[], str]
) -> None:
    missing = postgres().replace("postgres@/shim", "postgres@/nowhere")
    env, file = {"SHIM_STORE__URL": missing}, str(config())
    told = "PostgreSQL server is there, and has no database of that name. Make it (createdb)"
    done = shim("check", "-c", file, "--offline", env=env)
    assert (done.returncode, told in done.stdout) == (2, True), done.stdout
    for command in ("report", "serve"):
        done = shim(command, "-c", file, env=env)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
        assert "nowhere" not in done.stderr


def test_a_host_of_the_store_that_nobody_knows_and_one_that_refuses(shim: Run, config: ConfigFile) -> None:
    file = str(config())
    env = {"SHIM_STORE__URL": "postgresql://shim:hunter2@no-such-host.invalid/shim"}
    done = shim("check", "-c", file, "--offline", env=env)
    assert "store.url: nobody knows the host of the store" in done.stdout
    done = shim(
        "check", "-c", file, "--offline", env={"SHIM_STORE__URL": "postgresql://u:hunter2@127.0.0.1:1/x"}
    )
    assert "store.url: the host of the store refuses the connection" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def _like_anybody() -> None:
    """Root, without the right to read what its owner may not."""
    library = ctypes.CDLL(None)
    for capability in _READS_ALL:
        library.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP; whoever is not root has no such right anyway


@pytest.mark.parametrize("command", [("check", "--offline"), ("serve",)])
def test_a_key_that_may_not_be_read_is_named(
    config: ConfigFile, tmp_path: Path, command: tuple[str, ...]
) -> None:
    files = loopback_certificate(tmp_path / "tls")
    files.key.chmod(0)
    tls = f"{{port: 0, tls_port: 0, tls_cert: '{files.certificate}', tls_key: '{files.key}'}}"
    file = config()
    file.write_text(file.read_text().replace("listen: {port: 0}", f"listen: {tls}"))
    done = subprocess.run(
        [*PROGRAM, *command, "-c", str(file)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
        check=False,
        preexec_fn=_like_anybody,
    )
    assert done.returncode == 2
    told = f"listen.tls_key: the private key in {files.key} cannot be read (permission denied)"
    assert told in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("command", [("check", "--offline"), ("report",), ("serve",)])
def test_a_store_of_a_newer_release_is_told_with_the_way_out(
    shim: Run, config: ConfigFile, make_store: Callable[[Path], None], command: tuple[str, ...]
) -> None:
    file = config()
    make_store(file)
    with sqlite3.connect(file.parent / "shim.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
        store.execute("INSERT INTO store_release VALUES ('9999', '9999', '9.9', '2027-01-01 00:00:00')")
    done = shim(*command, "-c", str(file))
    told = done.stdout + done.stderr
    assert done.returncode == 2
    assert "brought up to date by release 9.9 of the shim (to revision 9999)" in told
    assert "Start release 9.9 again" in told
    assert "SQLite is beside" not in told


def test_every_problem_is_told_at_once(shim: Run, config: ConfigFile, tmp_path: Path) -> None:
    """Of several sections and files, and what can be tried beside them is tried."""
    file = config("log: {level: loud}\nidentity: {issued_from: 9, issued_to: 1}\n", secret="{env: NOT_SET}")
    cert, other = (loopback_certificate(tmp_path / name) for name in ("one", "other"))
    tls = f"{{tls_cert: '{cert.certificate}', tls_key: '{other.key}'}}"
    file.write_text(file.read_text().replace("admin: {port: 0}", f"admin: {tls}"))
    env = {"SHIM_STORE__URL": "sqlite+aiosqlite:////nowhere/at/all.db"}
    done = shim("check", "-c", str(file), env=env)
    problems = [line for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    wanted = ("NOT_SET", "identity", "log.level", "admin.tls_key", "store.url", "refuses the connection")
    assert [want in line for want, line in zip(wanted, problems, strict=True)] == [True] * 6, done.stdout
    assert done.returncode == 2


def test_what_cannot_be_tried_is_said(shim: Run, config: ConfigFile) -> None:
    done = shim("check", "-c", str(config("store: {url: 3}\n".replace("store", "deprecation"))))
    lines = done.stdout.splitlines()
    assert "-        store: not checked: its settings are wrong" in lines
    assert any(line.startswith("ok       ports") for line in lines)
    assert any(line.startswith("PROBLEM  backend") for line in lines)


def test_explain_of_linked_op_says_how_packages_are_packed(shim: Run) -> None:
    told = shim("explain", "LinkedOp").stdout
    assert "base64 of an old call, an envelope or its body element" in " ".join(told.split())
    assert "A package is base64 of a whole message" in told
