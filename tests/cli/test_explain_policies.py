"""shim explain and shim check on policies: what can be chosen, what was, and what cannot be meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Invoke = Callable[..., Result]
ConfigFile = Callable[..., Path]

CHOSEN = """conduct:
  policies:
    - {operation: Reseller.AddReseller, do: drop}
    - {path: industry, do: refuse}
integrations:
  - name: billing
    old: {username: billing, password: x}
    new: {app_key: k, app_secret: s}
    conduct: {policies: [{operation: "Client.*", finding: field-kept, do: drop}]}
"""


def policies(told: str) -> list[str]:
    return [line.strip() for line in told.partition("\nPolicies\n")[2].splitlines()]


def test_explain_lists_defaults_and_choices(invoke: Invoke) -> None:
    assert policies(invoke("explain", "GetClientDetails").stdout) == [
        "answer industry (finding field-emulated): emulate by default; can be chosen: drop, refuse",
        "answer advertisingTemplate (finding field-emulated): emulate by default; can be chosen: drop, refuse",
    ]
    told = policies(invoke("explain", "SetExtensionPL").stdout)
    assert (
        "request shareFaxes/ID, values that v3 cannot take (finding field-dropped): drop by default; "
        "can be chosen: refuse"
    ) in told
    assert policies(invoke("explain", "AddReseller").stdout) == [
        "answer template (finding answer-field-unavailable): drop by default"
    ]
    assert policies(invoke("explain", "GetClients").stdout) == []


def test_explain_with_a_configuration_tells_what_was_chosen_and_for_whom(
    invoke: Invoke, config: ConfigFile
) -> None:
    told = policies(invoke("explain", "AddClient", "-c", str(config(CHOSEN))).stdout)
    assert told == [
        "request industry (finding field-kept): emulate by default; can be chosen: drop, refuse",
        "chosen: refuse (conduct.policies[1])",
        "chosen for billing: drop (its conduct.policies[0])",
        "request advertisingTemplate (finding field-kept): emulate by default; can be chosen: drop, refuse",
        "chosen for billing: drop (its conduct.policies[0])",
        "answer industry (finding field-emulated): emulate by default; can be chosen: drop",
        "answer advertisingTemplate (finding field-emulated): emulate by default; can be chosen: drop",
    ]


WRONG = "conduct: {policies: [{operation: Client.AdClient, do: drop}]}\n"
MEANT = "conduct.policies[0].operation: 2.5 has no such operation. Did you mean Client.AddClient?"


def test_what_cannot_be_meant_stops_check_explain_and_serve(invoke: Invoke, config: ConfigFile) -> None:
    file = str(config(WRONG))
    checked = invoke("check", "--offline", "-c", file)
    assert checked.exit_code == 2
    assert f"PROBLEM  policies: {file}: {MEANT}" in checked.stdout
    for command in (("explain", "AddClient"), ("serve",)):
        done = invoke(*command, "-c", file)
        assert done.exit_code == 2
        assert MEANT in done.stderr
