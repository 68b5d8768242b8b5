"""The `shim` command. Each command imports what it needs when it runs, so that help is there at once."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from typer._completion_classes import completion_init

from shim.cli.admin import app as admin
from shim.cli.audit import audit
from shim.cli.check.command import check
from shim.cli.common.console import EXIT_CODES, LightGroup
from shim.cli.coverage.command import coverage
from shim.cli.demo.command import demo
from shim.cli.emulate import emulate
from shim.cli.explain.command import explain
from shim.cli.health import health
from shim.cli.impact import app as impact
from shim.cli.integrations.commands import app as integrations
from shim.cli.journal import app as journal
from shim.cli.map.commands import app as identity_map
from shim.cli.notify import app as notify
from shim.cli.porting.brownout import app as brownout
from shim.cli.porting.exceptions import app as lock_exception
from shim.cli.porting.ladder import app as porting
from shim.cli.rehearsal.capture import capture
from shim.cli.rehearsal.replay import replay
from shim.cli.reload import reload
from shim.cli.report.command import report
from shim.cli.report.findings import app as findings
from shim.cli.serve import serve
from shim.cli.tail import tail
from shim.cli.translate.command import translate

_CODES = ", ".join(f"{code.value} {meaning}" for code, meaning in EXIT_CODES.items())
_EPILOG = (
    f"Exit codes: {_CODES}.\n\n"
    "Flags go over environment variables, those over the configuration file, that over defaults. "
    "Data goes to stdout, messages to stderr; - stands for stdin; NO_COLOR is honoured."
)

SECTIONS = {
    "To run it": (
        "serve",
        "health",
        "tail",
        "reload",
        "check",
        "integrations",
        "admin",
        "map",
        "journal",
        "audit",
        "notify",
    ),
    "To see what becomes of calls": ("translate", "explain", "coverage"),
    "To port": ("report", "findings", "porting", "brownout", "impact"),
    "To rehearse": ("capture", "replay"),
    "To try": ("demo", "emulate"),
}
"""The commands as help lists them, by what they are for."""


class Sections(LightGroup):
    """The group of all commands; its help has a section for each purpose."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for names in SECTIONS.values() for name in names]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        widest = max(map(len, self.commands))
        for title, names in SECTIONS.items():
            with formatter.section(title):
                limit = formatter.width - widest - 6
                rows = [(name, self.commands[name].get_short_help_str(limit)) for name in names]
                formatter.write_dl([(name.ljust(widest), text) for name, text in rows])


app = typer.Typer(
    name="shim",
    cls=Sections,
    help="A SystemAPI 2.5 endpoint in front of a v3 backend: old clients keep working while you port them.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,  # Rich takes longer to load than all of the help may take
    pretty_exceptions_enable=False,  # they show values
    add_completion=False,  # Typer's own options for it load pydantic; ours are below
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked_for: bool) -> None:
    if asked_for:
        from importlib.metadata import version

        from shim.compiled import PROBLEM

        form = f"runs from its sources: {PROBLEM}" if PROBLEM else "is compiled"
        typer.echo(f"shim {version('systemapi-shim')}\nThe core {form}.")
        raise typer.Exit


def _completion(ctx: typer.Context, param: typer.CallbackParam, asked_for: bool) -> None:
    if asked_for and param.name:
        from typer import completion

        completion_init()
        act = {"install": completion.install_callback, "show": completion.show_callback}
        act[param.name.removesuffix("_completion")](ctx, param, asked_for)


@app.callback()
def _shim(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    install_completion: Annotated[
        bool,
        typer.Option("--install-completion", callback=_completion, help="Install completion for this shell."),
    ] = False,
    show_completion: Annotated[
        bool, typer.Option("--show-completion", callback=_completion, help="Show completion for this shell.")
    ] = False,
) -> None:
    pass


for _command in (
    serve,
    health,
    tail,
    reload,
    demo,
    emulate,
    translate,
    check,
    audit,
    coverage,
    explain,
    capture,
    replay,
    report,
):
    app.command()(_command)
app.add_typer(integrations)
app.add_typer(admin)
app.add_typer(findings)
app.add_typer(journal)
app.add_typer(identity_map)
porting.add_typer(lock_exception)
app.add_typer(porting)
app.add_typer(brownout)
app.add_typer(impact)
app.add_typer(notify)


def only(name: str) -> None:
    """Leave one command of all; without effect where there is none of that name.

    Typer reads the signatures of all commands before it runs one, which takes longer than many of them do.
    """
    commands = [each for each in app.registered_commands if each.callback and each.callback.__name__ == name]
    groups = [
        each for each in app.registered_groups if each.typer_instance and each.typer_instance.info.name == name
    ]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups


def run() -> None:
    """The entry point."""
    if "_SHIM_COMPLETE" in os.environ:
        completion_init()
    elif names := [each for each in sys.argv[1:] if not each.startswith("-")]:
        only(names[0])
    app(prog_name="shim")
