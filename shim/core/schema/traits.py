"""Traits of classes that the compiler of the core is told; nothing where the sources run. Never compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["mypyc_attr"]

if TYPE_CHECKING:
    from mypy_extensions import mypyc_attr
else:

    def mypyc_attr(**traits):
        """A decorator that leaves a class as it is."""
        return lambda kind: kind
