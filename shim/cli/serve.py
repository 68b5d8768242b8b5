"""`shim serve`: the shim itself."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shim.cli.common import options
from shim.cli.common.console import ExitCode, end, fail, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shim.edge.serve import Server, Sockets
    from shim.edge.settings.model import Config
    from shim.edge.telemetry.writer import LogWriter
    from shim.edge.workers.place import Worker


def serve(
    config: options.ConfigFile = None,
    host: options.Host = None,
    port: options.PortOption = None,
    tls_port: options.TlsPort = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    public_url: options.PublicUrl = None,
    admin_host: options.AdminHost = None,
    admin_port: options.AdminPort = None,
    backend_url: options.BackendUrl = None,
    integrations_file: options.IntegrationsFile = None,
    workers: options.Workers = None,
    log_level: options.LogLevel = None,
    log_format: options.LogFormatOption = None,
    new_store: Annotated[
        bool,
        typer.Option(
            "--new-store",
            envvar="SHIM_SERVE_NEW_STORE",
            help="Take the store although another one was served here before; IDs issued by that one are lost.",
        ),
    ] = False,
) -> None:
    """Serve 2.5 clients: the shim itself.

    SIGHUP (`shim reload`) rereads the configuration without dropping a connection; SIGTERM ends it once the
    calls under way are done. Listening sockets that a service manager opened (systemd socket activation, named
    http, https, admin) are used in place of the configured addresses. With several workers (listen.workers)
    this is the process that starts and watches them; signals go to it. Every other setting has a variable too:
    SHIM_SECTION__KEY.
    """
    end(_serve(config, options.overrides(locals()), new_store))


def _serve(path: Path | None, overrides: Mapping[str, Any], new_store: bool) -> ExitCode:
    from functools import partial

    from shim.edge import libraries, memory

    memory.while_starting()
    libraries.load_for_serving()
    from shim.cli.common import loading, running
    from shim.core.errors import DeclarationError, Fault
    from shim.edge.settings.load import ConfigError
    from shim.edge.supervisor import Notifier, SocketsError, inherited_sockets
    from shim.edge.telemetry import log
    from shim.edge.workers.place import count_of

    settings = loading.config(path, overrides)
    loading.policies(settings, loading.catalogue(loading.dialect(None, settings)))
    try:
        sockets = inherited_sockets()
        _need_ports(settings, sockets)
        reread = partial(_reread, path, overrides)
        if (workers := count_of(settings)) > 1:
            from shim.cli.common.workers import supervise

            run = partial(_in_worker, path, overrides, new_store)
            return supervise(settings, workers, sockets, run, reread)
        more = {"sockets": sockets, "notifier": Notifier(), "new_store": new_store}
        with log.logging_to(settings.log) as writer:
            _tell_exposed(settings, path)
            return running.run(_until_stopped(settings, path, reread, writer, more))
    except (ConfigError, DeclarationError, Fault, OSError, SocketsError) as error:
        fail(ExitCode.USAGE, *_why(error, settings, path), "`shim check` tells what is wrong.")


def _in_worker(
    path: Path | None,
    overrides: Mapping[str, Any],
    new_store: bool,
    sockets: Sockets,
    worker: Worker,
    settings: Config,
) -> ExitCode:
    """The work of one of several processes; the parent has judged the configuration."""
    from shim.cli.common import running
    from shim.core.errors import DeclarationError, Fault
    from shim.edge.settings.load import ConfigError
    from shim.edge.supervisor import Notifier, SocketsError
    from shim.edge.telemetry import log
    from shim.edge.workers.place import share

    def reread() -> Config:
        return share(_reread(path, overrides), worker.count)

    own = sockets if worker.has_admin else {name: each for name, each in sockets.items() if name != "admin"}
    more = {"sockets": own, "notifier": Notifier({}), "new_store": new_store, "worker": worker}
    try:
        with log.logging_to(settings.log) as writer:
            if worker.has_admin:
                _tell_exposed(settings, path)
            return running.run(_until_stopped(share(settings, worker.count), path, reread, writer, more))
    except (ConfigError, DeclarationError, Fault, OSError, SocketsError) as error:
        say(*_why(error, settings, path))
        return ExitCode.USAGE


def _why(error: Exception, settings: Config, path: Path | None) -> list[str]:
    """Why it cannot start: what the operating system says of TLS files lacks their names."""
    from shim.cli.check.checks import check_tls
    from shim.cli.common.store_trouble import trouble
    from shim.core.errors import DeclarationError, Fault, StoreUnavailable

    if isinstance(error, StoreUnavailable):
        return [f"The shim cannot start: {path or 'settings'}: store.url: {trouble(error)}"]
    if isinstance(error, DeclarationError):  # of a version that only the backend told
        return ["The translations contradict the interfaces:", *error.problems]
    wrong = [] if isinstance(error, Fault) else check_tls(settings, str(path or "settings")).problems
    return [f"The shim cannot start: {each}" for each in (map(str, wrong) if wrong else (str(error),))]


def _tell_start(settings: Config, path: Path | None, server: Server) -> None:
    """One line for everything that one looks for first."""
    import os
    from importlib.metadata import version

    import structlog
    from sqlalchemy.engine import make_url

    url = make_url(settings.store.url.get_secret_value())
    given = url.query.get("host", ())
    hosts = ",".join((given,) if isinstance(given, str) else given)
    store = "/".join(filter(None, (url.get_backend_name(), url.host or hosts, url.database)))
    listeners = {name: f"{host}:{port}" for name, (host, port) in server.addresses.items()}
    about = {
        "version": version("systemapi-shim"),
        "pid": os.getpid(),
        "configuration": str(path.absolute()) if path else None,
    }
    backend = [settings.backend.url, *settings.backend.others]
    structlog.get_logger().info("started", **about, store=store, backend=backend, listeners=listeners)


def _tell_exposed(settings: Config, path: Path | None) -> None:
    import structlog

    from shim.edge.settings.secret_files import exposed

    for problem in exposed(settings, path):
        structlog.get_logger().warning("file open to others", problem=problem)


def _reread(path: Path | None, overrides: Mapping[str, Any]) -> Config:
    from shim.edge.settings.load import load_config

    return load_config(path, overrides)


async def _until_stopped(
    settings: Config,
    path: Path | None,
    reload: Callable[[], Config],
    writer: LogWriter,
    more: Mapping[str, Any],
) -> ExitCode:
    """SIGTERM is the server's own affair; SIGINT ends without waiting for balancers, with its own code."""
    import asyncio
    import signal

    from shim.edge.serve import serve
    from shim.review.listener import review

    task = asyncio.current_task()
    assert task is not None

    async def started(server: Server) -> None:
        writer.dropped = server.application.metrics.log_line_dropped
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
        _tell_start(settings, path, server)

    await serve(settings, reload=reload, started=started, extend=review, **more)
    return ExitCode.FINE


def _need_ports(settings: Config, handed_over: Sockets) -> None:
    from shim.cli.check.ports import refused, wanted_ports

    own = [each for each in wanted_ports(settings) if each.what.lower() not in handed_over]
    taken = [(each, why) for each in own if (why := refused(each))]
    if taken:
        fail(ExitCode.USAGE, *(f"{each.what}: {why}. Set another {each.setting}." for each, why in taken))
