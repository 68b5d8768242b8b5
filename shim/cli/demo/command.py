"""`shim demo`: emulated backend and shim on loopback, and a tour of what they do together."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shim.cli.common.console import ExitCode, end, fail, say
from shim.cli.common.tables import show, table

if TYPE_CHECKING:
    from shim.cli.demo.client import Tally
    from shim.cli.demo.events import Observer
    from shim.cli.demo.world import Demo, Ports

_DEFAULTS = {"port": 8025, "tls_port": 8443, "admin_port": 8027, "backend_port": 8026}


def _port(flag: str, text: str) -> typer.models.OptionInfo:
    default = _DEFAULTS[flag.removeprefix("--").replace("-", "_")]
    variable = "SHIM_DEMO_" + flag.removeprefix("--").replace("-", "_").upper()
    text = f"{text}; 0 takes a free one.  [default: {default}, with --once a free one]"
    option: typer.models.OptionInfo = typer.Option(flag, envvar=variable, min=0, max=65535, help=text)
    return option


def demo(
    port: Annotated[int | None, _port("--port", "Port for 2.5 clients, HTTP")] = None,
    tls_port: Annotated[int | None, _port("--tls-port", "Port for 2.5 clients, HTTPS")] = None,
    admin_port: Annotated[int | None, _port("--admin-port", "Admin port")] = None,
    backend_port: Annotated[int | None, _port("--backend-port", "Port of the emulated backend")] = None,
    tls_dir: Annotated[
        Path | None,
        typer.Option(envvar="SHIM_DEMO_TLS_DIR", help="Keep the certificate here.", metavar="DIR"),
    ] = None,
    once: Annotated[
        bool,
        typer.Option(
            "--once", envvar="SHIM_DEMO_ONCE", help="Run a tour of real 2.5 calls, then end: 0 if all worked."
        ),
    ] = False,
) -> None:
    """Run an emulated v3 backend with a small world, and the shim in front of it, on loopback.

    Nothing is kept when it ends. With --once, a 2.5 client (zeep) takes a tour first and nothing stays up.
    """
    from shim.cli.common import running
    from shim.cli.demo.world import Ports

    given = {"port": port, "tls_port": tls_port, "admin_port": admin_port, "backend_port": backend_port}
    http, https, admin, backend = (
        number if number is not None else 0 if once else _DEFAULTS[name] for name, number in given.items()
    )
    ports = Ports(http, https, admin, backend)
    _need(ports)
    end(running.run(_tour(ports, tls_dir) if once else _until_stopped(ports, tls_dir)))


def _need(ports: Ports) -> None:
    from shim.cli.check.ports import WantedPort, refused
    from shim.cli.demo.world import LOOPBACK

    packages = (
        WantedPort("HTTP", LOOPBACK, ports.http, "--port"),
        WantedPort("HTTPS", LOOPBACK, ports.https, "--tls-port"),
        WantedPort("admin", LOOPBACK, ports.admin, "--admin-port"),
        WantedPort("backend", LOOPBACK, ports.backend, "--backend-port"),
    )
    taken = [(each, why) for each in packages if (why := refused(each))]
    if taken:
        fail(
            ExitCode.USAGE, *(f"{each.what}: {why}. Give another {each.setting}, or 0." for each, why in taken)
        )


async def _until_stopped(ports: Ports, tls_dir: Path | None) -> ExitCode:
    from shim.cli.common import running
    from shim.cli.demo import world as demo_world
    from shim.edge.telemetry import log

    log.configure("info")
    async with demo_world.running(ports, tls_dir) as world:
        _introduce(world)
        return await running.until_stopped()


def _introduce(world: Demo) -> None:
    """URLs and logins. Passwords of the demo are no secrets."""
    from shim.cli.demo.world import LOGINS, REVIEW_PASSWORD, REVIEWER

    typer.echo(
        f"WSDL       {world.http}/soap2/schema/latest/voipnowservice.wsdl (imports those of the services)"
    )
    typer.echo(
        f"           {world.http}/soap2/schema/latest/voipnowservice-all.wsdl (all in one, for zeep and suds)"
    )
    typer.echo(f"endpoints  {world.http}/soap2/client_agent.php and the like, also {world.https}")
    typer.echo(f"           certificate to trust: {world.tls.certificate}")
    typer.echo(f"review     {world.admin}/review/ (log in as {REVIEWER} with {REVIEW_PASSWORD})")
    typer.echo(f"admin      {world.admin}/readyz")
    typer.echo(f"backend    {world.backend} (v3, emulated)")
    rows = (
        (each.login, each.password, each.old_level, str(each.id), each.new_level,
         f"{each.login}-key", f"{each.login}-app-secret")
        for each in LOGINS
    )  # fmt: skip
    show(table(("2.5 login", "password", "2.5 level", "ID", "v3 account", "app key", "app secret"), rows))
    say("Up. Ctrl-C ends it.")


async def _tour(ports: Ports, tls_dir: Path | None) -> ExitCode:
    try:
        import zeep  # noqa: F401
    except ModuleNotFoundError:
        fail(ExitCode.USAGE, "The tour needs zeep: pip install 'systemapi-shim[tour]'.")
    from shim.cli.demo import world as demo_world
    from shim.cli.demo.events import DemoEvents, Observer

    events = DemoEvents()
    events.install()
    async with demo_world.running(ports, tls_dir) as world:
        typer.echo(f"2.5 client (zeep) -> shim at {world.http} -> v3 backend at {world.backend}")
        return _summary(await _in_thread(world, Observer(events, world.world)))


async def _in_thread(world: Demo, observer: Observer) -> Tally:
    """The tour blocks, so it has a thread; when Ctrl-C comes, the call under way still ends."""
    import asyncio
    import threading

    from shim.cli.demo.tour import tour

    stop = threading.Event()
    under_way = asyncio.ensure_future(asyncio.to_thread(tour, world.http, observer, typer.echo, stop))
    try:
        return await asyncio.shield(under_way)
    except asyncio.CancelledError:
        stop.set()
        await under_way
        raise


def _summary(tally: Tally) -> ExitCode:
    findings = ", ".join(f"{code} {number}" for code, number in tally.findings.most_common()) or "none"
    worked = tally.steps - len(tally.failed)
    typer.echo(f"\n{worked} of {tally.steps} old calls worked, as {tally.calls} v3 calls.")
    typer.echo(f"Findings: {findings}.")
    for failed in tally.failed:
        say(f"FAILED: {failed}")
    return ExitCode.FINDINGS if tally.failed or not tally.steps else ExitCode.FINE
