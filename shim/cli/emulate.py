"""`shim emulate`: a v3 backend in memory, to try things against."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.console import Code, end, fail, say

if TYPE_CHECKING:
    from aiohttp import web

    from shim.emulator.world import World


def emulate(
    seed: Annotated[
        Path | None,
        typer.Option(
            envvar="SHIM_EMULATE_SEED",
            help="A YAML file; the demo world without.",
            metavar="FILE",
        ),
    ] = None,
    host: Annotated[str, typer.Option(envvar="SHIM_EMULATE_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="SHIM_EMULATE_PORT", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 8026,
    latency_ms: Annotated[
        int, typer.Option(envvar="SHIM_EMULATE_LATENCY_MS", min=0, help="Wait this long in every call.")
    ] = 0,
    fail_rate: Annotated[
        float, typer.Option(envvar="SHIM_EMULATE_FAIL_RATE", min=0.0, max=1.0, help="Share of calls that fail.")
    ] = 0.0,
) -> None:
    """Run a v3 backend in memory: nothing is kept when it ends."""
    from shim.cli import running
    from shim.cli.ports import Wanted, refused
    from shim.emulator.app import Options, application

    if why := refused(Wanted("backend", host, port, "--port")):
        fail(Code.USAGE, f"{why}. Give another --port.")
    world = _world(seed)
    app = application(world, Options(latency_ms=latency_ms, fail_rate=fail_rate))
    end(running.run(_until_stopped(app, world, host, port)))


def _world(seed: Path | None) -> World:
    from shim.emulator.seed import SeedError, load_seed

    try:
        return load_seed(seed)
    except SeedError as error:
        fail(Code.USAGE, f"{seed}: {error}")


async def _until_stopped(app: web.Application, world: World, host: str, port: int) -> Code:
    from shim.cli.listening import listening
    from shim.cli.running import until_stopped

    async with listening(app, host, port) as url:
        typer.echo(f"v3 backend, emulated: {url}")
        for client_id, api in world.apps.items():
            account = world.accounts[api.account]
            typer.echo(f"  {account.level} {account.login}: app key {client_id}, secret {api.client_secret}")
        say("Ctrl-C ends it.")
        return await until_stopped()
