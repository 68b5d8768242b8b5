"""Bounds of a LinkedOp: how many operations, how much they answer, how deep a mapping goes."""

from __future__ import annotations

import base64

import pytest

from shim.core.commands.backend import Call
from shim.core.commands.caller import FaultForm
from shim.core.errors import BackendRefused, Fault
from shim.core.message import Element
from shim.core.parse import Limits, parse
from shim.core.pipeline import Outcome
from shim.interfaces.load import new, old
from tests.support.conversation import World, new_answer, old_request
from translations.globalop import service as globalop

LINKED = old().operations["GlobalOp.LinkedOp"]
LIST = base64.b64encode(b"<GetClientsRequest/>").decode()


def backend(call: Call, request: Element) -> bytes:
    row = Element("organization", children=[Element("ID", "20"), Element("name", "N"), Element("login", "n")])
    answer = Element("GetOrganizationsResponse", children=[row])
    return new_answer(new().operations[call.full_name], answer)


def operation(*mapping: str) -> Element:
    said = [Element("identifier", "x"), Element("package", LIST)]
    if mapping:
        names = ("responseParam", "requestParam", "node")
        pairs = [Element(name, text) for name, text in zip(names, mapping, strict=True)]
        append = [Element("identifier", "x"), Element("responseMapping", children=pairs)]
        said.append(Element("appendOpResponse", children=append))
    return Element("operation", children=said)


def run(*operations: Element) -> tuple[World, Outcome]:
    world = World(backend)
    request = Element("LinkedOpRequest", children=list(operations))
    world.faults = FaultForm(detail=True)
    return world, world.run(LINKED, old_request(LINKED, request))


def reasons(outcome: Outcome) -> list[str | None]:
    """The reason of each operation's fault; None for an answer."""
    assert outcome.answer is not None
    packed = [each.get("output") or "" for each in parse(outcome.answer).body.all("operation")]
    return [parse(base64.b64decode(each)).body.get("detail/fault/reason") for each in packed]


def test_no_operations_are_an_answer_too() -> None:
    _, outcome = run()
    assert outcome.answer is not None
    assert parse(outcome.answer).body.get("processedOp") == "0"


def test_the_number_of_operations_is_bounded() -> None:
    world, outcome = run(*(operation() for _ in range(Limits().repeats + 1)))
    assert outcome.fault is not None
    assert outcome.fault.reason == "over-limit"
    assert not world.calls


def test_no_operation_is_begun_once_the_answers_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(globalop, "MOST_ANSWERED", 700)
    world, outcome = run(*(operation() for _ in range(4)))
    assert reasons(outcome) == [None, None, "over-limit", "over-limit"]
    assert len(world.calls) == 2


def test_a_node_has_a_bounded_depth() -> None:
    deep = "//GetClientsRequest/" + "/".join("a" for _ in range(Limits().depth + 1))
    _, outcome = run(operation(), operation("ID", "ID", deep))
    assert reasons(outcome) == [None, "over-limit"]


def test_the_number_of_mappings_is_bounded() -> None:
    many = operation("ID", "ID", "")
    name, mapping = many.children[-1].children
    whole = Element("appendOpResponse", children=[name, *[mapping] * Limits().repeats])
    many.children.append(whole)
    world, outcome = run(operation(), many)
    assert reasons(outcome) == [None, "over-limit"]
    assert len(world.calls) == 1


@pytest.mark.parametrize("mapping", [("", "ID", ""), ("/", "/", "/"), ("ID", "a b", ""), ("@ID", "ID", "")])
def test_a_mapping_that_names_nothing_fails_by_itself(mapping: tuple[str, str, str]) -> None:
    _, outcome = run(operation(), operation(*mapping), operation())
    assert [bool(each) for each in reasons(outcome)] == [False, True, False]


