"""The words of the vocabulary, each on a real operation, and what the catalogue refuses to start with."""

from __future__ import annotations

from dataclasses import replace
from typing import cast, get_args

import pytest

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import Translation
from shim.core.commands.caller import Caller
from shim.core.commands.extensions import Identity
from shim.core.context import CallContext
from shim.core.errors import CallerError, DeclarationError
from shim.core.findings import KINDS, Code
from shim.core.message import Element
from shim.core.rules.declare import operation, service
from shim.core.rules.extensions import account, account_or_extension, extension, extension_id, owned
from shim.core.rules.kept import keep
from shim.core.rules.reference import AccountReference, SharedReference
from shim.core.rules.required import needed
from shim.core.rules.rule import Made, Rule, Taken
from shim.core.rules.table import Direction
from shim.core.rules.vocabulary import (
    added,
    compute,
    drop,
    echo,
    loose,
    once,
    refuse,
    rename,
    unanswered,
    unread,
    unused,
    values,
)
from shim.interfaces.load import new, old
from tests.support.conversation import catalogue

UPDATED = unread("identifier", "v3 says it as well")


def problems(name: str, becomes: str, *rules: Rule) -> list[str]:
    """What is wrong with one declaration, apart from the service's other operations not being there."""
    old_service, _, op = name.partition(".")
    new_service, _, successor = becomes.partition(".")
    with pytest.raises(DeclarationError) as caught:
        compile_catalogue(old(), new(), [service(old_service, new_service, operation(op, successor, rules))])
    return [each for each in caught.value.problems if "not declared" not in each]


def compiled(name: str, becomes: str, *rules: Rule) -> Translation:
    old_service, _, op = name.partition(".")
    new_service, _, successor = becomes.partition(".")
    declared = service(old_service, new_service, operation(op, successor, rules))
    narrowed = replace(old().services[old_service], operations={op: old().operations[name]})
    only = replace(old(), services={**old().services, old_service: narrowed})
    return compile_catalogue(only, new(), [declared]).translations[name]


def context(*children: Element) -> CallContext:
    return CallContext(catalogue(), Element("request", children=list(children)), Caller("tester"))


def codes(done: CallContext) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in done.record.findings]


STATUS = ("Reseller.SetResellerStatus", "ServiceProvider.SetServiceProviderStatus")
MOVE = ("Client.MoveClients", "Organization.MoveOrganizations")


def test_a_difference_without_a_rule_stops_the_program() -> None:
    found = problems(*MOVE)
    assert "Client.MoveClients: request: resellerID has no resellerID on the other side and no rule" in found
    assert (
        "Client.MoveClients: request: nothing gives serviceProviderID of the other side, and no rule says so"
        in found
    )


def test_a_rule_that_fits_nowhere_stops_the_program() -> None:
    found = problems(*STATUS, UPDATED, drop("colour", "no such thing"))
    assert found == ["Reseller.SetResellerStatus: the rule for colour fits neither request nor answer"]


def test_a_rule_whose_target_is_not_there_stops_the_program() -> None:
    found = problems(*STATUS, UPDATED, rename("scope", "range"))
    assert any("scope has no range on the other side" in each for each in found)


def test_two_rules_for_one_path_stop_the_program() -> None:
    found = problems(*STATUS, UPDATED, drop("scope", "a"), drop("scope", "b"))
    assert any("two rules for scope" in each for each in found)


def test_a_target_that_is_carried_and_made_stops_the_program() -> None:
    found = problems(*STATUS, UPDATED, added("scope", "twice", value=lambda _: Element("scope", "x")))
    assert any("scope is carried and made by a rule as well" in each for each in found)


def test_a_type_that_differs_stops_the_program() -> None:
    found = problems("Reseller.AddReseller", "ServiceProvider.AddServiceProvider")
    assert "Reseller.AddReseller: request: notifyOnly: its type is decimal here and string there" in found


def test_an_undeclared_operation_and_a_missing_successor_stop_the_program() -> None:
    with pytest.raises(DeclarationError) as caught:
        compile_catalogue(old(), new(), [service("Account", "Account", operation("DelAccount", "Vanish"))])
    assert "Account.DelAccount: there is no operation Account.Vanish" in caught.value.problems
    assert "Account.LinkAccount: not declared" in caught.value.problems


MISTYPED = cast(Code, "value-convertd")


class Mistyped(Rule):
    def takes(self, direction: Direction) -> Taken | None:
        return None

    def produces(self, direction: Direction) -> Made | None:
        return Made("added", "scope", None, MISTYPED)


def test_a_rule_that_takes_an_element_with_a_finding_that_there_is_not_stops_the_program() -> None:
    found = problems(*STATUS, UPDATED, compute("scope", str, str, "another form", finding=MISTYPED))
    why = "request: there is no finding value-convertd, which the rule for scope makes"
    assert f"Reseller.SetResellerStatus: {why}" in found


