"""What has to be true of every message that went through the shim."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache

from lxml import etree

from shim.core.answers.fault_message import fault_message
from shim.core.catalogue.translation import Translation
from shim.core.errors import Fault
from shim.core.rehearsal.compare import canonical
from shim.core.rules.extensions import AccountPath
from shim.core.rules.rule import Fate
from shim.core.schema.interface import Attribute, ElementDecl, Interface, Simple, paths
from shim.interfaces.load import old
from tests.soak.fixture import Sent
from tests.support.schemas import assert_valid

CODES = frozenset(
    ("030", "051", "054", "100", "102", "103", "104", "106", "107", "108", "113", "115", "117", "151", "152",
     "200", "250", "251", "252", "258", "260", "520", "819", *(str(each) for each in range(300, 316)))
)  # fmt: skip
"""The codes that SystemAPI documents."""


def wrong(sent: Sent) -> str | None:
    """What is wrong with what became of a message, in words; None: nothing."""
    outcome = sent.outcome
    if outcome.fault is not None:
        return wrong_fault(outcome.fault)
    assert outcome.answer is not None
    try:
        assert_valid(outcome.answer, old(), outcome.schema_version)
    except AssertionError as problem:
        return f"the answer is not valid: {str(problem)[:300]}"
    lost = sorted(set(unaccounted(sent)))
    return f"nothing tells of {', '.join(lost)}" if lost else None


def wrong_fault(fault: Fault) -> str | None:
    if fault.reason in ("internal-error", "backend-nonsense") or type(fault) is Fault:
        return f"a fault of the shim's own: {fault.reason}: {fault.text}"
    if fault.code is not None and fault.code not in CODES:
        return f"the code {fault.code} is not documented"
    message = etree.fromstring(fault_message(fault, "0" * 16))
    return None if message.findtext(".//faultstring") else "the fault says nothing"


def unaccounted(sent: Sent) -> Iterator[str]:
    """Paths of leaves of which no v3 call tells where the declarations say so, and no finding.

    What is carried or renamed has to be there with its value, once for each time that it was said; what is
    computed or moved has to be there, whatever became of the value.
    """
    translation = sent.translation
    if not translation.declared.forwarded:
        return  # each package is a call of its own
    told = {each.path for each in sent.outcome.findings}
    if any(each.code == "operation-emulated" for each in sent.outcome.findings):
        return
    fates = {each.path: each for each in translation.fates if each.direction == "request"}
    types = dict(paths(translation.old.input))
    said = _said(sent)
    there = {(operation, path) for operation, path, _ in said}
    values = {value for _, _, value in said}
    for path, text in sent.request.leaves():
        if any(_is_below(path, each) for each in told):
            continue
        fate = fates.get(path)
        if fate is None or not fate.v3_path:
            yield path
        elif fate.fate in ("carried", "renamed"):
            key = (*_place(translation, fate), canonical(text, _type(types.get(path))))
            if said[key] <= 0:
                yield path
            said[key] -= 1
        elif there.isdisjoint(_places(translation, fate)) and values.isdisjoint(_names(sent, text)):
            yield path


def _names(sent: Sent, text: str) -> set[str]:
    """What a deletion may ask v3 for instead: it looks accounts up, and deletes users or extensions."""
    deletes = sent.translation.old.name.startswith("Del")
    return {text.strip(), *sent.known_as.get(text.strip(), ())} if deletes else set()


def _said(sent: Sent) -> Counter[tuple[str, str, str]]:
    """What the v3 calls say: operation, path and value, how often."""
    said: Counter[tuple[str, str, str]] = Counter()
    for operation, request in sent.calls:
        types = _new_types(operation, sent.new)
        for path, text in request.leaves():
            said[operation, path, canonical(text, types.get(path))] += 1
            for above in _above(path):
                said[operation, above, ""] += 1
    return said


@cache
def _new_types(operation: str, interface: Interface) -> dict[str, Simple | None]:
    return {path: _type(decl) for path, decl in paths(interface.operations[operation].input)}


def _type(decl: ElementDecl | Attribute | None) -> Simple | None:
    return decl.simple if isinstance(decl, ElementDecl) else decl.type if decl is not None else None


def _place(translation: Translation, fate: Fate) -> tuple[str, str]:
    """The v3 operation and path that a fate tells of."""
    operation, colon, path = (fate.v3_path or "").partition(":")
    return (operation, path) if colon else (translation.new.full_name, fate.v3_path or "")


def _places(translation: Translation, fate: Fate) -> Iterator[tuple[str, str]]:
    """All that it may mean: several calls of a plan may take it, or an account's other name stand for it."""
    operation, path = _place(translation, fate)
    yield operation, path
    for leg in translation.legs.values():
        for each in leg.fates:
            if each.direction == "request" and each.path == fate.path and each.v3_path:
                yield leg.new.full_name, each.v3_path
    for rule in translation.declared.rules:
        if isinstance(rule, AccountPath) and rule.old == fate.path and rule.only != "answer" and rule.new:
            yield operation, rule.new


def _above(path: str) -> list[str]:
    steps = path.split("/")
    return ["/".join(steps[:end]) for end in range(1, len(steps))]


def _is_below(path: str, told: str) -> bool:
    return path == told or path.startswith((told + "/", told + "/@"))
