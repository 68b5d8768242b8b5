"""What all commands share: help at once, exit codes, environment twins, documentation."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from shim.cli.common.console import EXIT_CODES, Code
from shim.cli.main import SECTIONS, app
from tests.cli.programs import Run, environment

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


def test_version(shim: Run) -> None:
    done = shim("--version")
    assert (done.returncode, done.stdout) == (0, "shim 0.1.0\n")


def test_exit_codes_are_in_help_and_documentation(shim: Run) -> None:
    told = " ".join(shim("--help").stdout.split())
    for code, meaning in EXIT_CODES.items():
        assert f"{code.value} {meaning}" in told
        assert f"| {code.value} | {meaning} |" in _DOCS
    assert set(EXIT_CODES) == set(Code)


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
    assert done.returncode == Code.USAGE
    assert "translate" in done.stderr
    assert not done.stdout


def test_completion_can_be_shown(shim: Run) -> None:
    done = shim(env={"_SHIM_COMPLETE": "complete_bash", "COMP_WORDS": "shim trans", "COMP_CWORD": "1"})
    assert done.stdout.split() == ["translate"]
