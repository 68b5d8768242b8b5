"""shim translate: an old message in, v3 calls and findings out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from shim.core.catalogue.build import compile_catalogue
from shim.core.catalogue.translation import DeclaredService
from shim.core.commands.steps import Steps
from shim.core.context import CallContext
from shim.core.forward import forward
from shim.core.message import Element
from shim.core.rehearsal.dry_run import dry_run
from shim.core.rules.declare import operation, service
from shim.interfaces.load import new, old
from shim.review.reading.model_calls import least
from tests.support.conversation import catalogue
from tests.support.schemas import assert_valid
from translations import client

Invoke = Callable[..., Result]
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
BARE = "<AddClientRequest><name>N</name><login>nn</login><industry>7</industry></AddClientRequest>"


def envelope(body: str, header: str = "") -> str:
    return f'<e:Envelope xmlns:e="{SOAP}">{header}<e:Body>{body}</e:Body></e:Envelope>'


def as_json(result: Result) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(result.stdout)
    return data


def test_a_template_that_nobody_can_look_up_is_taken_for_one_of_extensions(invoke: Invoke) -> None:
    message = (
        "<AddExtensionRequest><name>N</name><login>n</login><templateID>9</templateID></AddExtensionRequest>"
    )
    result = invoke("translate", "-", "--format", "json", stdin=message)
    assert result.exit_code == 0, result.stderr
    calls = [each["operation"] for each in as_json(result)["calls"]]
    assert calls == ["GetTemplates", "GetUsers", "AddUser", "SetUserPL", "AddExtension"]


@pytest.mark.parametrize("message", [BARE, envelope(BARE), '\n <?xml version="1.0"?>\n' + BARE])
def test_json_has_exactly_the_calls_and_findings(invoke: Invoke, message: str) -> None:
    result = invoke("translate", "-", "--format", "json", stdin=message)
    assert result.exit_code == 0, result.stderr
    data = as_json(result)
    assert list(data) == ["calls", "findings"]
    [call] = data["calls"]
    assert list(call) == ["service", "operation", "url", "envelope"]
    assert (call["service"], call["operation"]) == ("Organization", "AddOrganization")
    assert call["url"] == "http://backend.invalid/soap2/organization_agent.php"
    assert ":accessToken>ACCESS-TOKEN</" in call["envelope"]
    assert_valid(call["envelope"].encode(), new())
    assert data["findings"] == [
        {
            "code": "field-kept",
            "severity": "warning",
            "path": "industry",
            "because": client.KEPT[0].because,
        }
    ]


def test_file_and_backend_url(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "call.xml"
    file.write_text(envelope("<GetClientsRequest/>"))
    result = invoke("translate", str(file), "--format=json", "--backend-url", "https://v3.example/")
    assert as_json(result)["calls"][0]["url"] == "https://v3.example/soap2/organization_agent.php"


def test_text_is_for_people(invoke: Invoke) -> None:
    result = invoke("translate", "-", stdin=BARE)
    assert "Call 1: Organization.AddOrganization\nPOST http://backend.invalid/" in result.stdout
    assert "warning: field-kept at industry: v3 has no industries" in result.stdout
    assert result.stderr == ""


def test_credentials_may_be_there_and_never_come_out(invoke: Invoke) -> None:
    login = "<userCredentials><username>u</username><password>hidden</password></userCredentials>"
    message = envelope(BARE, f"<e:Header>{login}</e:Header>")
    result = invoke("translate", "-", "--format", "json", stdin=message)
    assert result.exit_code == 0
    assert "hidden" not in result.output


@pytest.mark.parametrize(
    ("message", "reason", "code"),
    [
        (
            "<SetClientStatusRequest><status>off</status><ID>1</ID></SetClientStatusRequest>",
            "bad-value",
            None,
        ),
        ("<SetClientStatusRequest><status>1</status></SetClientStatusRequest>", "missing-parameter", "117"),
        ("<NoSuchThing/>", "unknown-operation", None),
        ("<broken", "malformed-xml", None),
        ("", "malformed-xml", None),
        ("<!DOCTYPE a><a/>", "doctype-refused", None),
        (f'<e:Envelope xmlns:e="{SOAP}"/>', "not-soap", None),
    ],
)
def test_a_fault_is_told_and_ends_with_1(invoke: Invoke, message: str, reason: str, code: str | None) -> None:
    result = invoke("translate", "-", "--format", "json", stdin=message)
    assert result.exit_code == 1
    data = as_json(result)
    assert data["calls"] == []
    assert (data["fault"]["reason"], data["fault"]["code"]) == (reason, code)
    assert data["fault"]["text"] in result.stderr


@pytest.mark.parametrize(("severity", "code"), [("notice", 1), ("warning", 1), ("loss", 0), ("refused", 0)])
def test_fail_on_counts_findings_as_severe_or_worse(invoke: Invoke, severity: str, code: int) -> None:
    assert invoke("translate", "-", "--fail-on", severity, stdin=BARE).exit_code == code


def test_findings_alone_are_no_failure(invoke: Invoke) -> None:
    assert invoke("translate", "-", stdin=BARE).exit_code == 0


def test_environment_twin_and_flag(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIM_TRANSLATE_FORMAT", "json")
    assert invoke("translate", "-", stdin=BARE).stdout.startswith("{")
    assert invoke("translate", "-", "--format", "text", stdin=BARE).stdout.startswith("Call 1")


def test_missing_file_is_a_usage_error(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("translate", str(tmp_path / "none.xml"))
    assert result.exit_code == 2
    assert "none.xml" in result.stderr


def test_other_encodings(invoke: Invoke) -> None:
    message = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><AddClientRequest><name>Bäcker</name></AddClientRequest>'
    )
    result = invoke("translate", "-", "--format", "json", stdin=message.encode("latin-1"))
    assert "Bäcker" in as_json(result)["calls"][0]["envelope"]


def _two_calls(context: CallContext) -> Steps[Element]:
    """Adds an organization, then blocks it: a plan as later services have it."""
    translation = context.translation
    answer = yield from forward(context, translation.new, translation.to_new(context), writes=True)
    status = context.catalogue.new.operations["Organization.SetOrganizationStatus"]
    asked = Element(status.input.name, children=[Element("status", "0"), Element("ID", answer.get("ID"))])
    yield from forward(context, status, asked, writes=True)
    return translation.to_old(answer, context)


def test_what_a_later_call_needs_of_an_answer_is_a_placeholder() -> None:
    declared = tuple(
        operation(each.name, each.becomes, each.rules, plan=_two_calls) if each.name == "AddClient" else each
        for each in client.SERVICE.operations
    )
    services: list[DeclaredService] = [service("Client", "Organization", *declared)]
    run = dry_run(compile_catalogue(old(), new(), services), BARE.encode(), "http://v3")
    assert [call.operation for call in run.calls] == ["AddOrganization", "SetOrganizationStatus"]
    assert [call.placeholders for call in run.calls] == [[], ["ID"]]
    assert not run.cut_short
    for call in run.calls:
        assert_valid(call.envelope, new())


def test_placeholders_are_never_values_of_the_message() -> None:
    body = (
        "<SetClientStatusRequest><status>1</status><identifier>900000001</identifier></SetClientStatusRequest>"
    )
    run = dry_run(catalogue(), body.encode(), "http://v3")
    assert [call.placeholders for call in run.calls] == [[]]


NEED_WHAT_IS_KEPT = ("PBX.EditIndustry", "PBX.DelIndustries")
_MORE_THAN_LEAST = {
    "GlobalOp.LinkedOp": "<LinkedOpRequest><operation><identifier>a</identifier><package><GetClientsRequest/>"
    "</package></operation></LinkedOpRequest>",
}
"""The schema lets them name nothing, and nothing can be done then."""


@pytest.mark.parametrize("name", sorted(catalogue().translations))
def test_every_translated_operation_gets_through(name: str) -> None:
    """Whatever v3 would answer, the placeholders are answer enough."""
    translation = catalogue().translations[name]
    message = _MORE_THAN_LEAST.get(name) or least(translation.old.input, translation.request.demands)
    run = dry_run(catalogue(), message.encode(), "http://v3")
    assert run.fault is None, run.fault
    assert bool(run.calls) is not bool(catalogue().translations[name].declared.emulates)
    assert run.cut_short is (name in NEED_WHAT_IS_KEPT)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_head_of_a_dumped_request_is_passed_over(end: str) -> None:
    action = "http://4psa.com/Client/2.5.1:getClientsIn"
    lines = [
        "POST /soap2/client_agent.php HTTP/1.1",
        "Host: old.example.com",
        f'SOAPAction: "{action}"',
        "",
        "",
    ]
    for body in ("<GetClientsRequest/>", ""):
        run = dry_run(catalogue(), (end.join(lines) + envelope(body)).encode(), "http://v3")
        assert run.fault is None
        assert [each.operation for each in run.calls] == ["GetOrganizations"]
