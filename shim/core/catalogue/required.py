"""Required elements of a v3 request, judged at load: where does each come from?

A source is an element that 2.5 requires as well, a rule that makes it, a read of v3 that the plan makes before
(`read_first`), or a refusal of calls that lack it (`needed`). The same for elements that v3 takes one of, and
2.5 takes together (`apart`). What no declaration answers for is a problem, and the program does not start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from shim.core.catalogue.translation import Declared, Translation
from shim.core.rules.required import Apart, Needed, ReadFirst
from shim.core.rules.rule import Rule, split
from shim.core.schema.interface import ComplexType, ElementDecl, paths

ElementNames = frozenset[str]


@dataclass(slots=True)
class _Sources:
    """The sources of the elements of one v3 request."""

    rules: tuple[Rule, ...]
    homes: dict[str, set[str]] = field(default_factory=dict)
    """v3 paths, each with the old paths that are written there."""
    demands: list[tuple[ElementNames, ElementNames]] = field(default_factory=list)
    """The demands on old requests: (at least one of these paths, when any of those is there)."""
    produced: set[str] = field(default_factory=set)

    def of(self, names: ElementNames) -> ElementNames:
        return frozenset(old for name in names for old in self.homes.get(name, ()))

    def give(self, names: ElementNames, when: ElementNames) -> bool:
        """True if one of `names` is in every v3 request; or in every one that has any of `when`."""
        if names & self.produced:
            return True
        sources, cause = self.of(names), self.of(when)
        if when and not cause:
            return True
        return any(old <= sources and (not only or (cause and cause <= only)) for old, only in self.demands)


def unsourced(declared: Declared, part: Translation) -> Iterator[str]:
    """Problems of one v3 request of an operation: `part` is its translation, or that of one leg."""
    sources = _sources(declared, part)
    calls = {each.operation for each in declared.calls}
    for rule in sources.rules:
        if isinstance(rule, ReadFirst) and rule.by and rule.by not in calls:
            yield f"{rule.new} is to be read by {rule.by}, which is not among the calls"
    for names, when in _demands(part.new.input, ""):
        above = split(min(names))[0]
        if (above and above not in sources.homes) or sources.give(names, when):
            continue
        condition = f"when {' or '.join(sorted(when))} is sent" if when else "always"
        yield f"v3 requires {' or '.join(sorted(names))} {condition}, and nothing gives it"
    yield from _exclusive(sources, part.old.input, "", part.new.input)


def denied(translation: Translation) -> Iterator[str]:
    """Old paths that are said to have no place in v3, and that its message has by that very path."""
    if translation.declared.emulates:
        return
    for each in translation.fates:
        if each.fate not in ("dropped", "kept", "emulated"):
            continue
        for leg in (translation, *translation.legs.values()):
            decl = leg.new.input if each.direction == "request" else leg.new.output
            if each.path in dict(paths(decl)):
                yield f"{each.direction}: {each.path} is {each.fate}, and {leg.new.full_name} has it"


def _sources(declared: Declared, part: Translation) -> _Sources:
    rules = dict.fromkeys((*declared.rules, *part.declared.rules))
    sources = _Sources(tuple(rules))
    for fate in part.fates:
        if fate.direction == "request" and fate.v3_path and "@" not in fate.path:
            sources.homes.setdefault(fate.v3_path, set()).add(fate.path)
    sources.demands = list(_demands(part.old.input, ""))
    for rule in sources.rules:
        if isinstance(rule, Needed):
            sources.demands.append((frozenset(rule.names), frozenset()))
        elif isinstance(rule, ReadFirst):
            sources.produced.add(rule.new)
    return sources


def _demands(
    decl: ElementDecl, path: str, above: tuple[ComplexType, ...] = ()
) -> Iterator[tuple[ElementNames, ElementNames]]:
    """Every demand of a message, at every level, with whole paths."""
    kind = decl.complex
    if kind is None or kind in above:
        return
    for demand in kind.demands:
        yield _whole(path, demand.names), _whole(path, demand.when)
    for name, slot in kind.slots.items():
        yield from _demands(slot.decl, f"{path}{name}/", (*above, kind))


def _whole(path: str, names: tuple[str, ...]) -> ElementNames:
    return frozenset(path + name for name in names)


def _exclusive(sources: _Sources, old: ElementDecl, path: str, new: ElementDecl) -> Iterator[str]:
    """Elements of one level that 2.5 takes together, and v3 one of, without a word about it."""
    ours = old.complex
    if ours is None or new.complex is None:
        return
    places = {old: place for place, olds in sources.homes.items() for old in olds}
    groups = [frozenset(rule.others) for rule in sources.rules if isinstance(rule, Apart)]
    news = {name: split(places.get(path + name, ""))[1] for name in ours.slots}
    choosing = {name for name, slot in new.complex.slots.items() if slot.choices}
    for pair in combinations((name for name in ours.slots if news[name] in choosing), 2):
        one, other = (path + name for name in pair)
        names = [news[name] for name in pair]
        both = names[0] != names[1] and excluded(new.complex, *names) and not excluded(ours, *pair)
        if both and not any({one, other} <= each for each in groups):
            yield f"2.5 takes {one} beside {other}, and v3 takes one of them"
    for name, slot in ours.slots.items():
        below = _at(new, places.get(path + name))
        if below is not None:
            yield from _exclusive(sources, slot.decl, f"{path}{name}/", below)


def _at(root: ElementDecl, place: str | None) -> ElementDecl | None:
    """The element of a level that a path leads to; None when it is of another level."""
    kind = root.complex
    slot = kind.slots.get(split(place or "")[1]) if kind is not None else None
    return slot.decl if slot is not None and slot.decl.complex is not None else None


def excluded(kind: ComplexType, one: str, other: str) -> bool:
    """True if two children of a type are alternatives of a choice."""
    slots: Mapping[str, object] = kind.slots
    if one not in slots or other not in slots:
        return False
    mine = dict(kind.slots[one].choices)
    return any(mine.get(number, branch) != branch for number, branch in kind.slots[other].choices)
