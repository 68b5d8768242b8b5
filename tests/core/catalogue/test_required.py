"""Where what v3 demands comes from is judged at load: a declaration that leaves it open does not start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.required import denied
from shim.core.catalogue.translation import CalledOperation, Translation
from shim.core.commands.caller import Caller
from shim.core.context import CallContext
from shim.core.errors import CallerError, DeclarationError
from shim.core.message import Element
from shim.core.rules.declare import operation, service
from shim.core.rules.extensions import extension
from shim.core.rules.required import apart, filled_in, needed, read_first
from shim.core.rules.rule import Rule
from shim.core.rules.vocabulary import drop, unread
from shim.core.schema.interface import ElementDecl, paths
from shim.interfaces.load import new, old
from tests.support.conversation import catalogue

UPDATED = unread("identifier", "v3 says it as well")
WITHDRAW = ("PBX.Withdraw", "PBX.Withdraw")
GROUP = ("Channel.EditChannelGroup", "Channel.EditChannelGroup")
CODES = ("Extension.GetCardCode", "Extension.GetCardCode")
OWNER = extension("userID", "userIdentifier", main=True)
READ = "Channel.GetChannelGroups"


def compiled(name: str, becomes: str, *rules: Rule, calls: Iterable[CalledOperation] = ()) -> Translation:
    """One operation alone. Raises DeclarationError."""
    (side, _, op), (other, _, successor) = name.partition("."), becomes.partition(".")
    narrowed = replace(old().services[side], operations={op: old().operations[name]})
    only = replace(old(), services={**old().services, side: narrowed})
    declared = service(side, other, operation(op, successor, rules, calls=calls))
    return compile_catalogue(only, new(), [declared]).translations[name]


def problems(name: str, becomes: str, *rules: Rule, calls: Iterable[CalledOperation] = ()) -> list[str]:
    with pytest.raises(DeclarationError) as caught:
        compiled(name, becomes, *rules, calls=calls)
    return caught.value.problems


def test_what_2_5_may_leave_out_and_v3_may_not_stops_the_program() -> None:
    assert problems(*WITHDRAW) == ["PBX.Withdraw: v3 requires enrollmentID always, and nothing gives it"]


def test_what_is_required_once_its_group_is_sent_counts_as_well() -> None:
    found = problems(*GROUP, UPDATED)
    said = "v3 requires name when channelID or name or notes is sent, and nothing gives it"
    assert found == [f"Channel.EditChannelGroup: {said}"]


def test_a_call_without_what_is_needed_is_refused_in_the_words_of_2_5() -> None:
    translation = compiled(*WITHDRAW, needed("enrollmentID", because="v3 withdraws by it."))
    with pytest.raises(CallerError) as caught:
        translation.to_new(CallContext(catalogue(), Element("WithdrawRequest"), Caller("tester")))
    assert (caught.value.code, caught.value.text) == ("117", "Parameter missing: enrollmentID; send it.")


def test_what_is_needed_has_to_be_an_element_of_2_5() -> None:
    found = problems(*WITHDRAW, needed("enrollmentID", because="so"), needed("enrolmentID", because="a slip"))
    assert any("fits neither request nor answer" in each for each in found)


def test_what_is_read_first_has_to_be_read_by_a_call_of_the_plan() -> None:
    rule = read_first("name", READ, "v3 wants the name.")
    found = problems(*GROUP, UPDATED, rule)
    assert found == [f"Channel.EditChannelGroup: name is to be read by {READ}, which is not among the calls"]
    assert compiled(*GROUP, UPDATED, rule, calls=[CalledOperation(READ), CalledOperation(GROUP[1])])


def test_what_the_plan_fills_in_is_a_source() -> None:
    assert compiled(*GROUP, UPDATED, filled_in("name", "The plan makes it."))


def test_what_is_filled_in_has_to_be_an_element_of_v3() -> None:
    found = problems(*GROUP, UPDATED, filled_in("name", "so"), filled_in("nickname", "a slip"))
    assert any("the rule for nickname fits neither request nor answer" in each for each in found)


def test_what_2_5_takes_together_and_v3_does_not_needs_a_word() -> None:
    found = problems(*CODES, *OWNER)
    assert "Extension.GetCardCode: 2.5 takes filter beside userID, and v3 takes one of them" in found
    assert compiled(*CODES, *OWNER, apart("filter", "userID", "userIdentifier", because="The plan filters."))


def test_what_v3_has_cannot_be_dropped() -> None:
    found = problems(*GROUP, UPDATED, filled_in("name", "so"), drop("notes", "v3 has none."))
    assert "Channel.EditChannelGroup: request: notes is dropped, and Channel.EditChannelGroup has it" in found


# ---- the whole catalogue ----


def test_no_path_is_dropped_kept_or_emulated_that_v3_has() -> None:
    assert [each for one in catalogue().translations.values() for each in denied(one)] == []


def test_every_path_of_2_5_has_a_fate() -> None:
    assert sum(1 for _ in catalogue().fates()) == 3624
    told = {(op.full_name, fate.direction, fate.path) for op, fate in catalogue().fates()}
    for op in old().operations.values():
        for direction, decl in (("request", op.input), ("answer", op.output)):
            assert {(op.full_name, direction, path) for path, _ in paths(decl)} <= told


@pytest.mark.parametrize(
    ("name", "direction", "path", "place"),
    [
        ("Billing.AddChargingPlan", "request", "default", "default"),
        ("Billing.EditChargingPlan", "request", "default", "default"),
        ("Billing.GetChargingPlans", "request", "default", "default"),
        ("Billing.GetChargingPlans", "answer", "chargingPlan/default", "chargingPlan/default"),
        ("Billing.GetChargingPlanDetails", "answer", "chargingPlan/default", "chargingPlan/default"),
        ("Channel.AddCallRulesOutGroup", "request", "default", "default"),
        ("Channel.GetCallRulesOutGroup", "answer", "rulesGroup/default", "rulesGroup/default"),
        ("PBX.GetRegions", "answer", "region/default", "region/default"),
        ("Report.CallCosts", "answer", "cost", "cost"),
        ("Report.CallCosts", "answer", "profit", "profit"),
        ("Channel.AddChannel", "request", "SIP/concurentCalls", "SIP/concurentCalls"),
        ("Channel.EditChannel", "request", "SIP/qualify", "SIP/qualify"),
        ("Extension.SetupExtension", "request", "queue/service", "phoneQueue/service"),
        ("Extension.GetExtensionSettings", "answer", "queue/service", "phoneQueue/service"),
    ],
)
def test_what_was_held_to_be_gone_is_carried(name: str, direction: str, path: str, place: str) -> None:
    fates = catalogue().translations[name].fates
    assert [
        (each.fate, each.v3_path, each.finding)
        for each in fates
        if (each.direction, each.path) == (direction, path)
    ] == [("carried", place, None)]


def test_what_may_come_several_times_in_both_is_taken_several_times() -> None:
    repeated = 0
    for translation in catalogue().translations.values():
        there = dict(paths(translation.new.input))
        for fate in translation.fates:
            decl = there.get(fate.v3_path or "")
            ours = dict(paths(translation.old.input)).get(fate.path)
            if fate.direction == "request" and fate.fate == "carried" and isinstance(decl, ElementDecl):
                assert isinstance(ours, ElementDecl)
                assert ours.max == decl.max or (
                    translation.old.name == "AddClient" and fate.path == "accountFlag"
                )
                repeated += decl.max != 1
    assert repeated > 50
