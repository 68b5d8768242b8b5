"""Names of account holders as backends of all kinds have them: nothing is lost, and it comes back as it was."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import DeclaredService
from shim.core.commands.backend import Call
from shim.core.errors import DeclarationError
from shim.core.message import Element
from shim.core.parse import parse
from shim.core.schema.interface import paths
from shim.interfaces.load import Dialect, PersonNames, new, old
from tests.support.conversation import World, catalogue, new_answer, old_request
from tests.support.messages import Messages
from tests.support.schemas import assert_valid
from translations.services import SERVICES
from translations.shared.person_names import FIRST, LAST, NAME, halves, whole

SPLIT = Dialect("3.9.1", "split")
WHERE = {
    "Reseller.AddReseller": ("", ""),
    "Reseller.EditReseller": ("", ""),
    "Reseller.GetResellerDetails": ("", ""),
    "Reseller.GetResellers": ("reseller/", "serviceProvider/"),
    "Client.AddClient": ("", ""),
    "Client.EditClient": ("", ""),
    "Client.GetClientDetails": ("", ""),
    "Client.GetClients": ("client/", "organization/"),
}
"""Operations of one call, with where the name is in the old message and in v3's."""
PLAIN = sorted(WHERE)
TEXTS = st.text(st.sampled_from("aB ßé-'\t日"), max_size=20)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Anna Acme", "Anna", "Acme"),
        ("Anna  Maria\tvon Acme", "Anna Maria von", "Acme"),
        ("Northwind", "Northwind", "-"),
        ("", "", ""),
        ("   ", "", ""),
    ],
)
def test_the_last_word_is_the_last_name(name: str, first: str, last: str) -> None:
    assert halves(name) == (first, last)


@given(TEXTS)
@example("-")
def test_what_was_split_is_joined_as_it_was_but_for_spaces(name: str) -> None:
    words = name.split()
    assert whole(*halves(name)) == " ".join(words[:-1] if len(words) > 1 and words[-1] == "-" else words)


@pytest.mark.parametrize("names", get_args(PersonNames))
@pytest.mark.parametrize("version", ["3.0.0", "3.2", "3.10.4"])
def test_every_variant_compiles_and_has_its_version_everywhere(version: str, names: PersonNames) -> None:
    compiled = catalogue(Dialect(version, names))
    assert set(compiled.translations) == set(catalogue().translations)
    for name, translation in compiled.translations.items():
        plain = catalogue().translations[name].new.soap_action
        assert translation.new.soap_action == plain.replace("/3.0.0:", f"/{version}:")
    assert compiled.new.namespace("UserData") == f"http://4psa.com/UserData.xsd/{version}"


def test_what_v3_says_and_nobody_declared_does_not_start() -> None:
    with pytest.raises(DeclarationError) as refused:
        compile_catalogue(old(), new(SPLIT), [_without_rules(each) for each in SERVICES])
    assert {each.split(":")[0] for each in refused.value.problems} >= set(PLAIN)


def _without_rules(service: DeclaredService) -> DeclaredService:
    """The service without a rule about names."""
    names = {FIRST, LAST, NAME}
    operations = tuple(
        replace(each, rules=tuple(rule for rule in each.rules if not names & {rule.new.rpartition("/")[2]}))
        for each in service.operations
    )
    return replace(service, operations=operations)


@pytest.mark.parametrize("service", ["ServiceProvider", "Organization", "User"])
def test_all_accounts_have_the_names_that_the_variant_gives_them(service: str) -> None:
    operations = new(SPLIT).operations
    for pattern, prefix in (("Add{0}", ""), ("Edit{0}", "")):
        asked = dict(paths(operations[f"{service}.{pattern.format(service)}"].input))
        assert {prefix + FIRST, prefix + LAST} <= set(asked)
        assert prefix + NAME not in asked


@pytest.mark.parametrize("names", ["both", "split"])
@pytest.mark.parametrize("name", PLAIN)
def test_whatever_is_sent_and_answered_is_valid_and_told(name: str, names: PersonNames) -> None:
    dialect = Dialect("3.5.0", names)
    translation = catalogue(dialect).translations[name]
    for seed in range(40):
        source = random.Random(seed)
        said: list[Element] = []

        def backend(call: Call, request: Element, source: random.Random = source) -> bytes:
            answer = Messages(source, full=0.8, most=2).message(new(dialect).operations[call.full_name].output)
            said.append(answer)  # noqa: B023
            return new_answer(new(dialect).operations[call.full_name], answer, dialect)

        request = Messages(source, full=0.8).message(translation.old.input)
        world = World(backend, dialect=dialect)
        outcome = world.run(translation.old, old_request(translation.old, request))
        for envelope in world.envelopes:
            assert_valid(envelope, new(dialect))
        sent = request.get(NAME)
        if sent is not None and world.calls:
            asked = world.calls[0][1]
            assert whole(asked.get(FIRST) or "", asked.get(LAST) or "") == " ".join(sent.split())
            assert (asked.get(NAME) == sent) is (names == "both")
            assert not sent.strip() or NAME in {each.path for each in outcome.findings}
        if outcome.answer is not None:
            assert_valid(outcome.answer, old())
            assert answered(parse(outcome.answer).body, WHERE[name][0]) == expected(said[0], WHERE[name][1])


def answered(answer: Element, prefix: str) -> list[str | None]:
    return [row.get(NAME) for row in rows(answer, prefix)]


def expected(answer: Element, prefix: str) -> list[str | None]:
    """The name of each account in v3's answer, as an old client has to see it."""
    found: list[str | None] = []
    for row in rows(answer, prefix):
        if row.child(NAME) is None and (row.child(FIRST) or row.child(LAST)):
            found.append(whole(row.get(FIRST) or "", row.get(LAST) or ""))
        else:
            found.append(row.get(NAME))
    return found


def rows(answer: Element, prefix: str) -> list[Element]:
    return answer.all(prefix.rstrip("/")) if prefix else [answer]
