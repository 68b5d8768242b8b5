"""Messages made from public bug reports of SOAP clients: what reaches v3 of each, and what is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from shim.core.commands.backend import Call
from shim.core.commands.extensions import Identity
from shim.core.errors import CallerError
from shim.core.message import Element
from shim.core.pipeline import Outcome
from shim.interfaces.load import old
from tests.support.conversation import World, new_answer, whole_catalogue

REPORTS = Path(__file__).parent / "reports"
EXTENSIONS = [Identity(str(n), f"9000{n}", str(n), f"0020*{n:03}", None) for n in (30, 31, 32)]


def answer(call: Call, request: Element) -> bytes:
    """What v3 answers with to anything: that it is done."""
    operation = whole_catalogue().new.operations[f"{call.service}.{call.operation}"]
    slots = operation.output.complex.slots if operation.output.complex else {}
    said = {"ID": "21", "result": "success"}
    return new_answer(
        operation,
        Element(operation.output.name, children=[Element(k, v) for k, v in said.items() if k in slots]),
    )


def sent(name: str) -> tuple[Outcome, list[tuple[str, list[tuple[str, str]]]]]:
    """The outcome of a report's message, and the v3 calls with the values that they carried."""
    body = next(REPORTS.glob(f"{name}-*")).read_bytes()
    world = World(answer, identities=list(EXTENSIONS))
    operation = next(each for each in old().operations.values() if f"<{each.input.name} ".encode() in body)
    outcome = world.run(operation, body)
    return outcome, [(call.operation, list(request.leaves())) for call, request in world.calls]


def codes(outcome: Outcome) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in outcome.findings]


def test_a_text_that_perl_sent_as_base64() -> None:
    outcome, calls = sent("A1")
    assert calls == [("EditOrganization", [("company", "Müller KG"), ("ID", "21")])]
    assert codes(outcome) == [("value-converted", "company")]


def test_a_filter_that_perl_sent_as_base64() -> None:
    outcome, calls = sent("A3")
    assert calls[0] == ("GetOrganizations", [("filter", "Müller")])
    assert codes(outcome) == [("value-converted", "filter")]


def test_a_list_that_php_sent_as_an_array() -> None:
    outcome, calls = sent("A4")
    asked = [dict(values)["parentID"] for name, values in calls if name == "GetExtensions"]
    assert asked == ["31", "32"], "both are looked for, so that both can be deleted"
    assert outcome.fault is None
    assert ("value-converted", "ID") in codes(outcome)


def test_an_array_of_one() -> None:
    outcome, calls = sent("A5")
    assert calls == [("SetOrganizationStatus", [("status", "1"), ("ID", "21")])]
    assert ("value-converted", "ID") in codes(outcome)


def test_references_as_axis_writes_them() -> None:
    outcome, calls = sent("A6")
    assert calls == [("EditOrganization", [("phone", "2125550143"), ("ID", "21")])]
    assert codes(outcome) == [("value-converted", "ID"), ("value-converted", "phone")]


def test_a_reference_in_a_text() -> None:
    _, calls = sent("B2")
    assert calls == [("EditOrganization", [("phone", "2125550143"), ("ID", "21")])]


@pytest.mark.parametrize(("report", "field"), [("B1", "phone"), ("B3", "notes")])
def test_what_is_no_text_never_empties_one(report: str, field: str) -> None:
    outcome, calls = sent(report)
    assert calls == [("EditOrganization", [("ID", "21")])]
    assert [(each.severity, each.path) for each in outcome.findings if each.severity == "loss"] == [
        ("loss", field)
    ]


@pytest.mark.parametrize("report", ["G1", "G3"])
def test_dates_with_a_time_and_without_zeros(report: str) -> None:
    outcome, calls = sent(report)
    values = dict(calls[-1][1])
    assert (values["interval/startDate"], values["interval/endDate"]) == ("2026-01-01", "2026-03-01")
    converted = [path for code, path in codes(outcome) if code == "value-converted"]
    assert converted == ["interval/startDate", "interval/endDate"]


def test_an_expiry_with_a_time() -> None:
    outcome, calls = sent("G2")
    assert ("accountExpire", "2027-01-01") in calls[-1][1]
    assert ("value-converted", "accountExpire") in codes(outcome)


def test_a_number_with_a_fraction_of_zero() -> None:
    outcome, calls = sent("H1")
    assert calls[0] == ("GetOrganizationDetails", [("ID", "20")])
    assert codes(outcome)[0] == ("value-converted", "ID")


def test_a_number_with_a_fraction_is_refused() -> None:
    body = next(REPORTS.glob("H1-*")).read_bytes().replace(b"20.0", b"20.5")
    outcome = World(answer).run(old().operations["Client.GetClientDetails"], body)
    assert isinstance(outcome.fault, CallerError)
    assert outcome.fault.reason == "bad-value"


def test_unlimited_beside_minus_one() -> None:
    outcome, calls = sent("H2")
    assert ("phoneExtMax/@unlimited", "true") in calls[-1][1]
    assert ("phoneExtMax", "0") in calls[-1][1]
    assert ("unlimited-without-number", "phoneExtMax") in codes(outcome)


def test_true_as_visual_basic_writes_it() -> None:
    outcome, calls = sent("H3")
    assert ("status", "true") in calls[-1][1]
    assert ("value-converted", "status") in codes(outcome)


@pytest.mark.parametrize("word", ["no", "off", "N"])
def test_words_that_say_no_are_refused(word: str) -> None:
    body = next(REPORTS.glob("H3-*")).read_bytes().replace(b">-1<", f">{word}<".encode())
    outcome = World(answer, identities=list(EXTENSIONS)).run(
        old().operations["Extension.SetExtensionStatus"], body
    )
    assert isinstance(outcome.fault, CallerError)
    assert outcome.fault.reason == "bad-value"


def test_an_encoding_of_central_europe() -> None:
    _, calls = sent("I3")
    assert calls == [("EditOrganization", [("city", "Năsăud"), ("ID", "21")])]
