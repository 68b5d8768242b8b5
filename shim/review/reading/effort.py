"""The effort of porting one operation, judged from the compiled catalogue and from what the integration met.

Each fact has a weight and a sentence; the sum of the weights is the class. What v3 lacks weighs only for
those who use it: an integration that never sends a dropped element has nothing to do about it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from shim.core.catalogue.translation import Catalogue, Translation
from shim.core.findings import Code
from shim.core.rules.reference import AccountReference, ExtensionReference, OwnerReference, of_kind
from shim.core.rules.rule import Fate
from shim.review.reading.model import Effort

EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""The least first."""
_LIMITS: tuple[tuple[int, Effort], ...] = ((0, "none"), (3, "small"), (9, "medium"))
_UNTRANSLATED = 10
_ALONE = 5
_LACKING = ("kept", "emulated", "dropped", "refused")
_MET: dict[Code, tuple[int, str]] = {
    "field-kept": (2, "{} that the shim keeps, because v3 has no place for it"),
    "field-emulated": (2, "{} that the shim answers, because v3 does not have it"),
    "field-dropped": (3, "{} that v3 has no place for"),
    "answer-value-omitted": (2, "{} of answers that 2.5 cannot say"),
    "answer-field-unavailable": (1, "{} that v3 does not answer any more"),
    "field-refused": (5, "{} that calls are refused for"),
}
"""The weights of findings that were met: (weight, in words), by code of the finding."""


@dataclass(frozen=True, slots=True)
class PortingEffort:
    """The work on one operation."""

    effort: Effort
    reason: str


@dataclass(frozen=True, slots=True)
class SuccessorCalls:
    """The mapping of one old operation in the catalogue, the same for every integration.

    `becomes` are full names of v3 operations in the order of their calls, `writes` whether it changes
    anything, `facts` weights with their words, `lacks` how many paths v3 has no place for.
    """

    becomes: tuple[str, ...]
    writes: bool
    facts: tuple[tuple[int, str], ...]
    lacks: int = 0
    holds: bool = False
    """True if it holds other calls."""

    def work(self, met: Mapping[str, int]) -> PortingEffort:
        """The work for an integration; `met` counts its open findings of the operation by code."""
        seen = [(weight * met[code], text.format(_count(met[code], "element")))
                for code, (weight, text) in _MET.items() if met.get(code)]  # fmt: skip
        facts = [*self.facts, *seen]
        sentences = [text for _, text in facts] or [
            "Same operation, same elements: address, namespace and login change"
        ]
        if self.lacks and not seen:
            sentences.append(f"{_count(self.lacks, 'element')} that v3 lacks, not in use")
        weight = sum(weight for weight, _ in facts)
        fitting: tuple[Effort, ...] = tuple(effort for limit, effort in _LIMITS if weight <= limit)
        return PortingEffort(fitting[0] if fitting else "large", ". ".join(sentences) + ".")


def successors(catalogue: Catalogue) -> Mapping[str, SuccessorCalls]:
    """The mapping of every old operation that is translated, by full name."""
    return {name: _successors(catalogue, each) for name, each in catalogue.translations.items()}


UNKNOWN = SuccessorCalls((), True, ((_UNTRANSLATED, "Not translated: it has to be written anew for v3"),))
"""The effort of an operation that the catalogue does not translate."""


def _successors(catalogue: Catalogue, translation: Translation) -> SuccessorCalls:
    if translation.declared.emulates:
        return _of_the_shim(catalogue, translation)
    legs = [each.new.full_name for each in translation.legs.values()]
    becomes = tuple(dict.fromkeys(legs or [translation.new.full_name]))
    lacking = [each for each in translation.fates if each.fate in _LACKING]
    facts = tuple(_facts(translation, becomes))
    holds = not translation.declared.forwarded
    return SuccessorCalls(becomes, translation.writes, facts, len(_tops(lacking)), holds)


def _of_the_shim(catalogue: Catalogue, translation: Translation) -> SuccessorCalls:
    """The effort of an operation that the shim answers itself; v3 may have one of that name."""
    name = translation.old.full_name
    if name in catalogue.new.operations:
        return SuccessorCalls((name,), translation.writes, ((1, "v3 has it too, and answers for itself"),))
    return SuccessorCalls((), translation.writes, ((_ALONE, "v3 has no such operation: do without it"),))


def _facts(translation: Translation, becomes: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    first = becomes[0]
    if not translation.declared.forwarded:
        yield 1, "The calls inside are listed as operations of their own: they have to be those of v3 first"
    if len(becomes) > 1:
        yield 1 + 4 * (len(becomes) - 1), f"{len(becomes)} v3 calls, in this order: {', '.join(becomes)}"
    elif first.partition(".")[2] != translation.old.name:
        yield 1, f"The operation is {first}"
    elif first != translation.old.full_name:
        yield 1, f"The operation is at another service: {first}"
    counts = Counter(each.fate for each in _tops(translation.fates))
    if renamed := counts["renamed"]:
        yield renamed, f"{_count(renamed, 'element')} under another name"
    if moved := counts["moved"]:
        yield moved, f"{_count(moved, 'element')} at another place"
    if converted := len(_tops([each for each in translation.fates if each.finding == "value-converted"])):
        yield converted, f"{_count(converted, 'value')} written differently"
    yield from _identities(translation)


def _identities(translation: Translation) -> Iterator[tuple[int, str]]:
    legs = (translation, *translation.legs.values())
    named = [each for leg in legs for each in (*leg.request_references, *leg.answer_references)]
    if any(isinstance(each, ExtensionReference | OwnerReference) for each in named):
        yield 2, "Extensions are named by extended number, no longer by ID"
    elif of_kind(named, AccountReference):
        yield 1, "IDs of extensions become IDs of users"
    if translation.declared.siblings:
        yield 1, "It is about the user, and with that about all extensions of the user"


def _tops(fates: Collection[Fate]) -> list[Fate]:
    """Without those below another one of the same fate and direction, which goes with it; no path twice."""
    places = {(each.direction, each.fate, each.path) for each in fates}
    tops = {}
    for each in fates:
        above = (each.path[:at] for at, letter in enumerate(each.path) if letter == "/")
        if not any((each.direction, each.fate, path) in places for path in above):
            tops[each.fate, each.path] = each
    return list(tops.values())


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
