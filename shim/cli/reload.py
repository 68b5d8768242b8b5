"""`shim reload`: have a running shim reread its configuration, and say what came of it."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

import json
import os
import signal
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, end, fail, say

if TYPE_CHECKING:
    from shim.edge.settings.model import Config

_PAUSE = 0.05


class ReloadForm(StrEnum):
    TEXT = "text"
    JSON = "json"


def reload(
    config: options.ConfigFile = None,
    admin_host: options.AdminHost = None,
    admin_port: options.AdminPort = None,
    wait: Annotated[
        float, typer.Option("--wait", envvar="SHIM_RELOAD_WAIT", help="How long to wait for it, seconds.")
    ] = 30.0,
    format: Annotated[
        ReloadForm, typer.Option("--format", envvar="SHIM_RELOAD_FORMAT", help="How to print what came of it.")
    ] = ReloadForm.TEXT,
) -> None:
    """Have the running shim reread its configuration; no connection is dropped.

    The file is judged here first, whole; with a problem nothing happens and this ends with 2. Otherwise the
    shim at the admin address of the configuration gets SIGHUP, which needs the same user or root, and what it
    took over is told, with the settings that wait for a restart.
    """
    from shim.cli.common import loading

    flags = {"admin_host": admin_host, "admin_port": admin_port}
    settings = loading.config(config, options.overrides(flags))
    loading.policies(settings, loading.catalogue(loading.dialect(None, settings)))
    before = _status(settings)
    _signal(int(before["pid"]))
    end(_show(_next(settings, before["configuration"]["number"], wait), format))


def _show(done: dict[str, Any], form: ReloadForm) -> ExitCode:
    if form is ReloadForm.JSON:
        typer.echo(json.dumps(done, indent=1, ensure_ascii=False))
        return ExitCode.USAGE if done["problems"] else ExitCode.FINE
    for problem in done["problems"]:
        say(problem)
    if done["problems"]:
        say("The shim goes on with the configuration that it had.")
        return ExitCode.USAGE
    typer.echo(f"Taken over: {', '.join(done['changed']) or 'nothing had changed'}")
    if done["restart"]:
        typer.echo(f"Waits for a restart: {', '.join(done['restart'])}")
    return ExitCode.FINE


def _next(settings: Config, number: int, wait: float) -> dict[str, Any]:
    """The reading of the configuration after that one."""
    deadline = time.monotonic() + wait
    while (status := _status(settings)["configuration"])["number"] <= number:
        if time.monotonic() > deadline:
            fail(ExitCode.FINDINGS, f"The shim did not reread its configuration within {wait:g} seconds.")
        time.sleep(_PAUSE)
    return dict(status)


def _signal(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGHUP)
    except ProcessLookupError:
        fail(ExitCode.FINDINGS, f"There is no process {pid} here: run this where the shim runs.")
    except PermissionError:
        fail(
            ExitCode.FINDINGS,
            f"Process {pid} belongs to somebody else: run this as the user of the shim, or root.",
        )


def _status(settings: Config) -> dict[str, Any]:
    """The status of the shim at the admin address. Ends the command when there is none."""
    import httpx

    from shim.cli.common.admin_listener import place, trust

    (host, port), context = place(settings.admin), trust(settings.admin)
    where = f"[{host}]" if ":" in host else host
    url = f"{'http' if context is None else 'https'}://{where}:{port}/status"
    try:
        response = httpx.get(url, timeout=10, trust_env=False, verify=context if context is not None else True)
        response.raise_for_status()
        document: dict[str, Any] = response.json()
    except (httpx.HTTPError, ValueError) as error:
        fail(
            ExitCode.FINDINGS,
            f"No shim answers at {url} ({type(error).__name__}).",
            "Is it running, and is this its configuration (admin.host, admin.port)?",
        )
    return document
