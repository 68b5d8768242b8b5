"""Callers are told that 2.5 is deprecated as their integration wants it, and real clients live with it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from shim.core.answers.notices import NAMESPACE
from tests.end_to_end.messages import ACME, ADMIN, CLIENT, NORTHWIND, add_client, envelope, request
from tests.end_to_end.real_clients.test_real_clients import CLIENTS, Story, over_http
from tests.end_to_end.running import Backend, Shim, Tls, demo_integrations, running_shim
from tests.end_to_end.scenario import client_steps
from tests.end_to_end.wire import Reply, answered, faulted, post

LINK = "https://voip.example.com/porting?from=2.5&to=3"
HEADERS = {
    "deprecation": "@1767225600",
    "sunset": "Wed, 30 Jun 2027 00:00:00 GMT",
    "link": f'<{LINK}>; rel="deprecation", <{LINK}>; rel="sunset"',
}
DEPRECATION = {"since": "2026-01-01", "sunset": "2027-06-30", "link": LINK}
TOLD = {"acme": {"notices": True, "header": True}, "admin": {"notices": True}, "northwind": {"http": False}}


def integrations(**told: Any) -> list[dict[str, Any]]:
    return [
        {**each, "conduct": {"tell": told[each["name"]]}} if each["name"] in told else each
        for each in demo_integrations()
    ]


@pytest.fixture(scope="module")
def shim(backend: Backend, tls: Tls) -> Iterator[Shim]:
    """acme is told in every way, admin by notices and HTTP, northwind not at all."""
    with running_shim(
        backend.url, tls, {"deprecation": DEPRECATION, "integrations": integrations(**TOLD)}
    ) as running:
        yield running


def told_by_http(reply: Reply) -> dict[str, str]:
    return {name: reply.headers[name] for name in HEADERS if name in reply.headers}


def details(account: str | None, caller: tuple[str, str]) -> bytes:
    return envelope(request("GetClientDetailsRequest", f"<ID>{account}</ID>"), login=caller)


def notices(reply: Reply) -> list[tuple[str, str]]:
    return [(each.get("code") or "", each.get("message") or "") for each in answered(reply).all("notice")]


def blocks(reply: Reply) -> list[etree._Element]:
    return etree.fromstring(reply.body).findall(f".//{{{NAMESPACE}}}deprecation")


# ---- HTTP ----


def test_answers_and_faults_have_the_headers(shim: Shim) -> None:
    answer = post(shim, envelope(request("GetClientsRequest")))
    answered(answer)
    assert told_by_http(answer) == HEADERS
    fault = post(shim, add_client("northwind"))
    assert faulted(fault).code == "200"
    assert told_by_http(fault) == HEADERS


def test_a_stranger_and_what_is_no_call_are_told_too(shim: Shim) -> None:
    stranger = post(shim, envelope(request("GetClientsRequest"), login=("nobody", "wrong")))
    assert faulted(stranger).code == "100"
    assert told_by_http(stranger) == HEADERS
    nonsense = post(shim, b"<nonsense")
    assert faulted(nonsense).reason == "malformed-xml"
    assert told_by_http(nonsense) == HEADERS


def test_a_fragile_integration_gets_what_2_5_gave_and_nothing_else(shim: Shim) -> None:
    answer = post(shim, envelope(request("GetClientsRequest", "<zz>1</zz>"), login=NORTHWIND))
    assert notices(answer) == []
    assert blocks(answer) == []
    assert told_by_http(answer) == {}
    fault = post(shim, envelope(request("GetClientDetailsRequest", "<ID>x</ID>"), login=NORTHWIND))
    faulted(fault)
    assert told_by_http(fault) == {}


def test_by_default_callers_are_told_since_when_and_in_http_only(backend: Backend, tls: Tls) -> None:
    with running_shim(backend.url, tls) as shim:
        reply = post(shim, envelope(request("GetClientsRequest", "<zz>1</zz>")))
        assert told_by_http(reply) == {"deprecation": "@1767225600"}
        assert notices(reply) == []
        shim.configure(deprecation={"since": None, "sunset": "2030-01-01"})
        shim.signal(signal.SIGHUP)
        shim.said("configuration reread")
        reply = post(shim, envelope(request("GetClientsRequest")))
        assert told_by_http(reply) == {"sunset": "Tue, 01 Jan 2030 00:00:00 GMT"}


# ---- notices and the SOAP header ----


def test_notices_name_each_finding_with_the_link_and_without_a_value(shim: Shim) -> None:
    extra = "<industry>31</industry><colour>zqmark</colour>"
    reply = post(shim, add_client("told-acme", extra))
    found = notices(reply)
    assert [(code, text.partition(":")[0]) for code, text in found] == [
        ("9200", "field-kept industry"),
        ("9100", "unknown-element colour"),
    ]
    assert all(text.endswith(f" See {LINK}") for _, text in found)
    assert b"zqmark" not in reply.body
    assert not blocks(reply), "there was room for notices"


def test_a_soap_header_tells_where_the_schema_has_no_notices(shim: Shim) -> None:
    added = answered(post(shim, add_client("header-acme", "<industry>31</industry>"))).get("ID")
    reply = post(shim, details(added, ACME))
    assert answered(reply).get("industry") == "31"
    [block] = blocks(reply)
    assert dict(block.attrib) == DEPRECATION
    assert [dict(each.attrib) for each in block] == [
        {"code": "field-emulated", "severity": "warning", "path": "industry"}
    ]
    assert b"mustUnderstand" not in reply.body
    assert not blocks(post(shim, details(added, ADMIN))), "admin wants notices only"


def test_a_call_without_findings_is_told_nothing(shim: Shim) -> None:
    reply = post(shim, envelope(request("GetClientsRequest")), CLIENT)
    assert notices(reply) == []
    assert blocks(reply) == []


# ---- real clients ----


@pytest.mark.clients
@pytest.mark.parametrize("client", CLIENTS)
def test_real_clients_live_with_notices_and_headers(shim: Shim, client: str) -> None:
    """The same life as without: each answer is there, with notices beside it as each language has them."""
    tag = f"told-{client}"
    steps = client_steps(tag)
    story = Story(CLIENTS[client](over_http(shim), steps), steps, "2.5.1")
    faults = {"read client that was taken away", "read deleted client", "list clients with a wrong password"}
    faults.add("add client with a login that is taken")
    answers = {step.name: story.answer(step.name) for step in steps if step.name not in faults}
    assert [story.code(name) for name in sorted(faults)] == ["200", "100", "100", "100"]

    added = answers["add client"]
    assert added["notice"]["code"] == "9200"
    assert added["notice"]["message"].startswith("field-kept industry: ")
    read = answers["read client"]
    assert (read["ID"], read["login"], read["industry"]) == (added["ID"], f"{tag}-client", "7")
    listed = {each["login"] for each in answers["list clients with it"]["client"]}
    assert {"contoso", "northwind", f"{tag}-client"} <= listed
    assert len(answers["set client permissions"]["notice"]) == 2
    permissions = answers["read client permissions"]
    assert permissions["userPL"]["MyVoipNowManag"] == "standard"
    assert permissions["notice"]["code"] == "9200"
    assert answers["delete client"] == {"items": "1", "result": "success"}
