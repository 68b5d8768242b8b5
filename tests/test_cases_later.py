"""Golden conversations against later versions of v3: the same calls, valid there, and the same old answers.

Each conversation of `tests/cases` that is about 3.0.0 is held once more with every later version that is
described, with v3's answers brought into its form by its own rows. What 2.5 gets may differ only in what the
version has differently.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.core.commands.backend import Call
from shim.core.message import Element
from shim.core.parse import ANSWER_LIMITS, parse
from shim.core.schema.interface import ElementDecl
from shim.interfaces.dialects import known
from shim.interfaces.load import Dialect, new, old, rows_of
from tests.support.conversation import World
from tests.support.schemas import assert_valid
from tests.test_cases import _LOGIN, _SERVER_INFO, FILES, Case, _operation, _xml, wrap

LATER = known()[1:]
PLAIN = [path for path in FILES if not Case.read(path).get("backend")]
FIVE = ("mailboxSize", "recordStorage", "soundStorage", "mohStorage", "faxStorage")
GONE = ("passwordStrength", "IMManag")
"""What 5.2.5 has no more, so that an answer of it cannot say it."""
TOLD = ("notice", "output")
"""Notices tell of findings, of which there may be more; an output is a message in base64."""
EXTRA = ("GetOrganizationPL", "GetServiceProviderPL", "GetOrganizationDetails", "GetServiceProviderDetails")
"""What may be read before some of the five limits of storage are set."""


def later(answer: Element, decl: ElementDecl, renamed: dict[str, str]) -> Element:
    """An answer of 3.0.0 as a later version has it: renamed, merged, without what is gone there."""
    kind = decl.complex
    slots = kind.slots if kind is not None else {}
    children: list[Element] = []
    for each in answer.children:
        name = each.name if each.name in slots else renamed.get(each.name, each.name)
        if each.name in FIVE and "storage" in slots:
            if all(other.name != "storage" for other in children):
                children.append(Element("storage", each.text, each.attributes))
        elif name in slots:
            moved = later(each, slots[name].decl, renamed)
            children.append(Element(name, moved.text, moved.attributes, moved.children, nil=each.nil))
        elif each.name not in GONE:
            children.append(each)
    return Element(answer.name, answer.text, answer.attributes, children, nil=answer.nil)


def without(element: Element, names: frozenset[str]) -> Element:
    """The element without what the version has differently."""
    children = [without(each, names) for each in element.children if each.name not in names]
    return Element(element.name, element.text, element.attributes, children, nil=element.nil)


def held(path: Path, dialect: Dialect) -> tuple[World, Element | str | None]:
    """A conversation in a dialect: what was called, and the old answer or code and reason of the fault."""
    case = Case.read(path)
    renamed = {row.elements[0]: row.becomes for row in rows_of(dialect) if row.action == "rename"}
    told = {parse(wrap(each, _SERVER_INFO), "text/xml", ANSWER_LIMITS).body.name: each for each in case.answers}
    answers = list(case.answers)

    def backend(call: Call, request: Element) -> bytes:
        operation = new(dialect).operations[call.full_name]
        said = answers[0] if answers else told.get(operation.output.name, "")
        body = parse(wrap(said, _SERVER_INFO), "text/xml", ANSWER_LIMITS).body if said else Element("")
        if body.name not in (operation.output.name, "Fault") and call.operation in EXTRA:
            return wrap(f"<{operation.output.name}/>", _SERVER_INFO)
        answers.pop(0)
        if dialect.version == known()[0] or body.name != operation.output.name:
            return wrap(said, _SERVER_INFO)
        return wrap(_xml(later(body, operation.output, renamed)), _SERVER_INFO)

    world = case.world()
    world.backend, world.dialect = backend, dialect
    outcome = world.run(old().operations[_operation(path)], wrap(case.get("old request"), _LOGIN))
    for envelope in world.envelopes:
        assert_valid(envelope, new(dialect), texts_as_sent=case.get("texts") == "as sent")
    if outcome.answer is None:
        assert outcome.fault is not None
        return world, f"{outcome.fault.code} {outcome.fault.reason}"
    assert_valid(outcome.answer, old(), outcome.schema_version)
    return world, parse(outcome.answer, "text/xml", ANSWER_LIMITS).body


@pytest.mark.parametrize("version", LATER)
@pytest.mark.parametrize("path", PLAIN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_conversation_is_the_same_with_a_later_version(path: Path, version: str) -> None:
    before, answered = held(path, Dialect())
    after, answer = held(path, Dialect(version))
    made = [call.full_name for call, _ in after.calls]
    wanted = [call.full_name for call, _ in before.calls]
    assert [each for each in made if each in wanted or each.partition(".")[2] not in EXTRA] == wanted
    differs = frozenset((*FIVE, *GONE, *TOLD))
    if isinstance(answered, Element) and isinstance(answer, Element):
        assert without(answer, differs) == without(answered, differs)
    else:
        assert answer == answered
