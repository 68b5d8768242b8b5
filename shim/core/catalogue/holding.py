"""Which rules hold for one version of v3: those with a `where` that it has, and no `unless` that it has.

Judged before an operation is compiled, so that everything else sees only what holds; and over all versions
together, so that no rule waits for a path that no version has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from shim.core.catalogue.translation import Declared, DeclaredService
from shim.core.rules.rule import Rule, wheres
from shim.core.schema.interface import Interface, Operation, paths


def holding(declared: Declared, service: str, new: Interface) -> Declared:
    """The operation as it is declared for a version of v3; `service` is the successor of its service."""
    legs = tuple(holding(each, service, new) for each in declared.legs)
    successor = _successor(declared, service, new)
    if successor is None:
        return replace(declared, legs=legs)
    rules = tuple(each for each in declared.rules if _holds(each, successor, new))
    there = {path for side in (successor.input, successor.output) for path, _ in paths(side)}
    calls = tuple(each for each in declared.calls if not each.where or each.where in there)
    if len(calls) < len(declared.calls) and {each.operation for each in calls} == {successor.full_name}:
        calls = ()
    return replace(declared, legs=legs, rules=rules, calls=calls)


def never_holding(services: Iterable[DeclaredService], versions: Iterable[Interface]) -> Iterator[str]:
    """Problems: rules that wait for a path, or for its end, and no version of v3 has it."""
    versions = tuple(versions)
    for service in services:
        for declared in service.operations:
            for part in (declared, *declared.legs):
                yield from _never(f"{service.name}.{declared.name}", part, service.becomes, versions)


def _never(name: str, part: Declared, service: str, versions: tuple[Interface, ...]) -> Iterator[str]:
    successors = [successor for each in versions if (successor := _successor(part, service, each)) is not None]
    for rule in part.rules:
        for path in (*wheres(rule), *filter(None, (rule.unless,))):
            if not any(path in _reach(rule, each) for each in successors):
                yield f"{name}: the rule for {rule.old or rule.new} is about {path}, which no version of v3 has"


def _successor(declared: Declared, service: str, new: Interface) -> Operation | None:
    name = declared.becomes if "." in declared.becomes else f"{service}.{declared.becomes}"
    return None if declared.emulates else new.operations.get(name)


def _holds(rule: Rule, successor: Operation, new: Interface) -> bool:
    if rule.demanded and rule.demanded not in new.may_require.get(successor.full_name, ()):
        return False
    conditions = wheres(rule)
    if not conditions and not rule.unless:
        return True
    there = _reach(rule, successor)
    return there.issuperset(conditions) and rule.unless not in there


def _reach(rule: Rule, operation: Operation) -> set[str]:
    """The v3 paths on the sides that a rule is about."""
    sides = {
        "request": (operation.input,),
        "answer": (operation.output,),
        None: (operation.input, operation.output),
    }
    return {path for side in sides[rule.only] for path, _ in paths(side)}
