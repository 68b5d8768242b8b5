"""Operations without a v3 successor: the shim serves them itself, and says so each time."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.core.catalogue.build import compile_catalogue
from shim.core.commands.backend import Call
from shim.core.context import CallContext
from shim.core.errors import CallerError, DeclarationError
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome, Request, Shim, exchange
from shim.core.rules.declare import emulated, service
from shim.core.rules.vocabulary import drop
from shim.interfaces.load import new, old
from tests.support.conversation import World, catalogue, new_answer, old_request
from tests.support.messages import Messages
from tests.support.schemas import assert_valid

EMULATED = sorted(name for name, each in catalogue().translations.items() if each.declared.emulates)
HEIGHTS = {"standardZoneHeight": 200, "extendedZoneHeight": 800}


def no_backend(call: Call, request: Element) -> bytes:
    raise AssertionError(f"{call.full_name} was called")


def call(world: World, name: str, /, *children: Element, path: str | None = None, **texts: str) -> Outcome:
    operation = old().operations[name]
    fields = [*children, *(Element(key, text) for key, text in texts.items())]
    body = Element(operation.input.name, children=fields)
    return world.run(operation, old_request(operation, body), path)


def body(outcome: Outcome) -> Element:
    assert outcome.answer is not None, outcome.fault
    assert_valid(outcome.answer, old())
    return parse(outcome.answer).body


def codes(outcome: Outcome) -> set[tuple[str, str]]:
    return {(each.code, each.path) for each in outcome.findings}


def test_these_and_no_others() -> None:
    without_successor = {
        f"PBX.{name}" for name in set(old().services["PBX"].operations) - set(new().services["PBX"].operations)
    }
    assert set(EMULATED) == without_successor | {"PBX.GetSchemaVersions"}
    assert len(without_successor) == 7


@pytest.mark.parametrize("name", EMULATED)
def test_every_path_is_emulated_with_a_finding_and_a_reason(name: str) -> None:
    for fate in catalogue().translations[name].fates:
        assert (fate.fate, fate.v3_path, fate.finding) == ("emulated", None, "operation-emulated")
        assert fate.because


@pytest.mark.parametrize("name", EMULATED)
@pytest.mark.parametrize("seed", range(40))
def test_whatever_is_asked_no_v3_call_is_made_and_answers_are_valid(name: str, seed: int) -> None:
    operation = old().operations[name]
    request = Messages(random.Random(seed)).message(operation.input)
    for height, most in HEIGHTS.items():
        for each in request.all(height):
            each.text = str(min(int(each.text or 0), most))
    outcome = World(no_backend).run(operation, old_request(operation, request))
    assert ("operation-emulated", operation.input.name) in codes(outcome)
    if outcome.fault is not None:
        assert outcome.fault.reason == "unknown-industry"
    else:
        body(outcome)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**63))
def test_what_is_added_and_changed_is_listed_to_the_last_leaf(seed: int) -> None:
    source = random.Random(seed)
    messages = Messages(source)
    added = messages.message(old().operations["PBX.AddIndustry"].input)
    changed = messages.message(old().operations["PBX.EditIndustry"].input)
    for request in (added, changed):
        for name in HEIGHTS:
            for child in request.all(name):
                child.text = str(source.randint(1, 200))
    world = World(no_backend)
    number = body(call(world, "PBX.AddIndustry", *added.children)).get("ID") or ""
    sent = {child.name: child.text or "" for child in added.children}
    assert listed(world) == [{"extendedZoneHeight": "450", **sent, "ID": number}]
    changes = [child for child in changed.children if child.name != "ID"]
    body(call(world, "PBX.EditIndustry", *changes, ID=number))
    sent |= {child.name: child.text or "" for child in changes}
    assert listed(world) == [{"extendedZoneHeight": "450", **sent, "ID": number}]


def listed(world: World) -> list[dict[str, str]]:
    rows = body(call(world, "PBX.GetIndustries")).all("industry")
    return [{child.name: child.text or "" for child in row.children} for row in rows]


def test_an_id_is_never_issued_twice() -> None:
    world, seen = World(no_backend), Counter[str]()
    for number in range(5):
        made = call(world, "PBX.AddIndustry", name=f"I{number}", standardZoneCode="z", standardZoneHeight="1")
        seen[body(made).get("ID") or ""] += 1
        body(call(world, "PBX.DelIndustries", ID=list(seen)[-1]))
    assert max(seen.values()) == 1
    assert listed(world) == []


@pytest.mark.parametrize("name", ["AddIndustry", "EditIndustry", "DelIndustries"])
def test_who_may_only_read_industries_is_refused_and_changes_nothing(name: str) -> None:
    world = World(no_backend)
    body(call(world, "PBX.AddIndustry", name="Retail", standardZoneCode="z", standardZoneHeight="1"))
    before = {key: dict(fields) for key, fields in world.kept.items()}
    world.settings = {"industries": "read"}
    texts = (
        {"name": "Other", "standardZoneCode": "z", "standardZoneHeight": "1"} if name == "AddIndustry" else {}
    )
    if name != "AddIndustry":
        texts = {"ID": "1001"}
    fault = call(world, f"PBX.{name}", **texts).fault
    assert fault is not None
    assert (fault.reason, fault.code, fault.side) == ("no-permission", "520", "Client")
    assert world.kept == before
    assert len(listed(world)) == 1


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("AddIndustry", {"name": "N", "standardZoneCode": "z", "standardZoneHeight": "1"}),
        ("EditIndustry", {"ID": "1001"}),
        ("GetIndustries", {}),
        ("DelIndustries", {"ID": "1001"}),
    ],
)
def test_without_the_store_it_is_a_fault(name: str, texts: dict[str, str]) -> None:
    fault = call(World(no_backend, store_down=True), f"PBX.{name}", **texts).fault
    assert fault is not None
    assert fault.reason == "store-unavailable"


def test_without_the_store_a_client_is_added_and_its_industry_is_said_to_be_lost() -> None:
    def backend(asked: Call, request: Element) -> bytes:
        answer = [Element("ID", "108"), Element("result", "success")]
        operation = new().operations[asked.full_name]
        return new_answer(operation, Element(operation.output.name, children=answer))

    world = World(backend, store_down=True)
    added = call(world, "Client.AddClient", name="N", company="Northwind", login="n", industry="Retail")
    assert body(added).get("ID") == "108"
    assert ("kept-value-lost", "industry") in codes(added)


def test_nobody_is_served_who_is_not_known() -> None:
    operation = old().operations["PBX.GetIndustries"]
    request = Request("/soap2/pbx_agent.php", "", old_request(operation, Element(operation.input.name)))
    under_way: Any = exchange(Shim(catalogue()), request)
    next(under_way)
    with pytest.raises(StopIteration) as ended:
        under_way.throw(CallerError("unknown-caller", "Who are you?", "100"))
    outcome = ended.value.value
    assert outcome.answer is None
    assert outcome.fault.code == "100"


def test_a_wrong_rule_stops_the_program() -> None:
    def steps(context: CallContext) -> Element:
        raise AssertionError

    declared = emulated("GetIndustries", steps, "a reason", [drop("colour", "no such thing")])
    with pytest.raises(DeclarationError) as caught:
        compile_catalogue(old(), new(), [service("PBX", "PBX", declared)])
    assert "PBX.GetIndustries: the rule for colour fits neither request nor answer" in caught.value.problems


# ---- what the interface has in an odd place ----


@pytest.mark.parametrize("name", ["GetEquipmentList", "DelDevice"])
@pytest.mark.parametrize("endpoint", ["pbx", "extension"])
def test_calls_with_the_soap_action_of_extension_come_on_either_endpoint(name: str, endpoint: str) -> None:
    def backend(asked: Call, request: Element) -> bytes:
        operation = new().operations[asked.full_name]
        said = [Element("items", "1"), Element("result", "success")] if name == "DelDevice" else []
        return new_answer(operation, Element(operation.output.name, children=said))

    world = World(backend)
    texts = {"deviceID": "8"} if name == "DelDevice" else {}
    outcome = call(world, f"PBX.{name}", path=f"/soap2/{endpoint}_agent.php", **texts)
    body(outcome)
    [(made, _)] = world.calls
    small = name[0].lower() + name[1:]
    assert (made.endpoint, made.soap_action) == (
        "/soap2/pbx_agent.php",
        f"http://4psa.com/Extension/3.0.0:{small}In",
    )
    assert (("wrong-endpoint", f"{name}Request") in codes(outcome)) is (endpoint == "extension")


def test_the_odd_soap_actions_are_those_of_the_vendor() -> None:
    odd = {
        each.name: each.soap_action
        for each in old().services["PBX"].operations.values()
        if each.soap_action != f"http://4psa.com/PBX/2.5.1:{each.name[0].lower()}{each.name[1:]}In"
    }
    assert odd == {
        "GetCallAPISettings": "http://4psa.com/PBX/2.5.1:grtCallAPISettingsIn",
        "DelCustomButton": "http://4psa.com/PBX/2.0.0:delCustomButtonIn",
        "GetEquipmentList": "http://4psa.com/Extension/2.5.1:getEquipmentListIn",
        "DelDevice": "http://4psa.com/Extension/2.5.1:delDeviceIn",
    }
