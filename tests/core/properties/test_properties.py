"""For every translated operation: no leaf is lost in silence, and what is written is valid, both ways."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.core.catalogue.translation import Translation
from shim.core.commands.backend import Call
from shim.core.commands.extensions import Identity
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome
from shim.core.rules.extensions import AccountPath, Refer
from shim.core.rules.reference import AccountReference
from shim.core.rules.vocabulary import Computed
from shim.core.schema.interface import Operation
from shim.interfaces.load import new, old
from tests.support.conversation import World, catalogue, new_answer, old_request
from tests.support.messages import Messages
from tests.support.schemas import assert_valid
from tests.support.values import same

EXPECTED_FAULT = re.compile(
    r"The v3 backend answered without [\w/]+, which the answer needs\.|"
    r"(Parameter missing: [\w/, ]+; send it\.\s?)+(v3 cannot do without\.)?|"
    r"Bad value at ID: send the ID of a channel group that there is\.|"
    r"Bad value at notifyOnly: send a mask of four digits, each 0 or 1, for administrator, reseller, "
    r"client and extension\.|"
    r"There is no extension with this ID or identifier: look it up anew\.|"
    r"There is no industry with this ID: list them anew\.|"
    r"(Bad value at [\w/]+: send (an extension that there is|the ID of a device, above 0|"
    r"a height of 1 to \d+ pixels|10 for resellers, 50 for clients, 100 for extensions; [\w ,]+)\.\s?)+"
)
"""What random but valid messages may end in: v3 leaves out what 2.5 needs, or needs what 2.5 may leave out."""
MEANT = {
    "extensionID": ["7", "12", "35", "0020*001"],
    "assignedExtensions": ["7", "12", "35"],
    "line": ["1", "2"],
    "userLevel": ["10", "50", "100", "100"],
    "standardZoneHeight": ["1", "200"],
    "extendedZoneHeight": ["450", "800"],
}
"""What elements may hold whose type allows anything, or any number: three times out of four they do."""

TRANSLATED = sorted(
    name for name in catalogue().translations if not name.startswith(("Extension.", "GlobalOp."))
)
"""Those of Extension and GlobalOp have files of their own."""
REWORKED = ("Account.DelAccount", "Billing.GetChargingPlans", "PBX.GetDevices")
"""Their answers are put together or filtered by the shim: golden conversations judge them."""


class Mixed(World):
    """A world in which every second name is that of an extension, known to the identity map."""

    def find(self, by: str, value: str) -> tuple[Identity, ...]:
        found = super().find(by, value)
        number = crc32(value.encode())
        if found or number % 2:
            return found
        made = Identity(f"8{number}", f"7{number}", f"6{number}", f"0003*{number}", f"i {number}")
        self.identities.append(replace(made, **{by: value}))
        return super().find(by, value)


def unaccounted(translation: Translation, world: World, request: Element, outcome: Outcome) -> Counter[str]:
    """The leaves of a request that are in no backend call, not in the store, and not in a finding."""
    if translation.declared.emulates:
        assert "operation-emulated" in {each.code for each in outcome.findings}
        return Counter()  # what becomes of its leaves, test_emulated asks
    places = {fate.path: fate.v3_path for fate in translation.fates if fate.direction == "request"}
    sent = Counter((path, value) for _, call in world.calls for path, value in call.leaves())
    found = {each.path for each in outcome.findings}
    kept = {
        (f"{name}{path}", value)
        for fields in world.kept.values()
        for name, element in fields.items()
        for path, value in _below(element)
    }
    lost: Counter[str] = Counter()
    for path, value in request.leaves():
        found_at = next(
            (each for each in _sayings(translation, world, path, places, value) if sent[each]), None
        )
        if found_at is not None:
            sent[found_at] -= 1
        elif (path, value) not in kept and not _told(path, found):
            lost[path] += 1
    return lost


def _sayings(
    translation: Translation, world: World, path: str, places: dict[str, str | None], value: str
) -> list[tuple[str | None, str]]:
    """Where and how v3 may have been told a leaf; of an account that is an extension, by number or user."""
    accounts = [each for each in translation.declared.rules if isinstance(each, AccountPath)]
    rule = next((each for each in accounts if each.old == path and each.only != "answer"), None)
    told = [(places.get(path), value)]
    if rule is not None:
        told += [(rule.new, name) for each in world.identities for name in (each.number, each.user_id)]
    for each in translation.declared.rules:
        if each.old == path and isinstance(each, Computed):
            told.append((each.new, each.to_new(value) or ""))
        elif each.old == path and isinstance(each, Refer):
            told += [(each.new, identity.number) for identity in world.identities]
    return told


def _below(element: Element) -> list[tuple[str, str]]:
    own = [(f"/@{name}", value) for name, value in element.attributes.items()]
    if element.children:
        return own + [(f"/{path}", value) for path, value in element.leaves()]
    return [*own, ("", element.text or "")]


def _told(path: str, found: set[str]) -> bool:
    return any(path == each or path.startswith(each + "/") for each in found)


def answering(source: random.Random) -> object:
    """A backend whose answers are random and valid, as full or empty as the chance has it."""

    def backend(call: Call, request: Element) -> bytes:
        operation = new().operations[call.full_name]
        answer = Messages(source).message(operation.output)
        has_id = operation.output.complex is not None and "ID" in operation.output.complex.slots
        if operation.name.startswith("Add") and has_id and answer.child("ID") is None:
            answer.children.append(Element("ID", "77"))
        return new_answer(operation, answer)

    return backend


def meant(element: Element, source: random.Random) -> Element:
    """The same message with values that mean something, where a type says too little."""
    for each in element.children:
        if each.name in MEANT and each.text is not None and source.random() < 0.75:
            each.text = source.choice(MEANT[each.name])
        meant(each, source)
    return element


def exchange(operation: Operation, seed: int) -> tuple[World, Element, Outcome]:
    source = random.Random(seed)
    request = meant(Messages(source).message(operation.input), source)
    world = Mixed(answering(source))  # type: ignore[arg-type]
    outcome = world.run(operation, old_request(operation, request))
    return world, request, outcome


@pytest.mark.parametrize("name", TRANSLATED)
@settings(
    max_examples=500, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**63))
def test_no_leaf_is_lost_and_everything_written_is_valid(name: str, seed: int) -> None:
    translation = catalogue().translations[name]
    world, request, outcome = exchange(translation.old, seed)
    if outcome.fault is not None:
        assert outcome.fault.carried or EXPECTED_FAULT.fullmatch(outcome.fault.text), outcome.fault
    for envelope in world.envelopes:
        assert_valid(envelope, new())
    if outcome.answer is not None:
        assert_valid(outcome.answer, old())
        assert not unaccounted(translation, world, request, outcome)


@pytest.mark.parametrize("name", TRANSLATED)
def test_every_path_of_both_messages_has_exactly_one_fate(name: str) -> None:
    from shim.core.schema.interface import paths

    translation = catalogue().translations[name]
    for direction, decl in (("request", translation.old.input), ("answer", translation.old.output)):
        fates = Counter(fate.path for fate in translation.fates if fate.direction == direction)
        assert fates == Counter(path for path, _ in paths(decl))


@pytest.mark.parametrize("name", [each for each in TRANSLATED if each not in REWORKED])
def test_an_answer_carries_every_value_that_v3_gave_or_says_what_is_missing(name: str) -> None:
    translation = catalogue().translations[name]
    homes = {
        fate.v3_path: fate.path
        for fate in translation.fates
        if fate.direction == "answer" and fate.v3_path is not None
    }
    for seed in range(60):
        source = random.Random(seed)
        given_answers: list[Element] = []

        def backend(call: Call, request: Element, source: random.Random = source) -> bytes:
            operation = new().operations[call.full_name]
            answer = Messages(source, full=0.9, most=2).message(operation.output)
            if call.full_name == translation.new.full_name:
                given_answers.append(answer)  # noqa: B023
            return new_answer(operation, answer)

        request = meant(Messages(source).message(translation.old.input), source)
        world = Mixed(backend)
        outcome = world.run(translation.old, old_request(translation.old, request))
        if outcome.answer is None or not given_answers:
            continue
        told = Counter(parse(outcome.answer).body.leaves())
        told_of = {each.path for each in outcome.findings}
        for path, value in given_answers[-1].leaves():
            home = homes.get(path)
            if home is None:
                continue  # only v3 has it: the declarations say so, or the program would not have started
            said = {value}
            if AccountReference(path, "user_id") in translation.answer_references:
                said |= {each.old_id for each in world.identities if each.user_id == value}
            for each in translation.declared.rules:
                if each.new == path and isinstance(each, Computed):
                    said.add(each.to_old(value) or "")
            said |= {each for place, each in told if place == home and same(each, value)}
            if not value and (home, "") not in told:
                continue  # an empty text that no type of 2.5 allows there says no more than its absence
            found = next((each for each in said if told[(home, each)]), None)
            if found is not None:
                told[(home, found)] -= 1
            else:
                assert _told(home, told_of), f"{home} was answered by v3 and is not in the old answer"
