"""What all commands share: help at once, exit codes, environment twins, documentation."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from shim.cli.common.console import EXIT_CODES, ExitCode
from shim.cli.main import SECTIONS, app, only
from shim.compiled import PROBLEM
from tests.cli.programs import Run, environment

WHEN = "2026-11-01 00:00:00.000000"
_HEAVY = (
    "aiohttp",
    "lxml",
    "pydantic",
    "sqlalchemy",
    "rich",
    "structlog",
    "httpx",
    "yaml",
    "zeep",
    "uvloop",
    "asyncio",
    "ssl",
)
_DOCS = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
_IMPORTS = """
import sys
sys.argv = ["shim", *{args!r}]
from shim.cli.main import run
try:
    run()
except SystemExit:
    print("LOADED", *{{name.partition(".")[0] for name in sys.modules}})
"""


def commands() -> Iterator[tuple[str, object]]:
    def below(group: TyperGroup, prefix: str) -> Iterator[tuple[str, object]]:
        for name, command in group.commands.items():
            yield prefix + name, command
            if isinstance(command, TyperGroup):
                yield from below(command, f"{prefix}{name} ")

    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return below(group, "")


_COMMANDS = dict(commands())


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_help_loads_nothing_heavy(command: str) -> None:
    code = _IMPORTS.format(args=[*command.split(), "--help"])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    loaded = done.stdout.partition("LOADED")[2].split()
    assert "Usage: shim" in done.stdout
    assert set(loaded).isdisjoint(_HEAVY)


def test_help_has_every_command_once_below_what_it_is_for(shim: Run) -> None:
    named = [name for names in SECTIONS.values() for name in names]
    assert sorted(named) == sorted(name for name in _COMMANDS if " " not in name)
    told = shim("--help").stdout
    for title, names in SECTIONS.items():
        section = told.partition(f"\n{title}:\n")[2].partition("\n\n")[0]
        assert [line.split()[0] for line in section.splitlines()] == list(names)


def test_a_command_that_runs_is_the_only_one_that_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    every = app.registered_commands, app.registered_groups
    for name in (each for names in SECTIONS.values() for each in names):
        for kept, value in zip(("registered_commands", "registered_groups"), every, strict=True):
            monkeypatch.setattr(app, kept, value)
        only("no-such-command")
        assert (app.registered_commands, app.registered_groups) == every
        only(name)
        group = typer.main.get_command(app)
        assert isinstance(group, TyperGroup)
        assert list(group.commands) == [name]


def test_version(shim: Run) -> None:
    done = shim("--version")
    version, form = done.stdout.splitlines()
    assert (done.returncode, version) == (0, "shim 0.1.0")
    assert form == ("The core is compiled." if not PROBLEM else f"The core runs from its sources: {PROBLEM}.")


def test_exit_codes_are_in_help_and_documentation(shim: Run) -> None:
    told = " ".join(shim("--help").stdout.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code.value} {meaning}" in told
        assert f"| {code.value} | {meaning} |" in _DOCS
    assert set(EXIT_CODES) == set(ExitCode)


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_flag_has_a_twin_in_the_environment_and_is_documented(command: str) -> None:
    for option in getattr(_COMMANDS[command], "params", ()):
        flag = option.opts[0]
        if option.param_type_name != "option":
            continue
        secret = option.metavar == "-"
        twin = option.envvar or "SHIM_" in (option.help or "")
        assert bool(twin) != secret, f"shim {command} {flag}"
        assert flag in _DOCS, f"shim {command} {flag}"
        if option.envvar:
            assert option.envvar in _DOCS


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert f"shim {command}" in _DOCS


def test_unknown_command_is_a_usage_error(shim: Run) -> None:
    done = shim("transalte")
    assert done.returncode == ExitCode.USAGE
    assert "translate" in done.stderr
    assert not done.stdout


def test_completion_can_be_shown(shim: Run) -> None:
    done = shim(env={"_SHIM_COMPLETE": "complete_bash", "COMP_WORDS": "shim trans", "COMP_CWORD": "1"})
    assert done.stdout.split() == ["translate"]


SILENT = {
    "serve": "stays up and logs",
    "demo": "stays up; what it prints is for whoever sits there",
    "emulate": "stays up; what it prints is for whoever sits there",
    "capture": "stays up; what it records is in its file",
    "integrations add": "changes, and says so on stderr",
    "integrations import": "changes, and says so on stderr",
    "integrations remove": "changes, and says so on stderr",
    "findings acknowledge": "changes, and says so on stderr",
    "findings ignore": "changes, and says so on stderr",
    "findings fix": "changes, and says so on stderr",
    "findings reopen": "changes, and says so on stderr",
    "findings note": "changes, and says so on stderr",
    "porting exception end": "changes, and says so on stderr",
    "journal redrive": "changes, and says so on stderr",
    "journal dismiss": "changes, and says so on stderr",
    "porting set": "changes, and says so on stderr",
    "porting reset": "changes, and says so on stderr",
    "brownout stop": "changes, and says so on stderr",
}
"""Commands that print no data, and why."""


def test_every_command_that_prints_data_prints_json_too() -> None:
    forms = {
        name: next((each for each in command.params if "--format" in each.opts), None)  # type: ignore[attr-defined]
        for name, command in _COMMANDS.items()
        if not isinstance(command, TyperGroup)
    }
    without = {name for name, form in forms.items() if form is None}
    assert without == set(SILENT)
    assert [
        name
        for name, form in forms.items()
        if form is not None and "json" not in {each.value for each in form.type_descriptor.annotation}
    ] == []


def completed(shim: Run, line: str, env: dict[str, str] | None = None) -> list[str]:
    """What completion in bash offers for the last word of a line."""
    words = line.split(" ")
    asked = {"_SHIM_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = shim(env=asked | (env or {}))
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_knows_integrations(shim: Run, config: Callable[..., Path]) -> None:
    file = config()
    assert completed(shim, f"shim report -c {file} a") == ["acme"]
    assert completed(shim, "shim porting show ", {"SHIM_CONFIG": str(file)}) == ["acme"]
    assert completed(shim, "shim report ") == []
    file.write_text(file.read_text() + "log: {level: loud}\n")
    assert completed(shim, f"shim report -c {file} a") == ["acme"]


def test_completion_knows_operations(shim: Run) -> None:
    assert completed(shim, "shim explain Client.AddC") == ["Client.AddClient"]
    assert completed(shim, "shim porting set crm Bill")[:2] == ["Billing.*", "Billing.AddChargingPackage"]


def test_completion_knows_numbers_of_findings(
    shim: Run, config: Callable[..., Path], make_store: Callable[[Path], None]
) -> None:
    file = config()
    assert completed(shim, f"shim findings fix -c {file} ") == []
    make_store(file)
    with sqlite3.connect(file.parent / "shim.db") as store:
        for number, code in ((7, "field-dropped"), (12, "field-kept")):
            store.execute(
                "INSERT INTO findings (id, integration, operation, code, path, severity, because, count, "
                "first_seen, last_seen, state, state_at) "
                "VALUES (?, 'acme', 'Client.AddClient', ?, 'x', 'loss', "
                f"'', 1, '{WHEN}', '{WHEN}', 'new', '{WHEN}')",
                (number, code),
            )
    assert sorted(completed(shim, f"shim findings fix -c {file} ")) == ["12", "7"]
    assert completed(shim, "shim report --finding 1", {"SHIM_CONFIG": str(file)}) == ["12"]
