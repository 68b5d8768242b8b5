"""Model calls: what a letter has for operations of which no call is on record."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from shim.review.output.programs import HELPERS, program
from shim.review.reading.mapping import mapping_of
from shim.review.reading.model_calls import model_calls
from tests.support.conversation import catalogue

NONE = {"PBX.EditIndustry", "PBX.DelIndustries"}
"""They need what a shim keeps."""


@pytest.mark.parametrize("name", sorted(catalogue().translations))
def test_every_operation_has_those_calls_that_its_map_names_and_no_value(name: str) -> None:
    told, calls = mapping_of(catalogue(), name), model_calls(catalogue(), name)
    assert told is not None
    assert bool(calls) is not (bool(told.alone) or name in NONE)
    new = catalogue().new
    for call in calls:
        operation = new.operations[call.operation]
        assert call.endpoint == new.services[operation.service].endpoint
        assert call.soap_action == operation.soap_action
        root = etree.fromstring(call.xml)
        texts = [text.strip() for text in root.itertext() if text.strip()]
        words = {each for simple in _enumerated() for each in simple}
        assert all(re.fullmatch(r"\{\w+\}", text) or text in words for text in texts), texts
        for language in HELPERS:
            assert "YOUR" in program(call, language, "https://pbx.example.com") or "{" not in call.xml.replace(
                "{accessToken}", ""
            )


def _enumerated() -> list[tuple[str, ...]]:
    """Texts that are the interface's own words: those that it enumerates, and truths."""
    found: list[tuple[str, ...]] = [("0", "1", "true", "false")]
    for operation in catalogue().new.operations.values():
        left = [operation.input]
        seen: set[int] = set()
        while left:
            decl = left.pop()
            if decl.simple is not None and decl.simple.enum:
                found.append(tuple(decl.simple.enum))
            if decl.complex is not None and id(decl.complex) not in seen:
                seen.add(id(decl.complex))
                left += [slot.decl for slot in decl.complex.slots.values()]
    return found
