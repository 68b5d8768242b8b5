"""Where rules ask what configuration chose: about an element, an answer, or a whole operation.

What was not chosen is done as the rule was written, with the rule's own finding and reason. What was chosen
instead has the finding that says so, and a reason of its own: a rule's would tell of something not done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shim.core.errors import CallerError
from shim.core.policies import ANY, CHOICES, Do, Side, possible
from shim.core.rules.model import Problem, Work

if TYPE_CHECKING:
    from shim.core.translate import Translation

_NOT_KEPT = "v3 has no place for it, and the shim's configuration chose to drop it."
_REFUSED = "v3 has no place for it, and the shim's configuration chose to refuse it. Send the call without it."
_RATHER = "{0}. The shim's configuration chose to refuse it rather than drop it: send the call without it."
_NOT_ANSWERED = "v3 does not have it, and the shim's configuration chose not to answer in its place."
_BARRED = "v3 cannot answer with {0}, and the shim's configuration chose to refuse such calls."
_OPERATION = "v3 has no such operation, and the shim's configuration chose to refuse the call: port it."


def accepts(work: Work, code: str, path: str, because: str) -> bool:
    """Make the finding of a request's element, or what was chosen instead; whether to do as the rule says.

    A refusal is a problem of the call, so that it ends with a fault before anything is forwarded.
    """
    do = work.policy(code, path)
    if do == CHOICES["request", code][0]:
        work.find(code, path, because)
        return True
    if do == "drop":
        work.find("field-dropped", path, _NOT_KEPT)
        return False
    why = _RATHER.format(because.rstrip(".")) if code == "field-dropped" else _REFUSED
    work.find("field-refused", path, why)
    work.problems.append(Problem("field-refused", path, why, None))
    return False


def gives(work: Work, path: str, because: str) -> bool:
    """Whether the shim answers with an element that v3 does not have; the finding says what is done."""
    if work.policy("field-emulated", path, "answer") == "drop":
        work.find("answer-field-unavailable", path, _NOT_ANSWERED)
        return False
    work.find("field-emulated", path, because)
    return True


def emulates(work: Work, because: str) -> None:
    """For operations that v3 does not have at all: make the finding. Raises CallerError if that is refused."""
    name = work.request.name
    if work.policy("operation-emulated") == "refuse":
        work.find("field-refused", name, _OPERATION)
        raise CallerError("field-refused", f"{name} cannot be served: {_OPERATION}")
    work.find("operation-emulated", name, because)


def choose(translation: Translation, work: Work) -> None:
    """Take over what was chosen for this operation. Raises CallerError if the call itself is refused."""
    work.chosen = work.caller.policies.of(translation)
    if translation.declared.emulates:
        emulates(work, translation.declared.emulates)
    for path in work.chosen.barred:
        work.find("field-refused", path, _BARRED.format("it"))
    if work.chosen.barred:
        why = _BARRED.format(", ".join(work.chosen.barred[:5]))
        raise CallerError("field-refused", f"{translation.old.name} cannot be served: {why} Port it to v3.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something can be chosen: an old path, with the finding that is made there by default.

    `odd` says that it is made only of values that v3 cannot take.
    """

    side: Side
    path: str
    finding: str
    choices: tuple[Do, ...]
    odd: bool = False


def places(translation: Translation) -> tuple[Place, ...]:
    """Every place of an operation; the default is the first of its choices."""
    return tuple(dict.fromkeys((*_places(translation), *_odd(translation))))


def _places(translation: Translation) -> Iterator[Place]:
    whole = Place("request", ANY, "operation-emulated", CHOICES["request", "operation-emulated"])
    if translation.declared.emulates:
        yield whole
    governed = [each for each in translation.fates if (each.direction, each.finding) in CHOICES]
    paths = {(each.direction, each.path) for each in governed}
    for each in governed:
        if each.finding == "operation-emulated":
            yield whole
        elif not any((each.direction, above) in paths for above in _above(each.path)):
            code = each.finding or ""
            choices = possible(each.direction, code, writes=translation.writes)
            yield Place(each.direction, each.path, code, choices)


def _odd(translation: Translation) -> Iterator[Place]:
    choices = CHOICES["request", "field-dropped"]
    for declared in (translation.declared, *(leg.declared for leg in translation.legs.values())):
        for rule in declared.rules:
            if rule.may_drop and rule.old and rule.only != "answer":
                yield Place("request", rule.old, "field-dropped", choices, odd=True)


def _above(path: str) -> list[str]:
    steps = path.split("/")
    return ["/".join(steps[:end]) for end in range(1, len(steps))]
