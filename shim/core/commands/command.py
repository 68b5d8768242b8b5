"""The command: what an exchange asks of whoever drives it, and what it gets in reply.

A command that cannot be carried out is answered by raising a `Fault` into the generator.
"""

from __future__ import annotations

from typing import Generic, TypeVar

Reply = TypeVar("Reply")


class Command(Generic[Reply]):
    """One thing to be done outside of the core. The type that it is made with is that of its reply."""

    __slots__ = ()