def test_a_rule_that_makes_an_element_with_a_finding_that_there_is_not_stops_the_program() -> None:
    found = problems(*STATUS, UPDATED, Mistyped(None, "scope", "it is new"))
    assert any("there is no finding value-convertd, which the rule for scope makes" in each for each in found)


def test_every_code_has_a_kind() -> None:
    assert get_args(Code) == tuple(KINDS)


def test_drop_makes_a_finding_and_sends_nothing() -> None:
    translation = compiled(*GROUPS, *NUMBERS, drop("storage", "it is gone"))
    done = context(Element("status", "1"), Element("storage", "10", {"unlimited": "false"}))
    assert [each.name for each in translation.to_new(done).children] == ["status"]
    assert codes(done) == [("field-dropped", "storage")]
    assert [each.because for each in done.record.findings] == ["it is gone"]


def test_refuse_ends_in_a_fault_with_a_finding() -> None:
    translation = compiled(*STATUS, UPDATED, refuse("scope", "no way."), added("scope", "unsaid"))
    done = context(Element("scope", "automation"), Element("ID", "10"))
    with pytest.raises(CallerError, match="scope cannot be served: no way"):
        translation.to_new(done)
    assert codes(done) == [("field-refused", "scope")]


def test_values_are_mapped_and_others_pass() -> None:
    rule = values("scope", {"automation": "auto"}, "another word")
    translation = compiled(*STATUS, UPDATED, rule)
    for said, sent in (("automation", "auto"), ("other", "other")):
        done = context(Element("scope", said), Element("ID", "10"))
        assert translation.to_new(done).get("scope") == sent
        assert not list(done.record.findings)


def test_a_computed_value_that_is_not_possible_is_a_problem_in_requests() -> None:
    rule = compute("scope", lambda text: None, lambda text: None, "a scope that v3 knows")
    translation = compiled(*STATUS, UPDATED, rule)
    with pytest.raises(CallerError, match="Bad value at scope: send a scope that v3 knows"):
        translation.to_new(context(Element("scope", "x"), Element("ID", "10")))


def test_a_kept_value_is_judged_before_it_is_kept() -> None:
    translation = compiled(*GROUPS, *NUMBERS, keep("storage", "kept"))
    with pytest.raises(CallerError, match="Bad value at storage"):
        translation.to_new(context(Element("storage", "maybe")))


def test_recalling_that_failed_leaves_the_field_out() -> None:
    rules = (UPDATED, keep("notice", "kept", default="x"))
    found = problems(*STATUS, *rules)
    assert any("notice is carried and made by a rule as well" in each for each in found)


def test_echo_and_unanswered_are_about_answers_only() -> None:
    assert echo("a", "b", "c").takes("request") is None
    assert unanswered("a", "b").takes("request") is None
    assert once("a", "b").takes("request") is not None


@pytest.mark.parametrize(
    ("sent", "near"),
    [("addresss", "address"), ("Login", "login"), ("passwrd", "password"), ("zip", None), ("", None)],
)
def test_an_unknown_element_is_answered_with_the_name_it_may_mean(sent: str, near: str | None) -> None:
    from tests.support.conversation import catalogue

    done = context(Element(sent, "x"), Element("ID", "10"))
    catalogue().translations["Reseller.EditReseller"].to_new(done)
    [found] = done.record.findings
    assert found.code == "unknown-element"
    assert (near is None) == ("did you mean" not in found.because)
    assert near is None or near in found.because


def test_findings_of_one_call_are_counted_and_bounded() -> None:
    from tests.support.conversation import catalogue

    done = context(*(Element(f"x{number % 300}") for number in range(900)), Element("ID", "10"))
    catalogue().translations["Reseller.EditReseller"].to_new(done)
    found = list(done.record.findings)
    assert len(found) == 201
    assert sum(each.count for each in found) == 900
    assert found[-1].code == "more-findings"


GROUPS = ("Extension.SetVoicemail", "Extension.SetVoicemail")
NUMBERS = (*extension(main=True), added("envelope", "new"))


def known(done: CallContext, *identities: Identity) -> CallContext:
    for each in identities:
        done.extensions.identities["number", each.number] = done.extensions.identities[
            "old_id", each.old_id
        ] = each
    return done


def test_a_value_that_is_not_possible_can_be_dropped_and_a_doubtful_one_told() -> None:
    digits = lambda text: text if text.isdecimal() else None  # noqa: E731
    rule = compute("scope", digits, str, "a number", always=True, unfit="drop")
    translation = compiled(*STATUS, UPDATED, rule)
    for said, sent, code in (("x", None, "field-dropped"), ("7", "7", "value-converted")):
        done = context(Element("scope", said), Element("ID", "10"))
        assert translation.to_new(done).get("scope") == sent
        assert codes(done) == [(code, "scope")]


