"""Several workers from the command line: one process that opens the ports, forks, and watches."""

# ruff: noqa: PLC0415  # imported when it runs, so that help is there at once
from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from shim.cli.common.console import ExitCode

if TYPE_CHECKING:
    from shim.edge.settings.model import Config
    from shim.edge.workers.place import Worker, WorkerSockets


def supervise(
    settings: Config,
    count: int,
    handed: WorkerSockets,
    run: Callable[[WorkerSockets, Worker, Config], int],
    reread: Callable[[], Config],
) -> ExitCode:
    """Have so many workers serve until a signal ends them. Raises OSError when an address cannot be had."""
    import gc

    import shim.edge.serve
    import shim.review.listener  # noqa: F401  # what is loaded here, all workers share
    from shim.edge.supervisor import Notifier
    from shim.edge.telemetry import log
    from shim.edge.workers.place import opened
    from shim.edge.workers.supervisor import Supervisor

    log.configure(settings.log.level, settings.log.format)
    sockets = opened(settings, handed)
    gc.freeze()  # the collector writes into what it looks at, which would be copied for each worker
    parent = Supervisor(settings, count, partial(run, sockets), reread, Notifier())
    return ExitCode(parent.supervise())
