"""Faults as bytes, in every form that can be chosen."""

from __future__ import annotations

import pytest
from lxml import etree

from shim.core.answers.fault_message import fault_message
from shim.core.commands.caller import FaultForm
from shim.core.errors import CallerError, Fault

WITH_CODE = CallerError("missing-parameter", "The parameter ID is missing: send it.", "117")
WITHOUT = CallerError("not-soap", "This is no SOAP message: send one.")
REFERENCE = "0123456789abcdef"


def written(fault: Fault, form: FaultForm) -> dict[str, str]:
    [found] = etree.fromstring(fault_message(fault, REFERENCE, form)).iter("{*}Fault")
    return {str(each.tag): "".join(each.itertext()) for each in found}


@pytest.mark.parametrize(
    ("layout", "faultcode"), [("text", "SOAP-ENV:Client"), ("code", "SOAP-ENV:Client.117"), ("number", "117")]
)
def test_the_code_stands_where_the_layout_says_and_always_in_the_text(layout: str, faultcode: str) -> None:
    told = written(WITH_CODE, FaultForm(layout))  # type: ignore[arg-type]
    text = f"The parameter ID is missing: send it. (code 117, reference {REFERENCE})"
    assert told == {"faultcode": faultcode, "faultstring": text}


@pytest.mark.parametrize("layout", ["text", "code", "number"])
def test_without_a_code_every_layout_says_whose_fault_it_is(layout: str) -> None:
    told = written(WITHOUT, FaultForm(layout))  # type: ignore[arg-type]
    assert told["faultcode"] == "SOAP-ENV:Client"
    assert told["faultstring"].endswith(f"(reference {REFERENCE})")


def test_there_is_no_detail_unless_it_is_wanted() -> None:
    assert "detail" not in written(WITH_CODE, FaultForm())
    told = fault_message(WITH_CODE, REFERENCE, FaultForm(detail=True))
    [detail] = etree.fromstring(told).iter("detail")
    [entry] = detail
    assert entry.tag == "{urn:systemapi-shim}fault"
    facts = {str(each.tag): each.text for each in entry}
    assert facts == {"code": "117", "reason": "missing-parameter", "reference": REFERENCE}
