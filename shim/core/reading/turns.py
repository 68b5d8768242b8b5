"""Turns of other threads: compiled code gives them none while it runs, unless it calls what is interpreted.

The interpreter is handed over where one of its own functions begins. So what walks through long messages calls
one now and then, and this module must never be compiled: see `shim/compiled.py`.
"""

from __future__ import annotations

from typing import Final

EACH: Final = 64
"""Elements of one parent after which another thread may have its turn."""


def give_turn() -> None:
    """Nothing, between two parts of long work."""
