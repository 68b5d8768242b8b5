"""Steps: a generator that yields commands, gets a reply to each, and returns a result.

`shim.core.drive` and `shim.edge.exchange.performer` drive it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from shim.core.commands.backend import Call
from shim.core.commands.caller import Identify
from shim.core.commands.command import Command, Reply
from shim.core.commands.extensions import (
    DenyIdentities,
    DoubtIdentities,
    FindEnded,
    FindIdentities,
    ForgetIdentities,
    LearnIdentities,
    RenumberIdentities,
)
from shim.core.commands.journal import Begin, Close, MarkSteps, Revoke
from shim.core.commands.kept import Forget, Issue, Recall, Remember

StepsResult = TypeVar("StepsResult")


@dataclass(frozen=True, slots=True)
class Together(Command[list[StepsResult]], Generic[StepsResult]):
    """Run steps side by side, with bounded concurrency. Reply: their results, in order.

    The first Fault of any of them is raised once all have ended.
    """

    parts: tuple[Steps[StepsResult], ...]


@dataclass(frozen=True, slots=True)
class Aside(Command[StepsResult], Generic[StepsResult]):
    """Do pure work that may take long without keeping others waiting. Reply: what it returns.

    Raises the Fault that the work raises. Nothing else touches what it works on until then.
    """

    work: Callable[[], StepsResult] = field(repr=False)


AnyCommand = (
    Aside[Any]
    | Identify
    | Call
    | Recall
    | Remember
    | Forget
    | Issue
    | FindIdentities
    | FindEnded
    | LearnIdentities
    | DoubtIdentities
    | DenyIdentities
    | ForgetIdentities
    | RenumberIdentities
    | Together[Any]
    | Begin
    | MarkSteps
    | Close
    | Revoke
)
"""Every command that there is, for whoever carries them out: a match over it ends with `assert_never`."""

Steps = Generator[AnyCommand, Any, StepsResult]


def ask(command: Command[Reply]) -> Steps[Reply]:
    """Yields one command and returns the reply to it. Raises the Fault that it is answered with."""
    reply: Reply = yield cast(AnyCommand, command)
    return reply