def test_a_limit_is_kept_under_its_field_and_says_what_it_means() -> None:
    translation = compiled(*GROUPS, *NUMBERS, keep("storage", "kept", field="mail"))
    done = context(Element("storage", "", {"unlimited": " TRUE "}))
    translation.to_new(done)
    assert done.kept.fields == {"mail": Element("storage", "0", {"unlimited": "true"})}
    done = context(Element("storage", "5"))
    translation.to_new(done)
    assert done.kept.fields == {"mail": Element("storage", "5", {"unlimited": "true"})}
    assert codes(done) == [("unlimited-not-said", "storage"), ("field-kept", "storage")]
    done = context(Element("storage", "5", {"unlimited": ""}))
    translation.to_new(done)
    assert done.kept.fields == {"mail": Element("storage", "5", {"unlimited": "false"})}


def test_a_limit_that_is_none_is_refused_even_where_it_is_only_kept() -> None:
    translation = compiled(*GROUPS, *NUMBERS, keep("storage", "kept"))
    with pytest.raises(CallerError, match="Bad value at storage"):
        translation.to_new(context(Element("storage", "much", {"unlimited": "false"})))


def test_what_no_answer_needs_is_declared_as_unused() -> None:
    missing = unread("extendedNumber", "another name")
    rules = (*extension(only="request"), missing)
    found = problems("Extension.GetConferenceSettings", "Extension.GetConferenceSettings", *rules)
    assert len(found) == 2
    assert compiled(
        "Extension.GetConferenceSettings", "Extension.GetConferenceSettings", *rules,
        unused("ID", "the identifier answers"), unused("identifier", "the ID answers"),
    )  # fmt: skip


def test_a_number_that_v3_leaves_empty_is_no_extension() -> None:
    translation = compiled(*GROUPS, *NUMBERS, drop("storage", "gone"))
    done = context()
    assert translation.to_old(Element("answer", children=[Element("extendedNumber", " ")]), done).children == []
    assert not codes(done)


def test_an_agent_is_the_extension_whose_number_stands_beside_the_user() -> None:
    name = "Extension.GetQueueAgents"
    which = needed("ID", "identifier", because="which")
    agents = owned("localAgents/ID", "extensionNo", "queue_agent_id")
    translation = compiled(name, name, *extension(only="request"), which, agents)
    done = known(context(), Identity("9", "9", "7", "0001*8"), Identity("7", "5", "7", "0001*6"))
    rows = [
        Element(
            "localAgents", children=[Element("ID", user), *([Element("extensionNo", said)] if said else [])]
        )
        for user, said in (("7", "8"), ("7", "0001*6"), ("7", "?"), ("7", ""), ("3", "8"))
    ]
    old_answer = translation.to_old(Element("answer", children=rows), done)
    assert [each.get("ID") for each in old_answer.children] == ["9", "7", "7", "7", None]
    assert codes(done) == [("answer-value-omitted", "localAgents/ID")]


def test_an_account_goes_as_it_is_and_an_extension_as_its_user() -> None:
    translation = compiled("Account.SetAccountStatus", "Account.SetAccountStatus", UPDATED, account("ID"))
    assert translation.answer_references == (AccountReference("ID", "user_id"),)
    answer = Element("answer", children=[Element("ID", "7"), Element("ID", "20")])
    for said, sent in (("9", "7"), ("20", "20")):
        done = known(context(Element("ID", said)), Identity("9", "9", "7", "0001*8"))
        assert translation.to_new(done).get("ID") == sent
        assert [each.text for each in translation.to_old(answer, done).children] == ["9", "20"]
        assert not codes(done)


def test_an_extension_goes_by_number_where_v3_wants_that_and_any_other_account_as_it_is() -> None:
    name = "Channel.UnassignPublicNo"
    translation = compiled(name, name, *account_or_extension(), UPDATED, unread("extendedNumber", "new"))
    assert translation.request_references == (
        AccountReference("userID", "old_id", ask=True, main=True),
        AccountReference("userIdentifier", "identifier", ask=True, main=True),
    )
    for said, sent in (("9", ("extendedNumber", "0001*8")), ("20", ("userID", "20"))):
        done = known(context(Element("didID", "1"), Element("userID", said)), Identity("9", "9", "7", "0001*8"))
        assert sent in list(translation.to_new(done).leaves())


# ---- what the old server took although its types do not allow it ----

SOUNDS = ("PBX.GetOwnedSounds", "PBX.GetOwnedSounds")


