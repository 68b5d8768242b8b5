"""Wording: which words of v3 are which of 2.5, taken from the declarations.

What an operation renames is renamed back, to the element that the caller sent where there are several; services
that have another name in v3 name their accounts. No list of words is kept by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from shim.core.answers.v3_texts import Words
from shim.core.catalogue.translation import Catalogue, DeclaredService, Translation
from shim.core.rules.rule import Rule
from shim.core.schema.interface import Interface, paths

_INNER = re.compile(r"[a-z]+[A-Z]\w*", re.ASCII)
"""Names that can be nothing but an element's: with a capital inside."""


def give_words(catalogue: Catalogue, services: Iterable[DeclaredService]) -> None:
    """Give every translation of a catalogue its words."""
    services = tuple(services)
    common = {**_renamed_everywhere(catalogue), **_accounts(services)}
    for translation in catalogue.translations.values():
        elements = _elements(translation)
        names = {**common, **_operations(translation)}
        if translation.old.service == "Extension" and "User" in _called(translation):
            names |= _forms("User", "Extension")
        names = {name: old for name, old in names.items() if name not in elements}
        translation.words = Words(elements, names)


def _rules(translation: Translation) -> list[Rule]:
    parts = (translation, *translation.legs.values())
    return [rule for part in parts for rule in part.declared.rules if rule.only != "answer"]


def _elements(translation: Translation) -> dict[str, tuple[str, ...]]:
    """The names of elements of its v3 requests in 2.5: one name or, as the caller chose, one of several."""
    there = {path for path, _ in paths(translation.old.input)}
    successors: dict[str, dict[str, None]] = {}
    for rule in _rules(translation):
        if rule.old and rule.new and rule.old in there:
            successors.setdefault(rule.new.rpartition("/")[2], {})[rule.old] = None
    names = {new: tuple(olds) for new, olds in successors.items()}
    return {new: olds for new, olds in names.items() if {each.rpartition("/")[2] for each in olds} != {new}}


def _renamed_everywhere(catalogue: Catalogue) -> dict[str, str]:
    """Elements that have one other name in 2.5, whatever the operation, and are plainly no words of English."""
    successors: dict[str, set[str]] = {}
    for translation in catalogue.translations.values():
        for rule in _rules(translation):
            if rule.old and rule.new:
                successors.setdefault(rule.new.rpartition("/")[2], set()).add(rule.old.rpartition("/")[2])
    known = _known(catalogue.old)
    plain = {new: olds for new, olds in successors.items() if len(olds) == 1 and new not in known}
    return {new: olds.pop() for new, olds in plain.items() if _INNER.fullmatch(new)}


def _known(old: Interface) -> set[str]:
    decls = [each for operation in old.operations.values() for each in (operation.input, operation.output)]
    return {path.rpartition("/")[2] for decl in decls for path, _ in paths(decl)}


def _called(translation: Translation) -> dict[str, set[str]]:
    """The v3 operations that it is made to, by service."""
    successors: dict[str, set[str]] = {}
    for part in translation.legs.values() or (translation,):
        successors.setdefault(part.new.service, set()).add(part.new.name)
    return successors


def _operations(translation: Translation) -> dict[str, str]:
    """The v3 calls that it makes, by the one that the caller made."""
    calls = {name for names in _called(translation).values() for name in names}
    return {each: translation.old.name for each in calls if each != translation.old.name}


def _accounts(services: Iterable[DeclaredService]) -> dict[str, str]:
    """Services that have another name in v3 are named after their accounts: Client became Organization."""
    renamed = [each for each in services if each.becomes != each.name]
    return {new: old for each in renamed for new, old in _forms(each.becomes, each.name).items()}


def _forms(new: str, old: str) -> dict[str, str]:
    """The ways to write the name of a kind of account: `ServiceProvider`, `service provider`, and more."""
    small = new[0].lower() + new[1:]
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", new)
    ways = {new: old, small: old.lower(), spaced: old, spaced.capitalize(): old, spaced.lower(): old.lower()}
    return {**ways, **{f"{way}s": f"{successor}s" for way, successor in ways.items()}}
