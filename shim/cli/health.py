"""`shim health`: asks the running shim how it is, for containers and scripts."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common import options
from shim.cli.common.console import Code, end, say

if TYPE_CHECKING:
    from shim.edge.settings.model import Admin


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
) -> None:
    """Ask the running shim at its admin address whether it is ready, check by check.

    Ends with 0 when it is, with 1 when it is not or does not answer: for containers and scripts.
    """
    from shim.cli.common import loading

    flags = {"admin_host": admin_host, "admin_port": admin_port}
    admin = loading.config(config, options.overrides(flags)).admin
    end(_asked(admin, "/livez" if live else "/readyz?verbose", wait))


def _asked(admin: Admin, path: str, wait: float) -> Code:
    import http.client

    from shim.cli.common.admin_listener import place, trust

    (host, port), context = place(admin), trust(admin)
    connection = http.client.HTTPConnection(host, port, timeout=wait)
    if context is not None:
        connection = http.client.HTTPSConnection(host, port, timeout=wait, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        typer.echo(answer.read(65536).decode("utf-8", "replace").rstrip())
    except (OSError, http.client.HTTPException) as error:
        say(f"No shim answers at {host}:{port} ({type(error).__name__}).")
        return Code.FINDINGS
    finally:
        connection.close()
    return Code.FINE if answer.status == 200 else Code.FINDINGS
