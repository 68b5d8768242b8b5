"""The catalogue: collects the declarations, judges them against both interfaces, and compiles them.

All of it happens at start. A path that differs and is not declared, a rule that fits nowhere, a successor
that does not exist: each is a problem with a sentence, and with any problem the program refuses to start.
What is judged of one operation stands in `shim.core.catalogue.compiler`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shim.core.answers.renamed_words import give_words
from shim.core.catalogue.compiler import Compiler
from shim.core.catalogue.holding import holding, never_holding
from shim.core.catalogue.required import denied, unsourced
from shim.core.catalogue.translation import Catalogue, Declared, DeclaredService, Translation
from shim.core.errors import DeclarationError
from shim.core.rules.reference import ExtensionReference, of_kind
from shim.core.rules.rule import Fate
from shim.core.rules.table import Direction
from shim.core.schema.interface import ElementDecl, Interface, Operation, paths


def compile_catalogue(old: Interface, new: Interface, services: Iterable[DeclaredService]) -> Catalogue:
    """Compile all declarations. Raises DeclarationError with every problem there is."""
    catalogue = Catalogue(old, new)
    services = tuple(services)
    problems: list[str] = []
    for service in services:
        for each in service.operations:
            declared = holding(each, service.becomes, new)
            name = f"{service.name}.{declared.name}"
            successor = declared.becomes if "." in declared.becomes else f"{service.becomes}.{declared.becomes}"
            source = old.operations.get(name)
            target = source if declared.emulates else new.operations.get(successor)
            if source is None or target is None:
                missing = name if source is None else successor
                problems.append(f"{name}: there is no operation {missing}")
                continue
            if declared.legs:
                translation, more = _compile_plan(catalogue, declared, source)
            elif declared.emulates:
                translation, more = _compile_emulated(catalogue, declared, source)
            else:
                compiler = Compiler(catalogue, declared, source, target)
                translation, more = compiler.translation(), compiler.problems
                more += unsourced(declared, translation) if declared.forwarded else ()
            catalogue.translations[name] = translation
            more += [*_unknown_calls(catalogue, translation), *denied(translation)]
            problems += [f"{name}: {problem}" for problem in more]
        undeclared = set(old.services[service.name].operations) - {each.name for each in service.operations}
        problems += [f"{service.name}.{each}: not declared" for each in sorted(undeclared)]
    if problems:
        raise DeclarationError(problems)
    give_words(catalogue, services)
    return catalogue


def judge_each(
    old: Interface,
    versions: Iterable[Interface],
    services: Iterable[DeclaredService],
) -> None:
    """Judge all declarations against every version of v3. Raises DeclarationError, see `compile_catalogue`."""
    versions, services = tuple(versions), tuple(services)
    problems = list(never_holding(services, versions))
    for new in versions:
        try:
            compile_catalogue(old, new, services)
        except DeclarationError as error:
            problems += [f"against v3 {new.version}: {each}" for each in error.problems]
    if problems:
        raise DeclarationError(problems)


def _unknown_calls(catalogue: Catalogue, translation: Translation) -> list[str]:
    """Judge the v3 calls that a plan declares: they are there, and its successor is one of them."""
    calls = translation.declared.calls
    named = {each.operation for each in calls} | {each.undo.operation for each in calls if each.undo}
    problems = [f"there is no operation {each}" for each in sorted(named - set(catalogue.new.operations))]
    if calls and translation.new.full_name not in named:
        problems.append(f"{translation.new.full_name} is not among its calls")
    return problems


def _compile_plan(catalogue: Catalogue, declared: Declared, old: Operation) -> tuple[Translation, list[str]]:
    """A plan: its own rules, and each of its legs; together they have to take every path."""
    problems: list[str] = []
    parts: list[Compiler] = []
    first = catalogue.new.operations[declared.legs[0].becomes]
    rest = Compiler(catalogue, declared, old, first, "rest")
    translation = rest.translation()
    for each in declared.legs:
        part = Compiler(catalogue, each, old, catalogue.new.operations[each.becomes], "leg")
        translation.legs[each.name] = part.translation()
        parts.append(part)
        unexplained = unsourced(declared, translation.legs[each.name])
        problems += [f"{part.new.name}: {problem}" for problem in unexplained]
    for part in (rest, *parts):
        problems += [f"{part.new.name}: {problem}" for problem in part.problems]
    translation.fates = _joined(rest.fates, parts)
    legs = (each for part in translation.legs.values() for each in part.request_references)
    extensions = of_kind(legs, ExtensionReference)
    translation.request_references = tuple(dict.fromkeys((*translation.request_references, *extensions)))
    return translation, problems + _unreached(translation, old)


def _compile_emulated(
    catalogue: Catalogue, declared: Declared, old: Operation
) -> tuple[Translation, list[str]]:
    """No v3 call: the request is read as it is; what it does not have to say, its default says."""
    compiler = Compiler(catalogue, declared, old, old)
    translation = compiler.translation()
    slots = old.input.complex.slots if old.input.complex is not None else {}
    required = {name for name, slot in slots.items() if slot.decl.default is None}
    table = translation.request
    table.demands = tuple(each for each in table.demands if required.issuperset(each.names))
    translation.fates = [_own(each, declared.emulates or "") for each in translation.fates]
    return translation, compiler.problems


def _own(fate: Fate, because: str) -> Fate:
    """The fate of a path of an emulated operation: the shim's own, as a rule says or for the one reason."""
    name = fate.fate if fate.fate in ("kept", "dropped", "refused") else "emulated"
    finding = fate.finding or "operation-emulated"
    return replace(fate, fate=name, v3_path=None, finding=finding, because=fate.because or because)


def _joined(rest: list[Fate], parts: list[Compiler]) -> list[Fate]:
    """One fate for each path: that of the plan's own rules, else of the first leg that takes it."""
    requirements = {(each.direction, each.path): each for each in rest}
    for part in parts:
        for each in part.fates:
            place = f"{part.new.full_name}:{each.v3_path}" if each.v3_path else None
            requirements.setdefault((each.direction, each.path), replace(each, v3_path=place))
    return list(requirements.values())


def _unreached(translation: Translation, old: Operation) -> list[str]:
    reached = {(each.direction, each.path) for each in translation.fates}
    sides: tuple[tuple[Direction, ElementDecl], ...] = (("request", old.input), ("answer", old.output))
    return [
        f"{direction}: no leg and no rule takes {path}"
        for direction, decl in sides
        for path, _ in paths(decl)
        if (direction, path) not in reached
    ]
