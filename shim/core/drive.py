"""The synchronous driver of an exchange: every command is carried out before the exchange goes on.

The asynchronous one is `shim.edge.exchange.performer`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shim.core.commands.steps import AnyCommand, Steps
from shim.core.errors import Fault

_Result = TypeVar("_Result")


def run(exchange: Steps[_Result], perform: Callable[[AnyCommand], object]) -> _Result:
    """The result of an exchange, or of a part of one, whose commands `perform` carries out.

    A Fault that `perform` raises is raised in the exchange; all else that it raises ends the run. Raises what
    the exchange raises.
    """
    try:
        command = next(exchange)
        while True:
            try:
                reply = perform(command)
            except Fault as fault:
                command = exchange.throw(fault)
            else:
                command = exchange.send(reply)
    except StopIteration as stop:
        result: _Result = stop.value
        return result
