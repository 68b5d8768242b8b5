"""An old operation and its successors, element by element, from its declarations: what a program has to change.

Pure. Laws: what is the same is only named; what lies below something that is said of already is not said again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shim.core.catalogue.translation import Catalogue, Translation
from shim.core.findings import KINDS
from shim.core.rules.rule import Fate

MessageDirection = Literal["request", "answer"]
LOST = ("dropped", "refused", "kept", "emulated")
"""Fates of what v3 has no place for."""
HAPPENS: Mapping[str, str] = {
    "renamed": "renamed",
    "moved": "moved",
    "computed": "written differently",
    "kept": "the shim keeps it, v3 has no place for it",
    "emulated": "the shim answers it, v3 does not",
    "dropped": "dropped, v3 has no place for it",
    "refused": "calls with it are refused",
    "ignored": "left out",
    "carried": "the same, with something to mind",
}


@dataclass(frozen=True, slots=True)
class NewCall:
    """A v3 operation and where it is posted to."""

    operation: str
    endpoint: str
    soap_action: str


@dataclass(frozen=True, slots=True)
class Renaming:
    """One path of a 2.5 message and its place in v3, None where there is none; `fate` is what happens to it,
    `do` what the integrator does about it, where there is more to do than to write the new name."""

    old: str
    new: str | None
    fate: str
    happens: str
    because: str
    do: str = ""

    @property
    def lost(self) -> bool:
        return self.fate in LOST


@dataclass(frozen=True, slots=True)
class Addition:
    """A path that only v3 has."""

    path: str
    because: str


@dataclass(frozen=True, slots=True)
class OperationMap:
    """An operation of 2.5: the v3 calls in their order (none where the shim serves it alone, `alone` says why),
    what changes in requests and answers, what stays as it is, and what only v3 has."""

    operation: str
    endpoint: str
    calls: tuple[NewCall, ...]
    alone: str
    writes: bool
    request: tuple[Renaming, ...]
    answer: tuple[Renaming, ...]
    same_request: tuple[str, ...]
    same_answer: tuple[str, ...]
    only_new: tuple[Addition, ...]
    notes: tuple[str, ...]

    @property
    def lost(self) -> tuple[Renaming, ...]:
        """The paths that v3 has no place for, each path once."""
        fates = {each.old: each for each in (*self.request, *self.answer) if each.lost}
        return tuple(fates.values())


def mapping_of(catalogue: Catalogue, operation: str) -> OperationMap | None:
    """The mapping of an operation; None when it is not translated."""
    translation = catalogue.translations.get(operation)
    if translation is None:
        return None
    declared, old = translation.declared, translation.old
    alone = "" if declared.forwarded and not declared.emulates else declared.emulates or _HELD
    return OperationMap(
        operation=operation,
        endpoint=catalogue.old.services[old.service].endpoint,
        calls=() if alone else tuple(_calls(catalogue, translation)),
        alone=alone,
        writes=translation.writes,
        request=tuple(_changes(translation, "request")),
        answer=tuple(_changes(translation, "answer")),
        same_request=_same(translation, "request"),
        same_answer=_same(translation, "answer"),
        only_new=tuple(_only_new(translation)),
        notes=tuple(_notes(translation)),
    )


_HELD = "It holds other calls: each of them becomes what it would become alone."


def _calls(catalogue: Catalogue, translation: Translation) -> Iterable[NewCall]:
    legs = [each.new for each in translation.legs.values()] or [translation.new]
    for each in dict.fromkeys(legs):
        yield NewCall(each.full_name, catalogue.new.services[each.service].endpoint, each.soap_action)


def _changes(translation: Translation, direction: MessageDirection) -> Iterable[Renaming]:
    fates = [each for each in translation.fates if each.direction == direction]
    places = {each.path: each.v3_path for each in fates}
    shown = _without_repeats([each for each in fates if not _is_plain(each, places)])
    changes = list(map(_change, shown))
    if direction == "request":
        changes += [
            replace(_change(each), happens="goes into this call as well")
            if each.fate == "carried"
            else _change(each)
            for each in _elsewhere(translation)
        ]
    return dict.fromkeys(changes)


def _change(fate: Fate) -> Renaming:
    kind = KINDS[fate.finding] if fate.finding else None
    happens = HAPPENS[fate.fate]
    if fate.fate == "computed" and not fate.v3_path:
        happens = "worked out by the shim"
    return Renaming(fate.path, fate.v3_path, fate.fate, happens, fate.because, kind.do if kind else "")


def _elsewhere(translation: Translation) -> list[Fate]:
    """Where else the further calls of a plan take what a first one has taken."""
    first = {(each.direction, each.path): each.v3_path for each in translation.fates}
    return [
        replace(each, v3_path=f"{leg.new.full_name}:{each.v3_path}")
        for leg in translation.legs.values()
        for each in leg.fates
        if each.direction == "request"
        and each.v3_path
        and first.get((each.direction, each.path)) != f"{leg.new.full_name}:{each.v3_path}"
    ]


def _same(translation: Translation, direction: MessageDirection) -> tuple[str, ...]:
    """Paths that stay as they are, without those below another one."""
    fates = [each for each in translation.fates if each.direction == direction]
    places = {each.path: each.v3_path for each in fates}
    renamed = [f"{each.path}/" for each in fates if each.fate == "renamed"]
    paths: list[str] = []
    for each in fates:
        below = any(each.path.startswith(above) for above in (*renamed, *(f"{path}/" for path in paths)))
        if _is_plain(each, places) and not below:
            paths.append(each.path)
    return tuple(dict.fromkeys(paths))


def _is_plain(fate: Fate, places: Mapping[str, str | None]) -> bool:
    """True if nothing is to be said of it: the same, but for the name of what it is in."""
    above, _, name = fate.path.rpartition("/")
    expected = f"{(places.get(above) or above).rpartition(':')[2]}/{name}" if above else name
    return fate.fate == "carried" and not fate.finding and (fate.v3_path or "").rpartition(":")[2] == expected


def _without_repeats(fates: Sequence[Fate]) -> list[Fate]:
    """Without those that only repeat what is said of the element that they are in."""
    by_path = {each.path: (each.fate, each.because) for each in fates}
    return [each for each in fates if by_path.get(each.path.rpartition("/")[0]) != (each.fate, each.because)]


def _only_new(translation: Translation) -> Iterable[Addition]:
    additions: dict[str, Addition] = {}
    for part in (*translation.legs.values(), translation):
        for rule in part.declared.rules:
            if not rule.old and rule.new:
                path = f"{rule.new} (answer)" if rule.only == "answer" else rule.new
                additions.setdefault(path, Addition(path, rule.because))
    return additions.values()


def _notes(translation: Translation) -> Iterable[str]:
    declared = translation.declared
    if declared.siblings:
        kind = KINDS["siblings-touched" if translation.writes else "siblings-included"]
        yield f"{kind.meaning} {kind.do}"
    if declared.plan is not None and declared.plan.__doc__:
        yield " ".join(declared.plan.__doc__.split())