def test_a_loose_value_means_another_one_or_nothing_and_says_so() -> None:
    def reads(text: str) -> str | None:
        return {"0": "", "all": "7"}.get(text)

    translation = compiled(*SOUNDS, loose("folderID", reads, "0 is all"))
    for text, sent, found in (
        (" 0 ", [], [("value-converted", "folderID")]),
        ("all", ["7"], [("value-converted", "folderID")]),
        (" 5", ["5"], []),
    ):
        done = context(Element("folderID", text))
        assert [each.text for each in translation.to_new(done).children] == sent
        assert codes(done) == found
    with pytest.raises(CallerError, match="Bad value at folderID: send a whole number of 1 or more"):
        translation.to_new(context(Element("folderID", "none")))


# ---- what names one of several things that the shim keeps for all ----

DETAILS = ("Client.GetClientDetails", "Organization.GetOrganizationDetails")
THINGS = {
    "3": Element("industry", children=[Element("name", "Retail")]),
    "4": Element("industry", nil=True),
    "12": Element("industry", children=[Element("name", "retail ")]),
}


def kept_among(said: str, *, known: bool = True) -> tuple[str | None, list[tuple[str, str]]]:
    """What an EditClient keeps of an industry."""
    rules = (keep("industry", "why", among="industries"), keep("advertisingTemplate", "why"))
    translation = compiled("Client.EditClient", "Organization.EditOrganization", *rules)
    assert translation.request_references == (SharedReference("industry", "industries"),)
    done = context(Element("industry", said))
    done.kept.shared = {"industries": THINGS} if known else {}
    translation.to_new(done)
    kept = done.kept.fields.get("industry")
    return (kept.text if kept is not None else None), codes(done)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("RETAIL", "3"),
        ("3", "3"),
        ("012", "012"),
        ("77", "77"),
        ("0", "0"),
        ("4", None),
        ("Fishing", None),
    ],
)
def test_what_names_a_thing_is_kept_as_its_id_while_it_is_there(said: str, kept: str | None) -> None:
    code = "field-dropped" if kept is None else "field-kept"
    assert kept_among(said) == (kept, [(code, "industry")])


def test_an_empty_element_that_names_a_thing_is_kept_as_the_default_of_the_schema() -> None:
    assert kept_among("") == ("0", [("empty-as-default", "industry"), ("field-kept", "industry")])


def test_what_names_a_thing_is_kept_as_it_is_while_the_things_are_not_known() -> None:
    assert kept_among("Fishing", known=False) == ("Fishing", [("field-kept", "industry")])


@pytest.mark.parametrize(("kept", "told"), [("3", "3"), ("Retail", "3"), ("4", None), ("77", "77")])
def test_a_thing_that_is_gone_is_not_answered(kept: str, told: str | None) -> None:
    rules = (keep("industry", "why", among="industries"), keep("advertisingTemplate", "why"))
    translation = compiled(*DETAILS, *rules)
    assert translation.answer_references == (SharedReference("industry", "industries", "industry"),)
    done = context(Element("ID", "20"))
    done.kept.shared, done.kept.recalled = {"industries": THINGS}, {"industry": Element("industry", kept)}
    answered = translation.to_old(Element("answer"), done).get("industry")
    assert answered == told
    assert codes(done) == [("field-emulated" if told else "answer-value-omitted", "industry")]


# ---- extensionID ----

ADD_DEVICE = (
    rename("assignedClientID", "assignedOrganizationID"),
    added("timezoneID", "new"),
    compute("assignedExtensions/line", str.strip, str, "a number"),
    replace(
        extension_id("assignedExtensions/extensionID", "assignedExtensions/extendedNumber"), only="request"
    ),
)


def device(extension: str) -> Element:
    return Element("assignedExtensions", children=[Element("extensionID", extension)])


def test_an_extension_id_becomes_the_extended_number() -> None:
    translation = compiled("PBX.AddDevice", "PBX.AddDevice", *ADD_DEVICE)
    done = context(Element("serial", "S"), device("7001"), device("0"))
    done.extensions.identities["extension_id", "7001"] = Identity("31", "7001", "31", "0020*002")
    sent = translation.to_new(done)
    assert sent.get("assignedExtensions/extendedNumber") == "0020*002"
    assert codes(done) == [("field-dropped", "assignedExtensions/extensionID")]
    with pytest.raises(CallerError, match="send an extension that there is"):
        translation.to_new(context(Element("serial", "S"), device("31")))


def test_text_goes_where_anything_goes_and_back() -> None:
    """2.5 lets the name of a device be anything: v3's text fits, and what is no text is another matter."""
    found = problems("PBX.AddDevice", "PBX.AddDevice")
    assert not [each for each in found if " name:" in each or "deviceID" in each]
    assert any("assignedExtensions/line: its type is anyType here and integer there" in each for each in found)
