"""What the emulator does rests on something: the page that says on what knows every switch, and no other."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import typer.main

from shim.cli.main import app
from shim.core.message import Element
from shim.core.serialise import MessageWriter
from shim.interfaces.load import new
from tests.emulator.caller import Backend

PAGE = Path(__file__).parents[2] / "docs" / "emulator.md"
Start = Callable[..., Awaitable[Backend]]
EVIDENCE = ("schema", "vendor sample", "documentation", "client", "assumption")
PLAY_NOTHING = {"--seed", "--host", "--port", "--help"}
"""What the emulator serves and where: no possibilities."""


def rows() -> list[list[str]]:
    section = PAGE.read_text("utf-8").partition("## What it rests on")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:]]


def switches() -> set[str]:
    command = typer.main.get_command(app).commands["emulate"]  # type: ignore[attr-defined]
    return {name for each in command.params for name in each.opts if name.startswith("--")}


def test_every_behaviour_rests_on_something() -> None:
    assert len(rows()) > 20
    for behaviour, rests, _ in rows():
        assert rests.startswith(EVIDENCE), behaviour


def test_the_table_has_every_switch_and_no_other() -> None:
    told = {name for *_, other in rows() for name in re.findall(r"--[a-z-]+", other)}
    assert told == switches() - PLAY_NOTHING


async def posted(backend: Backend, name: str, action: str) -> int:
    """The HTTP status of a call that has nothing in it, with that SOAPAction."""
    operation = backend.interface.by_input[name]
    body, _ = MessageWriter(backend.interface, operation.input, v3=True).write(Element(name))
    login = Element("userCredentials", children=[Element("accessToken", backend.token("admin"))])
    data = MessageWriter(backend.interface, operation.input).envelope(body, login)
    headers = {"Content-Type": "text/xml", "SOAPAction": action}
    path = backend.interface.services[operation.service].endpoint
    async with backend.http.post(path, data=data, headers=headers) as response:
        return response.status


async def test_a_required_element_that_is_missing_is_refused(start: Start) -> None:
    strict = await start()
    said = await strict.refused("117", "EditExtension", extendedNumber="0020*001", password="Pass-2026")
    assert said == "The parameter label is missing."
    assert await posted(strict, "UpdateLicense", "") == 500


async def test_a_lenient_server_takes_what_lacks_something(start: Start) -> None:
    lenient = await start(lenient=True)
    await lenient.call("EditExtension", extendedNumber="0020*001", password="Pass-2026")
    await lenient.refused("100", "EditExtension", extendedNumber="0020*999", password="Pass-2026")


async def test_the_body_or_the_soap_action_says_which_operation_it_is(start: Start) -> None:
    actions = {name: new().by_input[name].soap_action for name in ("Ping", "GetTimezone")}
    by_body, by_action = await start(), await start(dispatch="action")
    for quoted in (f'"{actions["Ping"]}"', actions["Ping"]):
        assert await posted(by_action, "Ping", quoted) == 200
    assert await posted(by_body, "Ping", actions["GetTimezone"]) == 200
    assert await posted(by_action, "Ping", actions["GetTimezone"]) == 500
    assert await posted(by_action, "Ping", "") == 500
