"""LinkedOp with packages of random, valid calls of all services: each is served exactly like the call alone."""

from __future__ import annotations

import base64
import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shim.core.commands.backend import Call
from shim.core.findings import Findings
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.pipeline import Outcome
from shim.core.schema.interface import Operation, paths
from shim.interfaces.load import new, old
from tests.core.properties.test_properties_extension import AnyCallerWorld
from tests.support.conversation import catalogue, new_answer, old_request
from tests.support.messages import Messages, package
from tests.support.schemas import assert_valid
from translations.globalop.undo import UNDONE_BY

LINKED = old().operations["GlobalOp.LinkedOp"]
NAMES = sorted(set(catalogue().translations) - {LINKED.full_name})


class Backend:
    """Answers at random, the same to the same calls in the same order; some calls are refused."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def __call__(self, call: Call, request: Element) -> bytes:
        operation = new().operations[call.full_name]
        if self.random.random() < 0.1:
            return _REFUSED
        answer = Messages(self.random, most=2).message(operation.output)
        for each in answer.children:
            if each.name == "result":
                each.text = "success"
        return new_answer(operation, answer)


_REFUSED = (
    b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>e:Client'
    b"</faultcode><faultstring>No.</faultstring><detail><code>520</code></detail></e:Fault></e:Body></e:Envelope>"
)


def alone(seed: int, calls: list[tuple[Operation, Element]]) -> tuple[AnyCallerWorld, list[Outcome]]:
    world = AnyCallerWorld(Backend(seed))
    return world, [world.run(operation, old_request(operation, request)) for operation, request in calls]


def linked(seed: int, calls: list[tuple[Operation, Element]]) -> tuple[AnyCallerWorld, Outcome]:
    world = AnyCallerWorld(Backend(seed))
    operations = [
        Element("operation", children=[Element("identifier", str(number)), package(operation, request)])
        for number, (operation, request) in enumerate(calls)
    ]
    return world, world.run(LINKED, old_request(LINKED, Element("LinkedOpRequest", children=operations)))


def below(findings: Findings) -> Counter[tuple[str, str]]:
    """Findings without the package and the operation that they are about, those about packages left out."""
    found: Counter[tuple[str, str]] = Counter()
    for each in findings:
        if not each.code.startswith("package-"):
            found[each.code, each.path.partition("/")[2].partition("/")[2]] += each.count
    return found


@settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
@given(seed=st.integers(0, 2**63))
def test_a_package_is_served_like_the_call_alone(seed: int) -> None:
    source = random.Random(seed)
    chosen = [old().operations[name] for name in source.choices(NAMES, k=4)]
    calls = [(each, Messages(source, most=2).message(each.input)) for each in chosen]
    one_by_one, outcomes = alone(seed, calls)
    at_once, outcome = linked(seed, calls)

    assert [(call.full_name, request) for call, request in at_once.calls] == [
        (call.full_name, request) for call, request in one_by_one.calls
    ]
    assert at_once.kept == one_by_one.kept
    assert outcome.calls == [each for outcome in outcomes for each in outcome.calls]
    told = sum(
        (Counter({(each.code, each.path): each.count for each in one.findings}) for one in outcomes), Counter()
    )
    if len(told) < Findings.MOST:
        assert below(outcome.findings) == told

    assert outcome.answer is not None
    assert_valid(outcome.answer, old())
    answer = parse(outcome.answer).body
    assert answer.get("processedOp") == str(len(calls))
    for entry, one in zip(answer.all("operation"), outcomes, strict=True):
        output = base64.b64decode(entry.get("output") or "")
        body = parse(output).body
        if one.answer is None:
            assert one.fault is not None
            assert (entry.get("result"), body.name) == ("failure", "Fault")
            assert one.fault.text.rstrip() in (body.get("faultstring") or "")
        else:
            assert_valid(output, old())
            assert body == parse(one.answer).body
            success = (body.get("result") or "success") == "success"
            assert entry.get("result") == ("success" if success else "failure")


def test_every_path_has_exactly_one_fate_and_none_is_a_place_in_v3() -> None:
    translation = catalogue().translations[LINKED.full_name]
    for direction, decl in (("request", LINKED.input), ("answer", LINKED.output)):
        fates = [each for each in translation.fates if each.direction == direction]
        assert sorted(each.path for each in fates) == sorted(path for path, _ in paths(decl))
        assert all(each.v3_path is None and each.because for each in fates)


@pytest.mark.parametrize("addition", UNDONE_BY)
def test_what_undoes_an_addition_takes_what_it_is_given(addition: str) -> None:
    declared = UNDONE_BY[addition]
    added, deleted = old().operations[addition], old().operations[declared.operation]
    assert added.input.complex is not None
    assert added.output.complex is not None
    assert deleted.input.complex is not None
    assert "ID" in added.output.complex.slots
    assert deleted.input.complex.slots["ID"].repeated
    assert set(declared.also) <= set(added.input.complex.slots)
    given = {"ID", *declared.also.values()}
    assert given <= set(deleted.input.complex.slots)
    assert all(given & set(demand.names) for demand in deleted.input.complex.demands)
    for one, other in pairwise(name for name in declared.also.values() if name.startswith("user")):
        ours, theirs = (deleted.input.complex.slots[each].choices for each in (one, other))
        assert {number for number, _ in ours} == {number for number, _ in theirs}, "they exclude each other"
