"""shim coverage and shim explain: the catalogue, read aloud."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import Result

from shim.cli.coverage.data import rows
from shim.cli.coverage.gaps import gaps
from shim.cli.explain.page import page
from shim.core.catalogue.translation import Catalogue
from shim.core.rules.rule import Fate
from shim.core.schema.interface import paths
from shim.interfaces.dialects import known
from shim.interfaces.load import Dialect
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
    services = totals["services"]
    assert list(services) == list(dict.fromkeys(row["service"] for row in data["paths"]))
    for count in ("operations", "translated", "paths", "with_cases"):
        assert sum(each[count] for each in services.values()) == totals[count]


def without(name: str) -> Catalogue:
    """The catalogue as it would be if an operation were not declared."""
    whole = catalogue()
    return Catalogue(
        whole.old, whole.new, {key: each for key, each in whole.translations.items() if key != name}
    )


def test_operations_not_translated_are_refused() -> None:
    others = [row for row in rows(without("Client.AddClient")) if row.operation == "AddClient"]
    assert {(row.fate, row.finding, row.place) for row in others} == {("refused", "not-translated", None)}


def test_every_operation_is_translated() -> None:
    assert set(catalogue().translations) == set(catalogue().old.operations)
    assert "not-translated" not in {row.finding for row in rows(catalogue())}


def test_what_the_shim_serves_itself_is_said_to_have_no_successor(invoke: Invoke) -> None:
    told = invoke("coverage", "GlobalOp", "--format", "markdown").stdout
    assert "Served by the shim itself." in told
    assert (
        "1. nothing: the shim serves it itself" in invoke("explain", "LinkedOp", "--format", "markdown").stdout
    )


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


def test_markdown_of_all_is_an_overview(invoke: Invoke) -> None:
    told = invoke("coverage", "--format", "markdown").stdout
    line = "| Client | [AddClient](coverage/client.md#clientaddclient) | Organization.AddOrganization |"
    assert line in told
    assert "| [Client](coverage/client.md) | 11 | 11 |" in told


def test_markdown_of_a_service_has_every_path(invoke: Invoke) -> None:
    told = invoke("coverage", "Client", "--format", "markdown").stdout
    assert "| `resellerID` | renamed | `serviceProviderID` |" in told
    assert "| `industry` | kept |  | [`field-kept`](../findings.md) | v3 has no industries" in told
    assert "AddClient.verbose" in told
    lines = sum(line.startswith("| `") for line in told.splitlines())
    assert lines == sum(row.service == "Client" for row in rows(catalogue()))


# ---- gaps ----


def with_fates(name: str, fates: list[Fate]) -> Catalogue:
    whole = catalogue()
    changed = replace(whole.translations[name], fates=fates)
    return Catalogue(whole.old, whole.new, {**whole.translations, name: changed})


@pytest.mark.parametrize("version", known())
def test_the_catalogue_has_no_gaps(version: str) -> None:
    compiled = catalogue(Dialect(version))
    assert gaps(compiled, compiled.translations) == []
    assert sum(len(each.fates) for each in compiled.translations.values()) == 3_624


def test_a_path_without_a_fate_is_a_gap() -> None:
    name = "Client.MoveClients"
    fates = [each for each in catalogue().translations[name].fates if each.path != "resellerID"]
    assert gaps(with_fates(name, fates), [name]) == ["Client.MoveClients, request: resellerID has no fate"]


def test_a_fate_of_what_2_5_does_not_have_is_a_gap() -> None:
    name = "Client.MoveClients"
    fates = [*catalogue().translations[name].fates, Fate("request", "owner", "dropped")]
    expected = ["Client.MoveClients, request: owner has a fate, and 2.5 does not have it"]
    assert gaps(with_fates(name, fates), [name]) == expected


@pytest.mark.parametrize(
    ("name", "path", "place", "gap"),
    [
        ("Client.MoveClients", "resellerID", "resellerID", "resellerID, which v3 does not have"),
        (
            "Extension.AddExtension",
            "login",
            "User.AddUser:logins",
            "User.AddUser:logins, which v3 does not have",
        ),
        (
            "Extension.AddExtension",
            "login",
            "User.Add:login",
            "User.Add:login, and v3 has no operation User.Add",
        ),
    ],
)
def test_a_place_that_v3_does_not_have_is_a_gap(name: str, path: str, place: str, gap: str) -> None:
    fates = [
        replace(each, v3_path=place) if (each.direction, each.path) == ("request", path) else each
        for each in catalogue().translations[name].fates
    ]
    assert gaps(with_fates(name, fates), [name]) == [f"{name}, request: {path} goes to {gap}"]


def test_coverage_fails_with_the_gaps(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = with_fates("Client.MoveClients", [])
    monkeypatch.setattr("shim.cli.common.loading.catalogue", lambda *_: broken)
    result = invoke("coverage", "Client", "--format", "json")
    assert result.exit_code == 1
    assert "Client.MoveClients, request: resellerID has no fate" in result.stderr
    assert json.loads(result.stdout)["paths"]
    assert invoke("coverage", "Client.AddClient").exit_code == 0


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
    assert "operation/package moved" in told


def test_explain_tells_all_calls_of_a_plan_in_order_and_what_takes_them_back(invoke: Invoke) -> None:
    told = invoke("explain", "Extension.AddExtension").stdout.split("By default")[0]
    calls = re.findall(r"^  - (\S+), posted to \S+(, a read)?$", told, re.MULTILINE)
    assert [name for name, read in calls if not read] == [
        "User.AddUser", "User.SetUserPL", "Extension.AddExtension",
    ]  # fmt: skip
    assert calls[0] == ("PBX.GetTemplates", ", a read")
    assert "- User.AddUser, posted to /soap2/user_agent.php\n      Undone by User.DelUser." in told
    assert "Goes when an earlier call is undone." in told.split("User.SetUserPL, posted")[1]
    assert "what was done is undone, the last first" in told


def test_explain_tells_which_calls_are_finished_rather_than_undone(invoke: Invoke) -> None:
    for name in ("EditExtension", "DelExtension", "DelAccount", "SetProvision"):
        assert "Nothing is undone: what is cut off is finished" in invoke("explain", name).stdout


def test_explain_tells_what_is_asked_to_know_who_is_who(invoke: Invoke) -> None:
    told = invoke("explain", "GetPublicNo").stdout.split("What v3 may be asked besides")[1]
    assert "- User.GetUserDetails, posted to" in told
    assert "- Extension.GetExtensions, posted to" in told
    assert "may be asked besides" not in invoke("explain", "GetCodecs").stdout


def test_explain_tells_what_a_linked_op_takes_back(invoke: Invoke) -> None:
    assert "Client.AddClient by Client.DelClient" in invoke("explain", "LinkedOp").stdout


def test_explain_finds_any_spelling(invoke: Invoke) -> None:
    told = {invoke("explain", name).stdout for name in ("AddClient", "client.addclient", "AddClientRequest")}
    assert len(told) == 1


def test_explain_as_markdown_has_the_differences(invoke: Invoke) -> None:
    told = invoke("explain", "SetupExtension", "--format", "markdown").stdout
    assert told.startswith("# Extension.SetupExtension\n")
    assert "1. `Extension.SetupExtension`, posted to `/soap2/extension_agent.php`" in told
    assert "| `queue` | `phoneQueue` | renamed | Queues are called phone queues in v3. |" in told
    assert "**Dropped** (`callback`" in told


def test_every_operation_has_a_page() -> None:
    for translation in catalogue().translations.values():
        told = "\n".join(page(catalogue(), translation))
        differing = [each for each in translation.fates if each.fate not in ("carried", "ignored")]
        assert all(f"`{each.path.rpartition('/')[0] or each.path}" in told for each in differing)


def test_explain_what_is_not_translated(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.cli.common.loading.catalogue", lambda *_: without("Client.AddClient"))
    result = invoke("explain", "AddClient")
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
