"""Memory: keeps a process that serves small, and keeps it from looking for garbage that there is not."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

LARGE = 4 << 20
"""Bytes from which a block of memory is the system's own, given back when it is freed."""
_MMAP_THRESHOLD = -3
"""M_MMAP_THRESHOLD of mallopt(3), of glibc."""


def while_starting() -> None:
    """To be called first: what is loaded and compiled until everything stands is no garbage.

    Measured with SQLite, 200 modules of ours and 700 of others: looking for some took a tenth of a start's CPU.
    """
    gc.disable()
    _give_back_large_blocks()


def when_it_stands() -> None:
    """Objects that stand after the start stay; messages make many objects and no cycles.

    Measured: a third of the CPU of a call went into collections that found nothing. A collection of what the
    start left took a tenth of its CPU and freed nothing that could be measured.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    gc.enable()


def _give_back_large_blocks() -> None:
    """Have glibc give large blocks back: once one was freed, it keeps those of its size for itself.

    The hash of a password (Argon2id, 19 MiB) stayed with the process for each thread that made one. Other C
    libraries have no such setting.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGE)
