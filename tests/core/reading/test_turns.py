"""Work on long messages calls what is interpreted now and then: only there do other threads get their turn."""

from __future__ import annotations

from types import FunctionType

import pytest

from shim.compiled import MODULES
from shim.core import parse, serialise, translate
from shim.core.commands.caller import Caller
from shim.core.context import CallContext
from shim.core.message import Element
from shim.core.reading import plain_answers, turns
from shim.core.reading.turns import EACH
from tests.support.conversation import catalogue

ROWS = 50 * EACH


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where turns were given."""
    given: list[str] = []
    for module in (parse, plain_answers, translate, serialise):
        name = module.__name__.rpartition(".")[2]
        monkeypatch.setattr(module, "give_turn", lambda name=name: given.append(name))
    return given


def test_the_function_that_gives_turns_is_interpreted() -> None:
    assert isinstance(turns.give_turn, FunctionType)
    assert turns.__name__ not in MODULES


def test_a_long_list_gives_turns_in_all_that_walks_through_it(given: list[str]) -> None:
    rows = "".join(f"<client><ID>{number}</ID></client>" for number in range(1, ROWS + 1))
    body = f"<GetOrganizationsResponse>{rows}</GetOrganizationsResponse>"
    message = f"<Envelope><Body>{body}</Body></Envelope>"
    parsed = parse.parse_answer(message.encode()).body
    assert given.count("plain_answers") >= ROWS // EACH
    assert parse.parse_answer(message.replace("<Body>", "<Body><!-- no plain one -->").encode()).body == parsed
    assert given.count("parse") >= ROWS // EACH
    translation = catalogue().translations["Client.GetClients"]
    row = next(iter(translation.answer.entries))
    answer = Element(translation.new.output.name, children=[Element(row, children=[]) for _ in parsed.children])
    old = translation.to_old(answer, CallContext(catalogue(), Element("GetClients"), Caller("a")))
    assert given.count("translate") >= ROWS // EACH
    shape = translation.old.output.complex
    assert shape is not None
    old.children = [Element(next(iter(shape.slots))) for _ in range(ROWS)]
    translation.old_writer.write(old)
    assert given.count("serialise") >= ROWS // EACH
