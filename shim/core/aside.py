"""Aside: pure work on a large message, for the edge to carry out without stopping everybody else.

What is small is done at once, because handing it over costs more than doing it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shim.core.commands.steps import Aside, Steps, ask

LARGE = 64 << 10
"""Bytes of a message above which work on it is done aside."""

MUCH = LARGE + 1
"""The size of what is done aside however small it is."""
_TAG = 64
"""Bytes of text that are as much work as a tag or an attribute."""

_Result = TypeVar("_Result")


def work_of(body: bytes) -> int:
    """How much work a stranger's message is, as bytes of an ordinary one: small tags are more than text."""
    return max(len(body), _TAG * (body.count(b"<") + body.count(b"=")))


def aside(size: int, work: Callable[[], _Result]) -> Steps[_Result]:
    """The result of work on a message of that size. Raises what the work raises."""
    if size <= LARGE:
        return work()
    result = yield from ask(Aside(work))
    return result


def finish(part: Steps[_Result], reply: object) -> _Result:
    """Answer the last command of a part of an exchange; what it wants done aside then is done here."""
    try:
        command = part.send(reply)
        while isinstance(command, Aside):
            command = part.send(command.work())
    except StopIteration as stop:
        result: _Result = stop.value
        return result
    raise AssertionError(f"one more command: {type(command).__name__}")
