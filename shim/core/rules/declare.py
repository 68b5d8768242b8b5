"""Declaring: what a file of `translations` is made of."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

from shim.core.commands import Command
from shim.core.model import Element
from shim.core.rules.model import Rule

if TYPE_CHECKING:
    from shim.core.catalogue import Catalogue
    from shim.core.rules.model import Work
    from shim.core.translate import Translation

Plan = Callable[["Catalogue", "Translation", "Work"], Generator[Command, Any, Element]]


@dataclass(frozen=True, slots=True)
class Declared:
    """One old operation and its successor; `plan` replaces the one call by a generator of several."""

    name: str
    becomes: str
    rules: tuple[Rule, ...] = ()
    writes: bool = True
    gone: str | None = None
    """The repeated request element that names accounts which do not exist after the call: `ID`."""
    details: str | None = None
    """The v3 operation that tells an account's ID by its identifier, for what is kept by ID."""
    plan: Plan | None = None
    lenient: bool = False
    """Whether the call is served although it names extensions that there are not."""
    siblings: bool = False
    """Whether the call changes the user, and so the user's other extensions too: a finding says how many."""
    notes: tuple[str, ...] = ()
    """What a plan does by default and which settings change it, in lines for the operator."""
    legs: tuple[Declared, ...] = ()
    """The v3 calls that a plan makes of the old request; each takes what it has a place for."""
    emulates: str | None = None
    """Why no v3 call can serve it, so that the shim does; None: it has a successor."""
    forwarded: bool = True
    """Whether v3 gets to see the message at all; what is not forwarded is served by its plan alone."""


@dataclass(frozen=True, slots=True)
class DeclaredService:
    name: str
    becomes: str
    operations: tuple[Declared, ...]


def operation(
    name: str,
    becomes: str | None = None,
    rules: Iterable[Rule | Iterable[Rule]] = (),
    *,
    gone: str | None = None,
    details: str | None = None,
    plan: Plan | None = None,
    siblings: bool = False,
) -> Declared:
    """Declare an operation. `becomes` defaults to the same name in the service's successor.

    Operations whose name begins with Get, Ping or the like only read; see `READS`.
    """
    flat = tuple(each for rule in rules for each in ((rule,) if isinstance(rule, Rule) else tuple(rule)))
    return Declared(
        name, becomes or name, flat, not name.startswith(READS), gone, details, plan, siblings=siblings
    )


READS = ("Get", "Ping", "CallReport", "QuickStats", "UpgradeHistory")
"""What the names of operations that only read begin with."""


def plan(
    name: str,
    steps: Plan,
    *legs: Declared,
    rules: Iterable[Rule | Iterable[Rule]] = (),
    lenient: bool = False,
    siblings: bool = False,
    notes: Iterable[str] = (),
) -> Declared:
    """Declare an operation that becomes several v3 calls, made by the generator `steps`.

    Each leg is `leg(...)`: what v3 call takes what of the old request. Every old path has to be taken by a
    leg or by one of `rules`.
    """
    declared = operation(name, legs[0].becomes, rules, plan=steps, siblings=siblings)
    return replace(declared, legs=legs, lenient=lenient, notes=tuple(notes))


def served(name: str, steps: Plan, rules: Iterable[Rule | Iterable[Rule]] = ()) -> Declared:
    """Declare an operation that v3 has and is not asked for: the generator `steps` serves it."""
    return replace(operation(name, None, rules, plan=steps), forwarded=False)


def leg(name: str, becomes: str, rules: Iterable[Rule | Iterable[Rule]] = ()) -> Declared:
    """One v3 call of a plan, under a name that the plan asks for."""
    return operation(name, becomes, rules)


Steps = Callable[["Translation", "Work"], Element | Generator[Command, Any, Element]]


def emulated(name: str, steps: Steps, because: str, rules: Iterable[Rule | Iterable[Rule]] = ()) -> Declared:
    """Declare an operation that the shim serves itself, without a v3 call.

    `steps` makes the old answer, as a generator where it needs commands. Rules are about the request and the
    answer themselves: what they do not mention is taken, and given, as it is. Each call is a finding
    `operation-emulated`.
    """

    @wraps(steps)
    def answer(catalogue: Catalogue, translation: Translation, work: Work) -> Generator[Command, Any, Element]:
        made = steps(translation, work)
        return made if isinstance(made, Element) else (yield from made)

    return replace(operation(name, rules=rules, plan=answer), emulates=because)


def service(name: str, becomes: str, *operations: Declared) -> DeclaredService:
    return DeclaredService(name, becomes, operations)
