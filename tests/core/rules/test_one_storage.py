"""Backends with one limit for all that is stored: the five of 2.5 add up to it, and share it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shim.core.commands.backend import Call
from shim.core.message import Element
from shim.core.parse import parse_answer
from shim.core.schema.interface import paths
from shim.interfaces.load import Dialect, new, old
from tests.support.conversation import World, catalogue, new_answer, old_request
from translations.shared.one_storage import FIVE, STORAGE

ONE = Dialect(storage_limits="one")
WHERE = {
    *("Client.SetClientPL", "Client.UpdateClientPL", "Client.GetClientPL"),
    *("Reseller.SetResellerPL", "Reseller.UpdateResellerPL", "Reseller.GetResellerPL"),
    *("Extension.SetExtensionPL", "Extension.GetExtensionPL"),
}


@pytest.mark.parametrize("names", ["name", "both", "split"])
def test_it_compiles_with_every_way_to_have_names(names: str) -> None:
    compiled = catalogue(Dialect("3.5.0", names, "one"))  # type: ignore[arg-type]
    assert set(compiled.translations) == set(catalogue().translations)


def test_wherever_the_interface_has_it_a_rule_is_there_and_nowhere_else() -> None:
    there = {
        name
        for name, each in catalogue(ONE).translations.items()
        for side in (each.new.input, each.new.output)
        if any(path.rpartition("/")[2] == STORAGE and each.new.name.endswith("PL") for path, _ in paths(side))
    }
    assert there == WHERE
    plain = {path.rpartition("/")[2] for path, _ in paths(new().operations["User.SetUserPL"].input)}
    assert set(FIVE) <= plain
    assert STORAGE not in plain


def answered(total: str, unlimited: str) -> World:
    """A backend whose client has this one limit, and takes any other."""

    def backend(call: Call, request: Element) -> bytes:
        operation = new(ONE).operations[call.full_name]
        answer = Element(operation.output.name)
        if call.operation.startswith("Get"):
            limit = Element(STORAGE, total, {"unlimited": unlimited})
            answer.children.append(Element("userPL", children=[limit]))
        else:
            answer.children += [Element("result", "success"), Element("ID", "20")]
        return new_answer(operation, answer, ONE)

    return World(backend, {"user_max": "leave"}, dialect=ONE)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_who_writes_what_was_read_changes_nothing(total: int, unlimited: bool) -> None:
    world = answered(str(total), "true" if unlimited else "false")
    read = old().operations["Client.GetClientPL"]
    outcome = world.run(read, old_request(read, Element(read.input.name, children=[Element("ID", "20")])))
    assert outcome.answer is not None
    limits = parse_answer(outcome.answer).body.children[0].children
    five = [each for each in limits if each.name in FIVE]
    assert [each.name for each in five] == list(FIVE)
    numbers = [int(each.text or 0) for each in five]
    assert all(left - right in (0, 1) for left, right in pairwise(numbers))
    write = old().operations["Client.SetClientPL"]
    world.run(write, old_request(write, Element(write.input.name, children=[*five, Element("ID", "20")])))
    sent = world.calls[-1][1].child(STORAGE)
    assert sent is not None
    said = (sent.attributes["unlimited"], None if unlimited else sent.text)
    assert said == (("true", None) if unlimited else ("false", str(total)))
