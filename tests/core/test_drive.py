"""The synchronous driver: replies go in, faults go in where the command was, what is raised comes out."""

from __future__ import annotations

from typing import cast, get_args, get_origin

import pytest

from shim.core.commands.command import Command
from shim.core.commands.kept import Issue
from shim.core.commands.steps import AnyCommand, Steps, ask
from shim.core.drive import run
from shim.core.errors import Fault, StoreUnavailable
from tests.support.conversation import World

_DOWN = StoreUnavailable("store-unavailable", "The store is down.")


def _two() -> Steps[list[object]]:
    return [(yield from ask(Issue("a"))), (yield from ask(Issue("b")))]


def test_replies_go_to_the_commands_that_they_are_for() -> None:
    assert run(_two(), lambda command: cast(Issue, command).counter.upper()) == ["A", "B"]


def test_a_fault_is_raised_at_the_command_and_can_be_caught_there() -> None:
    def exchange() -> Steps[object]:
        try:
            yield from ask(Issue("a"))
        except Fault as fault:
            return fault, (yield from ask(Issue("b")))
        return None

    def perform(command: AnyCommand) -> object:
        if command == Issue("a"):
            raise _DOWN
        return 2

    assert run(exchange(), perform) == (_DOWN, 2)


def test_a_fault_that_nobody_catches_comes_out() -> None:
    def perform(_: AnyCommand) -> object:
        raise _DOWN

    with pytest.raises(StoreUnavailable) as raised:
        run(_two(), perform)
    assert raised.value is _DOWN


def test_what_is_no_fault_never_enters_the_exchange() -> None:
    def exchange() -> Steps[str]:
        try:
            yield from ask(Issue("a"))
        except ZeroDivisionError:
            return "caught"
        return ""

    with pytest.raises(ZeroDivisionError):
        run(exchange(), lambda _: 1 // 0)


def test_a_command_that_nobody_carries_out_is_no_silent_none() -> None:
    def exchange() -> Steps[object]:
        return (yield cast(AnyCommand, object()))

    world = World(lambda *_: _DOWN)
    with pytest.raises(AssertionError):
        run(exchange(), world._perform)


def test_every_command_that_there_is_has_to_be_carried_out() -> None:
    told = {(get_origin(each) or each).__name__ for each in get_args(AnyCommand)}
    # by name: a class with slots is made twice, and both are subclasses
    assert {each.__name__ for each in Command.__subclasses__()} == told
