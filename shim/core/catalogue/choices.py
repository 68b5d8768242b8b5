"""Choices of the configuration for one operation, worked out once, and applied before the call is translated.

Which places of an operation can be chosen about at all is read from its fates: see `places`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shim.core.catalogue.translation import Translation
from shim.core.context import CallContext
from shim.core.errors import CallerError
from shim.core.findings import Code
from shim.core.policies import ANY, AS_WRITTEN, CHOICES, Chosen, Do, Policies, Policy, Side, deciding, possible
from shim.core.rules.choices import emulates

_BARRED = "v3 cannot answer with {0}, and the shim's configuration chose to refuse such calls."


def chosen(policies: Policies, translation: Translation) -> Chosen:
    """The choices of an integration's policies for an old operation."""
    if not policies.entries:
        return AS_WRITTEN
    name = translation.old.full_name
    if name not in policies.chosen:
        policies.chosen[name] = _resolved(policies.covering(name), translation)
    return policies.chosen[name]


def _resolved(policies: tuple[Policy, ...], translation: Translation) -> Chosen:
    by: dict[tuple[Side, Code, str], Do] = {}
    for side, code in CHOICES:
        for path in dict.fromkeys((ANY, *(each.path for each in policies))):
            choice = deciding(policies, side, code, path, writes=translation.writes)
            if choice is not None:
                by[side, code, path] = choice[1].do
    plain = Chosen(by)
    return Chosen(by, tuple(dict.fromkeys(_barred(plain, translation))))


def _barred(plain: Chosen, translation: Translation) -> Iterator[str]:
    """Elements for which calls are refused; attributes and what is below go with their element."""
    for each in translation.fates:
        code = each.finding
        if code is None or each.direction == "request" or "/@" in each.path:
            continue
        if ("answer", code) in CHOICES and plain.of("answer", code, each.path) == "refuse":
            yield each.path


def choose(context: CallContext) -> None:
    """Take over what was chosen for this operation. Raises CallerError if the call itself is refused."""
    translation = context.translation
    context.chosen = chosen(context.caller.policies, translation)
    if translation.declared.emulates:
        emulates(context, translation.declared.emulates)
    for path in context.chosen.barred:
        context.find("field-refused", path, _BARRED.format("it"))
    if context.chosen.barred:
        why = _BARRED.format(", ".join(context.chosen.barred[:5]))
        raise CallerError("field-refused", f"{translation.old.name} cannot be served: {why} Port it to v3.")


@dataclass(frozen=True, slots=True)
class ChoicePoint:
    """Where something can be chosen: an old path, with the finding that is made there by default.

    `odd` says that it is made only of values that v3 cannot take.
    """

    side: Side
    path: str
    finding: Code
    choices: tuple[Do, ...]
    odd: bool = False


def places(translation: Translation) -> tuple[ChoicePoint, ...]:
    """Every place of an operation; the default is the first of its choices."""
    return tuple(dict.fromkeys((*_places(translation), *_odd(translation))))


def _places(translation: Translation) -> Iterator[ChoicePoint]:
    whole = ChoicePoint("request", ANY, "operation-emulated", CHOICES["request", "operation-emulated"])
    if translation.declared.emulates:
        yield whole
    governed = [
        (each, each.finding)
        for each in translation.fates
        if each.finding is not None and (each.direction, each.finding) in CHOICES
    ]
    paths = {(each.direction, each.path) for each, _ in governed}
    for each, code in governed:
        if code == "operation-emulated":
            yield whole
        elif not any((each.direction, above) in paths for above in _above(each.path)):
            choices = possible(each.direction, code, writes=translation.writes)
            yield ChoicePoint(each.direction, each.path, code, choices)


def _odd(translation: Translation) -> Iterator[ChoicePoint]:
    choices = CHOICES["request", "field-dropped"]
    for declared in (translation.declared, *(leg.declared for leg in translation.legs.values())):
        for rule in declared.rules:
            if rule.may_drop and rule.old and rule.only != "answer":
                yield ChoicePoint("request", rule.old, "field-dropped", choices, odd=True)


def _above(path: str) -> list[str]:
    steps = path.split("/")
    return ["/".join(steps[:end]) for end in range(1, len(steps))]
