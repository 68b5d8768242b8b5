"""Declaring: what a file of `translations` is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import wraps

from shim.core.catalogue.translation import (
    READS,
    CalledOperation,
    CallPlan,
    Declared,
    DeclaredService,
    Earlier,
)
from shim.core.commands.journal import OnCrash, Undo
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.rules.rule import Rule


def operation(
    name: str,
    becomes: str | None = None,
    rules: Iterable[Rule | Iterable[Rule]] = (),
    *,
    gone: str | None = None,
    details: str | None = None,
    plan: CallPlan | None = None,
    calls: Iterable[CalledOperation] = (),
    journal: OnCrash | None = None,
    notes: Iterable[str] = (),
    siblings: bool = False,
    earlier: Earlier | None = None,
) -> Declared:
    """Declare an operation. `becomes` defaults to the same name in the service's successor.

    With a `plan`, `calls` are all v3 calls that it may make, in order, its successor too; `journal` says that
    it is kept there, and what becomes of it. Operations whose name begins with Get, Ping or the like only read;
    see `READS`.
    """
    flat = tuple(each for rule in rules for each in ((rule,) if isinstance(rule, Rule) else tuple(rule)))
    return Declared(
        name,
        becomes or name,
        flat,
        not name.startswith(READS),
        gone,
        details,
        plan,
        siblings=siblings,
        notes=tuple(notes),
        calls=tuple(calls),
        journal=journal,
        earlier=earlier,
    )


def plan(
    name: str,
    steps: CallPlan,
    *parts: Declared | CalledOperation,
    rules: Iterable[Rule | Iterable[Rule]] = (),
    journal: OnCrash | None = None,
    lenient: bool = False,
    siblings: bool = False,
    notes: Iterable[str] = (),
) -> Declared:
    """Declare an operation that becomes several v3 calls, made by the generator `steps`.

    `parts` are those calls in order: `leg(...)` says what one takes of the old request, `call(...)` names one
    that the plan makes by itself. Every old path has to be taken by a leg or by one of `rules`. `journal` says
    that the plan is kept there, and whether what is cut off is undone or finished (redo).
    """
    legs = tuple(each for each in parts if isinstance(each, Declared))
    calls = [called for each in parts if (called := each.called if isinstance(each, Declared) else each)]
    declared = operation(
        name, legs[0].becomes, rules, plan=steps, calls=calls, journal=journal, notes=notes, siblings=siblings
    )
    return replace(declared, legs=legs, lenient=lenient)


def served(
    name: str, steps: CallPlan, rules: Iterable[Rule | Iterable[Rule]] = (), notes: Iterable[str] = ()
) -> Declared:
    """Declare an operation that v3 has and is not asked for: the generator `steps` serves it."""
    return replace(operation(name, None, rules, plan=steps, notes=notes), forwarded=False)


def leg(
    name: str,
    becomes: str,
    rules: Iterable[Rule | Iterable[Rule]] = (),
    *,
    because: str = "",
    undo: Undo | None = None,
    cascades: bool = False,
) -> Declared:
    """One v3 call of a plan, under a name that the plan asks for. What is said of it: see `call`."""
    return replace(operation(name, becomes, rules), called=CalledOperation(becomes, because, undo, cascades))


def call(
    operation: str, because: str = "", *, undo: Undo | None = None, cascades: bool = False, where: str = ""
) -> CalledOperation:
    """One v3 call that a plan makes by itself: when, and what for; `undo` takes it back.

    One that `cascades` goes when an earlier one is taken back; one with `where` is made only for versions of v3
    whose successor has that path.
    """
    return CalledOperation(operation, because, undo, cascades, where)


EmulatedCall = Callable[[CallContext], Element | Steps[Element]]


def emulated(
    name: str, steps: EmulatedCall, because: str, rules: Iterable[Rule | Iterable[Rule]] = ()
) -> Declared:
    """Declare an operation that the shim serves itself, without a v3 call.

    `steps` makes the old answer, as a generator where it needs commands. Rules are about the request and the
    answer themselves: what they do not mention is taken, and given, as it is. Each call is a finding
    `operation-emulated`.
    """

    @wraps(steps)
    def answer(context: CallContext) -> Steps[Element]:
        element = steps(context)
        return element if isinstance(element, Element) else (yield from element)

    return replace(operation(name, rules=rules, plan=answer), emulates=because)


def service(name: str, becomes: str, *operations: Declared) -> DeclaredService:
    return DeclaredService(name, becomes, operations)
