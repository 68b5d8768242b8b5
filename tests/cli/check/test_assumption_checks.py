"""shim check finds out by reads what no source tells, whatever v3 does, and says where a setting is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from shim.cli.check.assumptions import describe_limits
from shim.core.catalogue.translation import Catalogue
from shim.core.message import Element
from shim.interfaces.load import new, old

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
}
OTHER = {
    "lists": "lists have only what is directly a parent's own",
    "row identifier": "the identifier in a row of extensions is its own",
    "empty list": "a list without rows is bare",
    "required": "requests that lack what the schema requires are taken",
    "soap action": "SOAPAction says which operation it is",
    "unlimited": "each of 23 limits says whether it is unlimited",
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
