"""`shim health`: asks the running shim how it is, for containers and scripts."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, end, say

if TYPE_CHECKING:
    from shim.edge.settings.admin import Admin


class HealthForm(StrEnum):
    TEXT = "text"
    JSON = "json"


def health(
    config: options.ConfigFile = None,
    admin_host: options.AdminHost = None,
    admin_port: options.AdminPort = None,
    live: Annotated[
        bool,
        typer.Option("--live", envvar="SHIM_HEALTH_LIVE", help="Only whether the process answers (/livez)."),
    ] = False,
    wait: Annotated[
        float, typer.Option("--wait", envvar="SHIM_HEALTH_WAIT", help="How long to wait for it, seconds.")
    ] = 5.0,
    format: Annotated[
        HealthForm,
        typer.Option("--format", envvar="SHIM_HEALTH_FORMAT", help="text, or json with every check."),
    ] = HealthForm.TEXT,
) -> None:
    """Ask the running shim at its admin address whether it is ready, check by check.

    Ends with 0 when it is, with 1 when it is not or does not answer: for containers and scripts.
    """
    from shim.cli.common import loading

    flags = {"admin_host": admin_host, "admin_port": admin_port}
    admin = loading.config(config, options.overrides(flags)).admin
    end(_ask(admin, "/livez" if live else "/readyz?verbose", wait, format))


def _json(fine: bool, text: str) -> str:
    """The lines of /readyz?verbose as JSON: `[-] backend: it rests`."""
    import json

    checks = [
        {"name": line[4:].partition(": ")[0], "problem": line[4:].partition(": ")[2] or None}
        for line in text.splitlines()
        if line.startswith(("[+] ", "[-] "))
    ]
    return json.dumps({"fine": fine, "said": text.splitlines()[-1] if text else "", "checks": checks}, indent=1)


def _why(error: Exception) -> str:
    import socket

    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there; is it running, and is this its configuration (admin.host, admin.port)"
    if isinstance(error, socket.gaierror):
        return "nobody knows this host: look at admin.host"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return type(error).__name__


def _ask(admin: Admin, path: str, wait: float, form: HealthForm) -> ExitCode:
    import http.client

    from shim.cli.common.admin_listener import place, trust

    (host, port), context = place(admin), trust(admin)
    connection = http.client.HTTPConnection(host, port, timeout=wait)
    if context is not None:
        connection = http.client.HTTPSConnection(host, port, timeout=wait, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read(65536).decode("utf-8", "replace").rstrip()
        typer.echo(text if form is HealthForm.TEXT else _json(answer.status == 200, text))
    except (OSError, http.client.HTTPException) as error:
        say(f"No shim answers at {host}:{port}: {_why(error)}.")
        return ExitCode.FINDINGS
    finally:
        connection.close()
    return ExitCode.FINE if answer.status == 200 else ExitCode.FINDINGS
