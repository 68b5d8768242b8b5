"""Policies on every operation that has something to choose, and the words that rules ask with."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from shim.core.catalogue.choices import ChoicePoint, choose, chosen, places
from shim.core.catalogue.translation import Translation
from shim.core.commands.caller import Caller
from shim.core.context import CallContext
from shim.core.errors import CallerError
from shim.core.findings import KINDS
from shim.core.message import Element
from shim.core.policies import ANY, CHOICES, GOVERNED, Do, Policies, Policy, possible
from shim.core.rules.choices import accepts, gives
from shim.core.schema.interface import ElementDecl, paths
from shim.interfaces.load import old
from tests.core.properties.test_properties import Mixed, answering, unaccounted
from tests.support.conversation import catalogue, old_request
from tests.support.messages import Messages

CHOOSABLE = sorted(
    name for name, each in catalogue().translations.items() if any(not place.odd for place in places(each))
)
"""Operations in which ordinary messages meet a choice."""
SEEDS = range(40)


def translation(name: str) -> Translation:
    return catalogue().translations[name]


def working(name: str, *policies: Policy) -> CallContext:
    """A call of the operation, with what was chosen for it."""
    caller = Caller("tester", policies=Policies(policies))
    request = Element(translation(name).old.input.name)
    context = CallContext(catalogue(), request, caller, translation=translation(name))
    choose(context)
    return context


def told(context: CallContext) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in context.record.findings]


# ---- every operation ----


def test_something_can_be_chosen_in_all_services_that_emulate_or_drop() -> None:
    services = {name.partition(".")[0] for name in CHOOSABLE}
    assert services == {"Reseller", "Client", "Extension", "PBX"}
    assert all(each.choices for name in CHOOSABLE for each in places(translation(name)))


def test_every_governed_finding_is_known() -> None:
    assert set(GOVERNED) <= set(KINDS)


@pytest.mark.parametrize("name", CHOOSABLE)
def test_what_is_dropped_by_choice_is_neither_kept_nor_answered_and_never_silent(name: str) -> None:
    operation = old().operations[name]
    for seed in SEEDS:
        source = random.Random(seed)
        request = Messages(source).message(operation.input)
        world = Mixed(answering(source), policies=Policies([Policy("drop")]))  # type: ignore[arg-type]
        outcome = world.run(operation, old_request(operation, request))
        codes = {each.code for each in outcome.findings}
        assert not codes & {"field-kept", "field-emulated"}
        assert not world.kept
        if not name.startswith("Extension.") and outcome.fault is None:
            assert not unaccounted(translation(name), world, request, outcome)


@pytest.mark.parametrize("name", CHOOSABLE)
def test_what_is_refused_by_choice_never_reaches_a_write(name: str) -> None:
    operation = old().operations[name]
    refused = 0
    never = {path for path, decl in paths(operation.input) if isinstance(decl, ElementDecl) and decl.max == 0}
    can = any(
        "refuse" in each.choices
        for each in places(translation(name))
        if not each.odd and each.path not in never
    )
    for seed in range(1000):
        if seed >= len(SEEDS) and (refused or not can):
            break
        source = random.Random(seed)
        request = Messages(source).message(operation.input)
        world = Mixed(answering(source), policies=Policies([Policy("refuse")]))  # type: ignore[arg-type]
        outcome = world.run(operation, old_request(operation, request))
        codes = {each.code for each in outcome.findings}
        assert not codes & {"field-kept", "field-dropped"}
        if "field-refused" in codes:
            refused += 1
            assert outcome.fault is not None
            assert not [call for call, _ in world.calls if call.writes]
        assert not world.kept
    assert bool(refused) == can


# ---- which policy counts ----


def test_a_policy_names_an_operation_a_service_or_all() -> None:
    assert Policy("drop", "Client.AddClient").covers("Client.AddClient")
    assert not Policy("drop", "Client.AddClient").covers("Client.EditClient")
    assert Policy("drop", "Client.*").covers("Client.EditClient")
    assert not Policy("drop", "Client.*").covers("Reseller.EditReseller")
    assert Policy("drop").covers("Reseller.EditReseller")


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([], "emulate"),
        ([Policy("drop")], "drop"),
        ([Policy("drop", path="industry")], "drop"),
        ([Policy("drop", path="advertisingTemplate")], "emulate"),
        ([Policy("drop", "Reseller.*")], "emulate"),
        ([Policy("drop", finding="field-emulated")], "emulate"),
        ([Policy("emulate", path="industry"), Policy("refuse")], "emulate"),
        ([Policy("refuse"), Policy("emulate", path="industry")], "refuse"),
        ([Policy("refuse", finding="field-dropped"), Policy("drop")], "drop"),
    ],
)
def test_the_first_policy_that_covers_the_place_counts(policies: list[Policy], expected: Do) -> None:
    assert working("Client.AddClient", *policies).policy("field-kept", "industry") == expected


def test_a_policy_that_cannot_act_at_a_place_leaves_it_to_the_next() -> None:
    """A write is not refused for its answer; what is dropped is not emulated."""
    context = working("Client.AddClient", Policy("refuse"), Policy("drop", finding="field-emulated"))
    assert context.policy("field-kept", "industry") == "refuse"
    assert context.policy("field-emulated", "industry", "answer") == "drop"
    context = working("Extension.SetupExtension", Policy("emulate"), Policy("refuse", path="callback"))
    assert context.policy("field-dropped", "callback") == "refuse"
    assert context.policy("field-dropped", "intercomPaging") == "drop"


def test_a_read_can_be_refused_for_its_answer_and_a_write_not() -> None:
    assert "refuse" in possible("answer", "field-emulated", writes=False)
    assert "refuse" not in possible("answer", "field-emulated", writes=True)
    with pytest.raises(CallerError, match="v3 cannot answer with industry, advertisingTemplate,") as caught:
        working("Client.GetClientDetails", Policy("refuse", finding="field-emulated"))
    assert caught.value.reason == "field-refused"


def test_what_is_chosen_is_worked_out_once() -> None:
    policies = Policies([Policy("drop")])
    add = translation("Client.AddClient")
    assert chosen(policies, add) is chosen(policies, add)


# ---- what rules ask ----


def test_accepting_makes_the_rules_own_finding_with_its_reason() -> None:
    context = working("Client.AddClient")
    assert accepts(context, "field-kept", "industry", "Because.")
    assert [each.because for each in context.record.findings] == ["Because."]
    assert not context.record.problems


def test_a_reason_never_tells_of_what_was_not_done() -> None:
    context = working("Client.AddClient", Policy("drop"))
    assert not accepts(context, "field-kept", "industry", "The shim keeps it.")
    assert not gives(context, "industry", "The shim keeps it.")
    assert told(context) == [("field-dropped", "industry"), ("answer-field-unavailable", "industry")]
    assert not any("keeps" in each.because for each in context.record.findings)


def test_refusing_a_dropped_element_says_why_it_would_be_dropped() -> None:
    context = working("Channel.AddChannel", Policy("refuse"))
    assert not accepts(context, "field-dropped", "SIP/qualify", "v3 decides itself.")
    [problem] = context.record.problems
    assert problem.text.startswith("v3 decides itself. The shim's configuration chose to refuse it")


# ---- operations that v3 does not have ----


def emulated() -> Translation:
    plain = translation("Client.GetClients")
    return replace(plain, declared=replace(plain.declared, emulates="v3 has no such thing."))


def test_an_emulated_operation_is_answered_with_a_finding() -> None:
    context = CallContext(catalogue(), Element("GetClientsRequest"), Caller("tester"), translation=emulated())
    choose(context)
    assert told(context) == [("operation-emulated", "GetClientsRequest")]


def test_an_emulated_operation_can_be_refused_as_a_whole() -> None:
    policies = Policies([Policy("refuse", finding="operation-emulated")])
    caller = Caller("tester", policies=policies)
    context = CallContext(catalogue(), Element("GetClientsRequest"), caller, translation=emulated())
    with pytest.raises(CallerError, match="GetClientsRequest cannot be served") as caught:
        choose(context)
    assert caught.value.reason == "field-refused"
    assert told(context) == [("field-refused", "GetClientsRequest")]


def test_places_name_elements_and_whole_operations_but_no_attributes() -> None:
    found = places(emulated())
    assert found == (
        ChoicePoint("request", ANY, "operation-emulated", CHOICES["request", "operation-emulated"]),
    )
    paths = {each.path for each in places(translation("Client.AddClient"))}
    assert paths == {"industry", "advertisingTemplate"}
