"""The shim command in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping

Run = Callable[..., subprocess.CompletedProcess[str]]
PROGRAM = [sys.executable, "-c", "from shim.cli.main import run; run()"]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Without what a developer's own SHIM_ variables would change."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHIM_")}
    return {**kept, **(more or {})}


class Started:
    """A command that stays up; its output, as far as the line that has `until`, is in `text`."""

    def __init__(self, *args: str, until: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.text = ""
        if not until:
            return
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line
            if until in line:
                return
        raise AssertionError(f"it ended early: {self.process.communicate()[1]}")

    def find(self, pattern: str) -> str:
        found = re.search(pattern, self.text)
        assert found, self.text
        return found[1]

    def end(self, signal: int) -> tuple[int, str]:
        """(exit code, stderr) after a signal."""
        self.process.send_signal(signal)
        _, messages = self.process.communicate(timeout=30)
        return self.process.returncode, messages
