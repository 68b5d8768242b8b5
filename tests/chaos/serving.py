"""A shim of the chaos run; nothing else is imported here, so that its size is its own."""

from __future__ import annotations

import os
import sys


def serve(folder: str) -> None:
    """`shim serve` in a process of its own, as an operator starts it, with its output in the file `log`."""
    os.chdir(folder)
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    for name in [name for name in os.environ if name.startswith("SHIM_")]:
        del os.environ[name]
    sys.argv = ["shim", "serve", "--config", "config.yaml"]
    from shim.cli.main import run

    run()
