"""The properties of `test_properties`, for the service Extension: extensions are named differently in v3.

Every name stands for somebody here: the identity map answers for any ID, identifier, user and number, always
the same. A user has two extensions, so that siblings and second extensions come up all the time.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.core.catalogue.translation import Translation
from shim.core.commands.backend import Call
from shim.core.commands.extensions import Identity, Known
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome
from shim.core.rules.extensions import Refer
from shim.core.rules.reference import ExtensionReference, of_kind
from shim.core.schema.interface import paths
from shim.interfaces.load import new, old
from tests.support.conversation import World, new_answer, old_request, whole_catalogue
from tests.support.messages import Messages
from tests.support.schemas import assert_valid
from tests.support.values import same
from translations.extension.service import SERVICE

NAMES = sorted(each.name for each in SERVICE.operations if each.name not in {
    "AddExtension", "EditExtension", "GetExtensions", "GetExtensionDetails", "DelExtension",
})  # fmt: skip
"""The five that are an account and a phone at once have tests of their own."""
EXPECTED_FAULT = re.compile(
    r"The v3 backend answered without .+, which the answer needs\."
    r"|(Parameter missing: [\w/, ]+; send it\.\s?)+(v3 cannot do without\.)?"
    r"|Bad value at rule/ruleID: send the ID of a call rule of this extension\."
)
"""What random but valid messages may end in: v3 leaves out what 2.5 needs; a password for no extension."""
NARROWED = {"GetCardCode": "filter"}
"""What takes rows out of the answer of v3, because v3 cannot be asked for less."""


def somebody(by: str, value: str) -> tuple[Identity, ...]:
    """Who goes by that name: two extensions of one user for names of users, else one."""
    number = int(value) if by in ("old_id", "user_id") and value.isdecimal() else crc32(value.encode()) + 1
    first = Identity(str(number), f"7{number}", str(number), f"0003*{number}", f"i {number}")
    if by in ("user_id", "identifier"):
        first = replace(first, **{by: value})
        return first, replace(first, old_id=f"9{number}", number=f"0003*9{number}")
    if by == "old_id":
        return (replace(first, user_id=str(number + 3)),)
    return (replace(first, number=value, user_id=str(number + 3)),)


class AnyCallerWorld(World):
    """A world whose identity map knows everyone."""

    def find(self, by: str, value: str) -> tuple[Identity, ...]:
        return somebody(by, value)

    def learn(self, seen: Known) -> Identity:
        return somebody("number", seen.number)[0]


def places(translation: Translation, direction: str) -> Iterator[tuple[str, str]]:
    """(old path, v3 operation and path) of everything that goes over."""
    for fate in translation.fates:
        if fate.direction == direction and fate.v3_path is not None:
            prefix = "" if ":" in fate.v3_path else f"{translation.new.full_name}:"
            yield fate.path, prefix + fate.v3_path


def told(path: str, outcome: Outcome) -> bool:
    return any(path == each.path or path.startswith(each.path + "/") for each in outcome.findings)


def kept(world: World) -> set[tuple[str, str]]:
    """(last step of the path with its attribute, value) of all that is in the store."""
    found = set()
    for fields in world.kept.values():
        for element in fields.values():
            found.add((element.name, element.text or ""))
            found |= {(f"{element.name}/@{name}", value) for name, value in element.attributes.items()}
    return found


def unaccounted(translation: Translation, world: World, request: Element, outcome: Outcome) -> Counter[str]:
    """The leaves of a request that are in no v3 call, not in the store, and not in a finding."""
    homes = dict(places(translation, "request"))
    sent = Counter(
        (f"{call.full_name}:{path}", value) for call, body in world.calls for path, value in body.leaves()
    )
    names = {each.path: each.by for each in of_kind(translation.request_references, ExtensionReference)}
    names |= {each.old: each.by for each in translation.declared.rules if isinstance(each, Refer)}
    stored = kept(world)
    lost: Counter[str] = Counter()
    for path, value in request.leaves():
        said = {value}
        if path in names:
            said |= {name for who in somebody(names[path], value.strip()) for name in (who.number, who.user_id)}
        found = next((key for key in ((homes.get(path, ""), text) for text in said) if sent[key] > 0), None)
        if found is not None:
            sent[found] -= 1
        elif not told(path, outcome) and not _stored(path, value, stored):
            lost[path] += 1
    return lost


def _stored(path: str, value: str, stored: set[tuple[str, str]]) -> bool:
    return any(text == value and f"/{path}".endswith(f"/{name}") for name, text in stored)


def answering(source: random.Random, given_answers: list[tuple[str, Element]], **fullness: float) -> object:
    def backend(call: Call, request: Element) -> bytes:
        operation = new().operations[call.full_name]
        answer = Messages(source, **fullness).message(operation.output)  # type: ignore[arg-type]
        given_answers.append((call.full_name, answer))
        return new_answer(operation, answer)

    return backend


@pytest.mark.parametrize("name", NAMES)
@settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**63))
def test_no_leaf_is_lost_and_everything_written_is_valid(name: str, seed: int) -> None:
    translation = whole_catalogue().translations[f"Extension.{name}"]
    source = random.Random(seed)
    request = Messages(source).message(translation.old.input)
    world = AnyCallerWorld(answering(source, []))  # type: ignore[arg-type]
    outcome = world.run(translation.old, old_request(translation.old, request))
    if outcome.fault is not None:
        assert outcome.fault.carried or EXPECTED_FAULT.fullmatch(outcome.fault.text), outcome.fault
    for envelope in world.envelopes:
        assert_valid(envelope, new())
    if outcome.answer is not None:
        assert_valid(outcome.answer, old())
        if not (translation.legs and parse(outcome.answer).body.get("result") == "failure"):
            assert not unaccounted(translation, world, request, outcome)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_carries_every_value_that_v3_gave_or_says_what_is_missing(name: str) -> None:
    translation = whole_catalogue().translations[f"Extension.{name}"]
    homes = {place: path for path, place in places(translation, "answer")}
    by_number = {
        f"{translation.new.full_name}:{each.path}"
        for each in of_kind(translation.answer_references, ExtensionReference)
    }
    for seed in range(60):
        source = random.Random(seed)
        given_answers: list[tuple[str, Element]] = []
        request = Messages(source).message(translation.old.input)
        if name in NARROWED:
            request.children = [each for each in request.children if each.name != NARROWED[name]]
        world = AnyCallerWorld(answering(source, given_answers, full=0.9, most=2))  # type: ignore[arg-type]
        outcome = world.run(translation.old, old_request(translation.old, request))
        if outcome.answer is None:
            continue
        said = Counter(parse(outcome.answer).body.leaves())
        for operation, answer in given_answers:
            for path, value in answer.leaves():
                home = homes.get(f"{operation}:{path}")
                if home is None:
                    continue  # only v3 has it: the declarations say so, or the program would not have started
                if f"{operation}:{path}" in by_number:
                    value = somebody("number", value)[0].old_id  # noqa: PLW2901
                value = "queue" if value == "phoneQueue" else value  # noqa: PLW2901
                if not value and (home, "") not in said:
                    continue  # an empty text that the type does not allow says no more than its absence
                there = (each for each in said if said[each] > 0 and each[0] == home)
                found = next((each for each in there if same(each[1], value)), None)
                if found is not None:
                    said[found] -= 1
                else:
                    assert told(home, outcome), f"{home} was answered by v3 and is not in the old answer"


@pytest.mark.parametrize("name", NAMES)
def test_every_path_of_both_messages_has_exactly_one_fate(name: str) -> None:
    translation = whole_catalogue().translations[f"Extension.{name}"]
    for direction, decl in (("request", translation.old.input), ("answer", translation.old.output)):
        fates = Counter(fate.path for fate in translation.fates if fate.direction == direction)
        assert fates == Counter(path for path, _ in paths(decl))
