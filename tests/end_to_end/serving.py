"""`shim serve` as a child of a process that has imported everything already: starting it takes no seconds."""

from __future__ import annotations

import multiprocessing
import os
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from shim.cli.main import run
from shim.edge.telemetry.writer import LogWriter

_PRELOADED = [
    __name__,
    "shim.cli.serve",
    "shim.cli.common.loading",
    "shim.cli.common.running",
    "shim.edge.serve",
]
_PRELOADED += ["pytest", "uvloop", "sqlalchemy.dialects.sqlite.aiosqlite", "shim.cli.check.ports"]


def start(folder: Path) -> ForkServerProcess:
    """`shim serve` with `config.yaml` of a folder; all that it prints goes to the file `log` there."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    (folder / "log").touch()
    process = context.Process(target=_serve, args=(str(folder),), daemon=True)
    process.start()
    return process


def _serve(folder: str) -> None:
    os.chdir(folder)
    log = open("log", "a", buffering=1, encoding="utf-8")  # noqa: SIM115  # stays open
    os.dup2(log.fileno(), 1)
    os.dup2(log.fileno(), 2)
    sys.stdout = sys.stderr = log
    for name in [name for name in os.environ if name.startswith("SHIM_")]:
        del os.environ[name]
    # Its own thread writes the log a moment later; tests look for a line as soon as they have the answer.
    LogWriter.put = LogWriter._write  # type: ignore[method-assign]
    sys.argv = ["shim", "serve", "--config", "config.yaml"]
    run()
