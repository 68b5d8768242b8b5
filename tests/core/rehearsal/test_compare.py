"""Comparing answers by what they mean: form does not count, and a difference never holds a value."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from shim.core.message import Element
from shim.core.parse import parse
from shim.core.rehearsal.compare import Difference, differences, meaning, only_reads, without_noise
from shim.core.schema.interface import ElementDecl, Operation, paths
from shim.interfaces.load import old
from tests.support.messages import Messages

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
CLIENTS = old().operations["Client.GetClients"]
DETAILS = old().operations["Client.GetClientDetails"]


def body(text: str) -> Element:
    return parse(f'<e:Envelope xmlns:e="{SOAP}"><e:Body>{text}</e:Body></e:Envelope>'.encode()).body


def compared(theirs: str, ours: str, operation: Operation = CLIENTS) -> Counter[Difference]:
    return differences(meaning(body(theirs), operation.output), meaning(body(ours), operation.output))


def client(number: int, more: str = "") -> str:
    return f"<client><ID>{number}</ID><login>c{number}</login>{more}</client>"


def test_namespaces_prefixes_order_and_lexical_forms_do_not_count() -> None:
    theirs = '<a:R xmlns:a="urn:x"><a:ID>07</a:ID><a:status>TRUE</a:status><a:name> Bob </a:name></a:R>'
    ours = "<R><name>Bob</name><status>1</status><ID>+7</ID></R>"
    assert not compared(theirs, ours, DETAILS)


def test_rows_are_matched_by_what_tells_them_apart() -> None:
    theirs = f"<R>{client(1)}{client(2)}{client(3)}</R>"
    ours = f"<R>{client(3)}{client(1, '<email>a@b.example</email>')}{client(4)}</R>"
    assert compared(theirs, ours) == {
        Difference("client", "missing"): 1,
        Difference("client", "surplus"): 1,
        Difference("client/email", "surplus"): 1,
    }


def test_what_differs_is_named_without_its_value() -> None:
    found = compared("<R><ID>7</ID><name>Zora</name></R>", "<R><ID>7</ID><name>Zelda</name></R>", DETAILS)
    assert found == {Difference("name", "differs"): 1}
    assert "Z" not in repr(found)


def test_attributes_and_nil_count() -> None:
    operation = old().operations["Client.GetClientPL"]
    theirs = '<R><userPL><phoneExtMax unlimited="1">0</phoneExtMax></userPL></R>'
    ours = '<R><userPL><phoneExtMax unlimited="false">0</phoneExtMax></userPL></R>'
    path = "userPL/phoneExtMax"
    differs = {Difference(path, "differs"): 1, Difference(f"{path}/@unlimited", "differs"): 1}
    assert compared(theirs, ours, operation) == differs
    assert not compared(theirs, ours.replace("false", "true"), operation)


def test_an_absent_attribute_is_its_default_and_beside_unlimited_no_number_counts() -> None:
    operation = old().operations["Client.GetClientPL"]
    theirs = "<R><userPL><phoneExtMax>7</phoneExtMax></userPL></R>"
    ours = '<R><userPL><phoneExtMax unlimited="true">0</phoneExtMax></userPL></R>'
    assert not compared(theirs, ours, operation)
    path = "userPL/phoneExtMax"
    found = compared(theirs, ours.replace("true", "false"), operation)
    assert found == {Difference(path, "differs"): 1, Difference(f"{path}/@unlimited", "differs"): 1}


def test_noise_takes_what_is_below_with_it_and_nothing_beside_it() -> None:
    found = Counter({Difference(path, "differs"): 1 for path in ("a/b", "a/b/c", "a/b/@d", "a/bc")})
    assert set(without_noise(found, {"a/b"})) == {Difference("a/bc", "differs")}


@pytest.mark.parametrize("name", sorted(old().operations))
def test_a_shuffled_answer_means_the_same_and_digests_leave_no_value(name: str) -> None:
    operation = old().operations[name]
    rng = random.Random(name)
    message = Messages(random.Random(name)).message(operation.output)
    masked = meaning(message, operation.output, digest=lambda text: f"{hash(text):x}")
    shuffled = _shuffled(message, rng)
    assert not differences(meaning(message, operation.output), meaning(shuffled, operation.output))
    assert not differences(masked, meaning(shuffled, operation.output, digest=lambda text: f"{hash(text):x}"))
    said = {text for _, text in message.leaves()}
    allowed = {"", "true", "false", *_enumerated(operation)}
    for _, text in masked.leaves():
        assert text.startswith("#") or text in allowed, text
    assert not {text for _, text in masked.leaves() if text.startswith("#")} & said


def _shuffled(element: Element, rng: random.Random) -> Element:
    children = [_shuffled(child, rng) for child in element.children]
    rng.shuffle(children)
    return Element(element.name, element.text, element.attributes, children, element.nil)


def _enumerated(operation: Operation) -> set[str]:
    types = [decl.simple if isinstance(decl, ElementDecl) else decl.type for _, decl in paths(operation.output)]
    return {word for each in types if each is not None for word in each.enum}


def test_only_what_changes_nothing_is_ever_made_again() -> None:
    operations = old().operations
    costs = operations["Report.CallCosts"]
    assert only_reads(costs, body("<R><userID>1</userID></R>"))
    assert not only_reads(costs, body("<R><prepareDelete>0</prepareDelete></R>"))
    assert only_reads(CLIENTS, body("<R/>"))
    for verb in ("Add", "Edit", "Del", "Set", "Update", "Move", "Assign", "Recharge", "LinkedOp", "Enroll"):
        for operation in operations.values():
            if operation.name.startswith(verb):
                assert not only_reads(operation, body("<R/>")), operation.name
