"""The synchronous driver: replies go in, faults go in where the command was, what is raised comes out."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, cast

import pytest

from shim.core.commands.command import Command, Issue
from shim.core.drive import run
from shim.core.errors import BackendError, Fault
from tests.support.conversation import World

_DOWN = BackendError("store-unavailable", "The store is down.")


def _two() -> Generator[Command, Any, list[object]]:
    return [(yield Issue("a")), (yield Issue("b"))]


def test_replies_go_to_the_commands_that_they_are_for() -> None:
    assert run(_two(), lambda command: cast(Issue, command).counter.upper()) == ["A", "B"]


def test_a_fault_is_raised_at_the_command_and_can_be_caught_there() -> None:
    def exchange() -> Generator[Command, Any, object]:
        try:
            yield Issue("a")
        except Fault as fault:
            return fault, (yield Issue("b"))
        return None

    def perform(command: Command) -> object:
        if command == Issue("a"):
            raise _DOWN
        return 2

    assert run(exchange(), perform) == (_DOWN, 2)


def test_a_fault_that_nobody_catches_comes_out() -> None:
    def perform(_: Command) -> object:
        raise _DOWN

    with pytest.raises(BackendError) as raised:
        run(_two(), perform)
    assert raised.value is _DOWN


def test_what_is_no_fault_never_enters_the_exchange() -> None:
    def exchange() -> Generator[Command, Any, str]:
        try:
            yield Issue("a")
        except ZeroDivisionError:
            return "caught"
        return ""

    with pytest.raises(ZeroDivisionError):
        run(exchange(), lambda _: 1 // 0)


def test_a_command_that_nobody_carries_out_is_no_silent_none() -> None:
    def exchange() -> Generator[Command, Any, object]:
        return (yield cast(Command, object()))

    world = World(lambda *_: _DOWN)
    with pytest.raises(AssertionError):
        run(exchange(), world._perform)