def test_the_answers_are_in_the_version_of_the_caller() -> None:
    message = old_request(LINKED, Element("LinkedOpRequest", children=[operation()])).replace(
        b"2.5.1", b"2.0.3"
    )
    outcome = World(backend).run(LINKED, message)
    assert outcome.answer is not None
    output = base64.b64decode(parse(outcome.answer).body.get("operation/output") or "")
    assert b"xsd/2.0.3" in output
    assert b"2.5.1" not in output


def test_each_call_inside_is_one_of_its_own_operation() -> None:
    """With its findings at its own paths, which the list as a whole has at the place of the package."""
    call = base64.b64encode(b"<GetClientsRequest><naem>x</naem></GetClientsRequest>").decode()
    nothing = base64.b64encode(b"<Nothing/>").decode()
    strange = Element("operation", children=[Element("identifier", "y"), Element("package", nothing)])
    holding = Element("operation", children=[Element("identifier", "z"), Element("package", call)])
    _, outcome = run(operation(), strange, holding, holding)
    assert [(each.operation, each.fault) for each in outcome.inner] == [("Client.GetClients", None)] * 3
    assert [[(each.code, each.path) for each in one.findings] for one in outcome.inner] == [
        [],
        [("unknown-element", "naem")],
        [("unknown-element", "naem")],
    ]
    assert [(each.code, each.path, each.count, each.inner) for each in outcome.findings] == [
        ("package-failed", "package[2]", 1, False),
        ("unknown-element", "package[3]/GetClientsRequest/naem", 2, True),
    ]
    assert [(each.first, each.last) for each in outcome.inner] == [(0, 1), (1, 2), (2, 3)]


def test_an_inner_call_is_admitted_by_its_own_rung() -> None:
    body = old_request(LINKED, Element("LinkedOpRequest", children=[operation(), operation()]))
    world = World(backend, faults=FaultForm(detail=True))
    world.rungs = {"Client.GetClients": "locked"}
    outcome = world.run(LINKED, body)
    assert reasons(outcome) == ["locked", "locked"]
    assert not world.calls
    assert outcome.rung == "translate"
    assert [each.fault for each in outcome.inner] == ["locked", "locked"]
    world.rungs = {"Client.*": "v3"}
    outcome = world.run(LINKED, body)
    assert reasons(outcome) == [None, None]
    assert [[each.code for each in one.findings] for one in outcome.inner] == [["came-back"], ["came-back"]]
    assert not list(outcome.findings.own)
    world.rungs = {"GlobalOp.LinkedOp": "locked"}
    outcome = world.run(LINKED, body)
    assert outcome.fault is not None
    assert outcome.fault.reason == "locked"
    assert not outcome.inner


def test_a_call_that_was_undone_is_a_fault_and_undoing_is_no_call() -> None:
    """What the list did to take it back was asked for by nobody."""

    def answers(call: Call, request: Element) -> bytes | Fault:
        if call.operation == "EditOrganization":
            return BackendRefused("backend-fault", "No.", "520")
        wanted = new().operations[call.full_name]
        said = Element("ID", "20") if call.operation == "AddOrganization" else Element("result", "success")
        return new_answer(wanted, Element(wanted.output.name, children=[said]))

    add = (
        "<AddClientRequest><name>N</name><company>C Ltd</company><login>l</login><password>p</password>"
        "</AddClientRequest>"
    )
    edit = "<EditClientRequest><ID>20</ID><name>N</name></EditClientRequest>"
    packed = [
        Element("operation", children=[
            Element("identifier", name), Element("package", base64.b64encode(text.encode()).decode()),
            Element("finalOnFailure", "1"),
        ])
        for name, text in (("a", add), ("b", edit))
    ]  # fmt: skip
    world = World(answers)
    outcome = world.run(LINKED, old_request(LINKED, Element("LinkedOpRequest", children=packed)))
    assert [call.operation for call, _ in world.calls][-1] == "DelOrganization"
    assert [(each.operation, each.fault) for each in outcome.inner] == [
        ("Client.AddClient", "undone"),
        ("Client.EditClient", "backend-fault"),
    ]
    assert [each.code for each in outcome.findings.own] == ["package-failed", "package-undone"]
