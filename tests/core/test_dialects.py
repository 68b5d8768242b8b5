"""Dialects as data: what a version of v3 has differently is a row, and one more renamed field is one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from shim.core.catalogue.build import compile_catalogue, judge_each
from shim.core.catalogue.translation import DeclaredService
from shim.core.errors import DeclarationError
from shim.core.rules.rule import Rule
from shim.core.rules.vocabulary import rename
from shim.core.schema.interface import Interface, paths
from shim.edge.app import catalogue
from shim.interfaces.dialects import Row, describe, described, known, nearest
from shim.interfaces.load import Dialect, dialects, new, old, written
from translations.services import SERVICES

ROW = {
    "in": "OrganizationData:OrganizationInfo", "rename": "city", "to": "town",
    "source": ["here"], "certainty": "sample", "because": "A test.",
}  # fmt: skip


def with_rule(name: str, rule: Rule) -> list[DeclaredService]:
    """All services, with one more rule for an operation."""
    service, _, operation = name.partition(".")
    return [
        replace(
            each,
            operations=tuple(
                replace(one, rules=(*one.rules, rule)) if (each.name, one.name) == (service, operation) else one
                for one in each.operations
            ),
        )
        for each in SERVICES
    ]


def test_one_more_renamed_field_is_a_row_and_a_rule() -> None:
    row = Row({"in": "ReportMessages:CallReport", "rename": "networkCode", "to": "network"})
    later = written("3.1.0", [row])
    services = with_rule("Report.CallReport", rename("networkCode", "network", where="network"))
    judge_each(old(), [*map(new, dialects()), later], services)
    for interface, place in ((new(), "networkCode"), (later, "network")):
        translation = compile_catalogue(old(), interface, services).translations["Report.CallReport"]
        assert [each.v3_path for each in translation.fates if each.path == "networkCode"] == [place]


def test_a_row_without_a_rule_does_not_start() -> None:
    later = written("3.1.0", [Row(ROW)])
    with pytest.raises(DeclarationError) as refused:
        judge_each(old(), [*map(new, dialects()), later], SERVICES)
    assert all(each.startswith("against v3 3.1.0: ") for each in refused.value.problems)
    assert any("city has no city on the other side" in each for each in refused.value.problems)


def test_a_rule_that_waits_for_a_path_that_no_version_has_does_not_start() -> None:
    services = with_rule("Report.CallReport", rename("networkCode", "network", where="netwrok"))
    with pytest.raises(DeclarationError) as refused:
        judge_each(old(), [new(each) for each in dialects()], services)
    said = "Report.CallReport: the rule for networkCode is about netwrok, which no version of v3 has"
    assert refused.value.problems == [said]


@pytest.mark.parametrize("version", known())
def test_all_operations_are_declared_in_every_dialect(version: str) -> None:
    compiled = catalogue(Dialect(version))
    assert set(compiled.translations) == set(catalogue().translations)
    assert compiled.new.namespace("UserData") == f"http://4psa.com/UserData.xsd/{version}"


@pytest.mark.parametrize(
    ("version", "spoken"),
    [
        ("3.0.0", "3.0.0"),
        ("3.4.9", "3.0.0"),
        ("3.5", "3.5.0"),
        ("4.0", "3.5.0"),
        ("5.2.5", "5.2.5"),
        ("12.0.1", "5.2.5"),
    ],
)
def test_a_version_is_spoken_as_the_nearest_below(version: str, spoken: str) -> None:
    assert nearest(version) == spoken


@pytest.mark.parametrize("version", known())
def test_every_row_has_its_sources_and_what_is_assumed_is_said(version: str) -> None:
    told = described(version)
    assert len({(each.places, each.action, each.elements) for each in told.rows}) == len(told.rows)
    for row in told.rows:
        assert row.because.endswith(".")
        assert set(row.data["source"]) <= set(told.sources)
    assert bool(told.assumed) is bool(told.rows) is bool(told.first)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": []}, "it needs source"),
        ({"source": ["nowhere"]}, "there is no source nowhere"),
        ({"certainty": "guess"}, "its certainty is none"),
        ({"to": ""}, "it needs to"),
        ({"remove": ["x"]}, "it needs one of add, rename"),
    ],
)
def test_a_row_that_says_too_little_is_refused(change: dict[str, Any], said: str) -> None:
    data = {"version": "3.1.0", "sources": {"here": "a test"}, "rows": [ROW, ROW | change]}
    with pytest.raises(ValueError, match=r"3\.1\.0\.json, row 2: ") as refused:
        describe(data)
    assert said in str(refused.value)


def _elements(interface: Interface, operation: str, side: str) -> list[str]:
    decl = interface.operations[operation].input if side == "input" else interface.operations[operation].output
    return [path for path, _ in paths(decl) if "/" not in path and "@" not in path]


def test_5_2_5_has_the_order_that_its_guide_has() -> None:
    user = _elements(new(Dialect("5.2.5")), "User.AddUser", "input")
    first = ["name", "firstName", "lastName", "company", "login", "passwordAuto", "password", "forceUpdate"]
    assert user[: len(first)] == first
    at = user.index("chargingIdentifier")
    assert user[at : at + 5] == ["chargingIdentifier", "subscriptionID", "phoneLang", "channelRuleID", "role"]
    limits = _elements(new(Dialect("5.2.5")), "User.SetUserPL", "input")
    assert limits[limits.index("mailboxMax") + 1] == "storage"
    assert limits[limits.index("sipTrunkingManag") + 1] == "soundManag"
    report = _elements(new(Dialect("5.2.5")), "Report.CallReport", "input")
    assert report[report.index("type") + 1] == "disposition"


def test_3_5_0_is_3_0_0_with_two_more_names() -> None:
    for operation in new().operations:
        for side in ("input", "output"):
            later = _elements(new(Dialect("3.5.0")), operation, side)
            assert [each for each in later if each not in ("firstName", "lastName")] == [
                each for each in _elements(new(), operation, side) if each not in ("firstName", "lastName")
            ]
