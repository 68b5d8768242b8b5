"""shim check finds out by reads what no source tells, whatever v3 does, and says where a setting is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from shim.cli.check.assumptions import describe_filter, describe_limits, spoken_names, spoken_storage
from shim.core.catalogue.translation import Catalogue
from shim.core.message import Element
from shim.interfaces.load import Dialect, new, old

Invoke = Callable[..., Result]
ConfigFile = Callable[..., Path]
Start = Callable[..., Any]

ONE = {
    "lists": "lists have all below a parent",
    "row identifier": "the identifier in a row of extensions is its user's",
    "empty list": "a list without rows has a notice with code 030",
    "required": "requests that lack what the schema requires are refused",
    "soap action": "the body says which operation it is",
    "unlimited": "each of 23 limits says whether it is unlimited",
    "names": "accounts have name alone",
    "storage": "accounts have five limits for what they store",
    "report filter": "not found out: the user who was asked for had no busy call in a month",
}
OTHER = {
    "lists": "lists have only what is directly a parent's own",
    "row identifier": "the identifier in a row of extensions is its own",
    "empty list": "a list without rows is bare",
    "required": "requests that lack what the schema requires are taken",
    "soap action": "SOAPAction says which operation it is",
    "unlimited": "each of 23 limits says whether it is unlimited",
    "names": "accounts have name alone",
    "storage": "accounts have five limits for what they store",
    "report filter": "not found out: the user who was asked for had no busy call in a month",
}
SWITCHES = (
    "--lists", "direct", "--row-identifier", "extension", "--empty-list", "bare", "--lenient",
    "--dispatch", "action",
)  # fmt: skip


def told(done: Result) -> dict[str, str]:
    lines = [line.removeprefix("ok").strip().partition(": ") for line in done.stdout.splitlines()]
    return {name: said for name, _, said in lines if name in ONE}


def emulated(start: Start, *switches: str) -> str:
    url: str = start("emulate", "--port", "0", *switches, until="nw005").find(r"emulated: (\S+)")
    return url


@pytest.mark.slow
@pytest.mark.parametrize(("switches", "said"), [((), ONE), (SWITCHES, OTHER)])
def test_what_v3_does_is_found_out(
    invoke: Invoke, config: ConfigFile, start: Start, switches: tuple[str, ...], said: dict[str, str]
) -> None:
    done = invoke("check", "--config", str(config(backend=emulated(start, *switches))))
    assert done.exit_code == 0, done.stdout + done.stderr
    assert told(done) == said


@pytest.mark.slow
def test_a_setting_that_v3_contradicts_is_a_problem(invoke: Invoke, config: ConfigFile, start: Start) -> None:
    file = config("conduct: {lists: direct, row_identifier: user}\n", backend=emulated(start))
    done = invoke("check", "--config", str(file))
    assert done.exit_code == 3
    assert "conduct.lists is direct, and v3 does otherwise: subtree" in done.stdout
    assert "row_identifier" not in done.stdout


def test_limits_that_do_not_say_whether_they_are_unlimited_name_the_setting() -> None:
    limits = [Element("phoneExtMax", "7"), Element("userMax", "3", {"unlimited": "false"})]
    row = [*limits, Element("name", "Sales")]
    answer = Element("GetOrganizationPLResponse", children=[Element("organizationPL", children=row)])
    told = describe_limits(Catalogue(old(), new()), answer)
    assert told.startswith("1 of 2 limits lack the attribute unlimited, phoneExtMax first")
    assert "conduct.unlimited_absent_in_v3" in told
    nothing = describe_limits(Catalogue(old(), new()), Element("GetOrganizationPLResponse"))
    assert nothing == "not found out: the organization that was asked for has no limits"


@pytest.mark.slow
def test_a_later_version_is_seen_and_fits(invoke: Invoke, config: ConfigFile, start: Start) -> None:
    url = emulated(start, "--schema-version", "5.2.5")
    done = invoke("check", "--config", str(config(backend=f"{url}', schema_version: 'auto")))
    assert done.exit_code == 0, done.stdout + done.stderr
    said = told(done)
    assert said["names"] == "accounts have firstName and lastName beside name"
    assert said["storage"] == "accounts have one limit for all that they store"


@pytest.mark.slow
def test_a_server_that_has_names_and_storage_otherwise_is_a_problem(
    invoke: Invoke, config: ConfigFile, start: Start
) -> None:
    switches = ("--person-names", "both", "--storage-limits", "one", "--surplus", "ignore")
    done = invoke("check", "--config", str(config(backend=emulated(start, *switches))))
    assert done.exit_code == 3
    for setting, found in (("person_names", "both"), ("storage_limits", "one")):
        assert f"backend.{setting}" in done.stdout
        assert f"and v3 does otherwise: {found}" in done.stdout


@pytest.mark.parametrize(
    ("ended", "found"),
    [
        ((), None),
        (("BUSY", "BUSY"), "heeded"),
        (("BUSY", "ANSWERED"), "not heeded"),
        (("ANSWERED",), "not heeded"),
    ],
)
def test_whether_the_filter_of_a_call_report_is_heeded(ended: tuple[str, ...], found: str | None) -> None:
    calls = [Element("call", children=[Element("disposition", each)]) for each in ended]
    said, seen = describe_filter(Element("CallReportResponse", children=calls))
    assert seen == found
    assert (found is None) == said.startswith("not found out")


@pytest.mark.parametrize(
    ("version", "names", "storage"),
    [("3.0.0", "name", "five"), ("3.5.0", "both", "five"), ("5.2.5", "both", "one")],
)
def test_what_a_version_is_spoken_with(version: str, names: str, storage: str) -> None:
    interface = new(Dialect(version))
    assert (spoken_names(interface), spoken_storage(interface)) == (names, storage)


@pytest.mark.slow
def test_a_version_that_the_server_does_not_list_is_a_problem(
    invoke: Invoke, config: ConfigFile, start: Start
) -> None:
    url = emulated(start, "--schema-version", "5.2.5")
    done = invoke("check", "--config", str(config(backend=url)))
    assert done.exit_code == 3
    assert "3.0.0 is spoken, and the backend does not list it: it lists 5.2.5" in done.stdout
    assert "Set 5.2.5, or auto" in done.stdout
