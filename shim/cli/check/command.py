"""`shim check`: tries all that `serve` needs, and tells every problem at once."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
import sys
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, end

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shim.cli.check.checks import CheckResult


class CheckForm(StrEnum):
    TEXT = "text"
    JSON = "json"


def check(
    config: options.ConfigFile = None,
    offline: Annotated[
        bool, typer.Option("--offline", envvar="SHIM_CHECK_OFFLINE", help="Leave the backend alone.")
    ] = False,
    running: Annotated[
        bool,
        typer.Option("--running", envvar="SHIM_CHECK_RUNNING", help="A shim runs: its ports need not be free."),
    ] = False,
    host: options.Host = None,
    port: options.PortOption = None,
    tls_port: options.TlsPort = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    admin_host: options.AdminHost = None,
    admin_port: options.AdminPort = None,
    backend_url: options.BackendUrl = None,
    integrations_file: options.IntegrationsFile = None,
    format: Annotated[
        CheckForm, typer.Option("--format", envvar="SHIM_CHECK_FORMAT", help="How to print what was found.")
    ] = CheckForm.TEXT,
) -> None:
    """Try all that `serve` needs and tell every problem: what, where, what was probably meant, the fix.

    Configuration, translations, TLS files, store, ports, the backend, and a token for every integration.
    """
    from shim.cli.common import running as loop

    end(loop.run(_check(config, options.overrides(locals()), offline, running, format)))


async def _check(
    path: Path | None, overrides: Mapping[str, Any], offline: bool, running: bool, form: CheckForm
) -> ExitCode:
    from shim.cli.check.checks import checks

    results: list[CheckResult] = []
    with _progress():
        async for result in checks(path, overrides, offline=offline):
            if running and result.name == "ports":
                continue
            results.append(result)
            if form is CheckForm.TEXT:
                _tell(result)
    if form is CheckForm.JSON:
        typer.echo(json.dumps({"checks": [_plain(each) for each in results]}, indent=1, ensure_ascii=False))
    failed = [each for each in results if each.problems]
    return min((each.code for each in failed), default=ExitCode.FINE)


def _plain(result: CheckResult) -> dict[str, Any]:
    row = {"name": result.name, "detail": result.detail or None, "left_out": result.left_out or None}
    return {**row, "problems": [each._asdict() for each in result.problems], "warnings": result.warnings}


def _progress() -> AbstractContextManager[Any]:
    if not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console

    return Console(stderr=True).status("checking")


def _tell(result: CheckResult) -> None:
    if result.left_out:
        typer.echo(f"-        {result.name}: {result.left_out}")
    elif not result.problems:
        typer.echo(f"ok       {result.name}: {result.detail}")
    for problem in result.problems:
        typer.echo(f"PROBLEM  {result.name}: {problem}")
    for warning in result.warnings:
        typer.echo(f"warning  {result.name}: {warning}")
