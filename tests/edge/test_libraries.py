"""A server's libraries come without consoles and plugins, and nothing else misses these afterwards."""

from __future__ import annotations

import subprocess
import sys

LOADED = """
import importlib, io, os, sys
{first}
from shim.edge import libraries
libraries.load_for_serving()
assert "rich" not in sys.modules or sys.modules["rich"] is not None
assert os.environ["PYDANTIC_DISABLE_PLUGINS"]
import structlog, httpx, rich.console
from shim.edge.telemetry import log
sys.stderr = io.StringIO()
log.configure("info", "console")
try:
    raise ValueError("a cause")
except ValueError:
    structlog.get_logger().exception("an event", field="a value")
print(sys.stderr.getvalue().partition(" [")[2])
"""


def console(first: str) -> str:
    """What a terminal shows of an exception, by a process that loads `first` before all else."""
    program = LOADED.format(first=first)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_terminal_shows_the_same_without_rich() -> None:
    lean = console("")
    assert "an event" in lean
    assert "ValueError: a cause" in lean
    assert lean == console("import structlog, httpx, rich, httpx._main")
