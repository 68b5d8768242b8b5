"""shim coverage and shim explain: the catalogue, read aloud."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from shim.cli.coverage_data import rows
from shim.core.interface import paths
from tests.support.conversation import catalogue

Invoke = Callable[..., Result]


def test_json_has_every_path_of_every_old_message_once(invoke: Invoke) -> None:
    data = json.loads(invoke("coverage", "--format", "json").stdout)
    found = Counter(
        (f"{row['service']}.{row['operation']}", row["direction"], row["path"]) for row in data["paths"]
    )
    expected = Counter(
        (operation.full_name, direction, path)
        for operation in catalogue().old.operations.values()
        for direction, message in (("request", operation.input), ("answer", operation.output))
        for path, _ in paths(message)
    )
    assert found == expected
    keys = ["service", "operation", "direction", "path", "fate", "place", "finding", "because", "cases"]
    assert all(list(row) == keys for row in data["paths"])
    totals = data["totals"]
    assert totals["operations"] == 161
    assert totals["translated"] == len(catalogue().translations)
    assert totals["paths"] == sum(totals["fates"].values()) == len(data["paths"])


def test_operations_not_translated_are_refused() -> None:
    others = [
        row for row in rows(catalogue()) if f"{row.service}.{row.operation}" not in catalogue().translations
    ]
    assert {(row.fate, row.finding, row.place) for row in others} <= {("refused", "not-translated", None)}


def test_cases_are_those_that_hold_the_path() -> None:
    found = {(row.direction, row.path): row.cases for row in rows(catalogue()) if row.operation == "AddClient"}
    assert "client/AddClient.case" in found["request", "industry"]
    assert "client/AddClient.case" in found["request", "advertisingTemplate/@ResellerDefault"]
    assert "client/AddClient.case" not in found["request", "fax"]


def test_without_cases_the_list_is_empty(tmp_path: Path) -> None:
    assert all(row.cases == [] for row in rows(catalogue(), tmp_path / "none"))


def test_table_and_choice(invoke: Invoke) -> None:
    result = invoke("coverage", "client.addclient", "Reseller")
    assert result.exit_code == 0
    assert "Organization.AddOrganization" in result.stdout
    assert "DelReseller" in result.stdout
    assert "EditClient" not in result.stdout
    assert "\x1b" not in result.stdout


def test_markdown_lists_what_differs(invoke: Invoke) -> None:
    result = invoke("coverage", "Client", "--format", "markdown")
    assert "| Client | AddClient | Organization.AddOrganization |" in result.stdout
    assert "## Client.MoveClients" in result.stdout
    assert "| request | resellerID | renamed | serviceProviderID |" in result.stdout
    assert "## Client.SetClientCpAccess" not in result.stdout


def test_unknown_name_is_a_usage_error(invoke: Invoke) -> None:
    result = invoke("coverage", "Clint")
    assert result.exit_code == 2
    assert "Clint" in result.stderr


def test_explain_tells_calls_places_losses_and_defaults(invoke: Invoke) -> None:
    told = invoke("explain", "SetResellerPL").stdout
    assert "becomes ServiceProvider.SetServiceProviderPL, posted to /soap2/sp_agent.php" in told
    assert "clientMax -> organizationMax" in told
    assert "advertisingManag kept (finding field-kept)" in told
    assert "userMax: v3 bounds users" in told


def test_explain_says_that_an_operation_is_not_forwarded(invoke: Invoke) -> None:
    told = invoke("explain", "LinkedOp").stdout
    assert "is served by the shim itself; v3 is not asked for its own" in told
    assert "becomes" not in told.split("The request")[0]
    assert "operation/package emulated" in told


def test_explain_finds_any_spelling(invoke: Invoke) -> None:
    told = {invoke("explain", name).stdout for name in ("AddClient", "client.addclient", "AddClientRequest")}
    assert len(told) == 1


def test_explain_what_is_not_translated(invoke: Invoke) -> None:
    missing = next(name for name in catalogue().old.operations if name not in catalogue().translations)
    result = invoke("explain", missing)
    assert result.exit_code == 0
    assert "not translated yet" in result.stdout


def test_explain_suggests_for_a_slip(invoke: Invoke) -> None:
    result = invoke("explain", "AdClient")
    assert result.exit_code == 2
    assert "Did you mean Client.AddClient?" in result.stderr


def test_what_the_shim_serves_itself_is_said_to_be_its_own(invoke: Invoke) -> None:
    told = invoke("explain", "AddIndustry").stdout
    assert "is served by the shim itself, without a v3 call (finding operation-emulated)" in told
    assert "v3 has no industries" in told
    assert "becomes" not in told
    assert "3 of 5 paths are the shim's own. The others:" in told
    assert "a height of 1 to 200 pixels" in told
    table = invoke("coverage", "PBX.AddIndustry").stdout
    assert "(the shim itself)" in table
    found = [row for row in rows(catalogue()) if row.operation == "AddIndustry"]
    assert {(row.fate, row.finding) for row in found} == {("emulated", "operation-emulated")}
    assert any("pbx/AddIndustry.case" in row.cases for row in found)


def test_explain_tells_how_a_plan_of_one_operation_goes(invoke: Invoke) -> None:
    told = invoke("explain", "GetTemplates").stdout
    assert "becomes PBX.GetTemplates, posted to /soap2/pbx_agent.php\n  For level 100 v3 is asked twice" in told
