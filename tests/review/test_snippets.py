"""Code to copy: it is copied, filled in, and run against the emulator, as an integrator would."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from lxml import etree

from shim.cli.common.listening import listening
from shim.emulator.app import Options, application
from shim.emulator.world.seed import load_seed
from shim.emulator.world.world import World
from shim.review.output.programs import HELPERS, helper, program
from shim.review.output.snippets import LANGUAGES, SnippetLanguage, language_of, snippet
from shim.review.reading.model import CallerRow, SampleCall
from tests.end_to_end.real_clients.test_real_clients import needed, needed_php
from tests.review.world import NOW, sample

ADD = (
    "<AddClientRequest><name>a</name><company>b</company><login>c</login><password>d</password>"
    "<passwordAuto>false</passwordAuto><country>us</country></AddClientRequest>"
)
COMPANY = 'Müller & Söhne <"x"> $HOME `id` \\n {login}'
VALUES = {"name": "Jo", "company": COMPANY, "login": "mueller", "password": "s3cret-Pass", "country": "us"}


def calls(message: str) -> list[SampleCall]:
    return [SampleCall(**each) for each in json.loads(sample(message))["calls"]]


@pytest.fixture
def world() -> World:
    return load_seed()


@pytest.fixture
async def emulator(world: World) -> AsyncIterator[str]:
    async with listening(application(world, Options()), "127.0.0.1", 0) as url:
        yield url


def fill(code: str, values: Mapping[str, str], secret: str = "acme-app-secret") -> str:
    """What an integrator does: put values where the code says YOUR, as its language writes texts."""
    return fill_values(code, {**values, "app key": "acme-key", "app secret": secret})


def fill_values(code: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        assert f"YOUR {name}" in code
        code = code.replace(f"'YOUR {name}'", "'" + value.replace("\\", "\\\\") + "'")
        code = code.replace(f'"YOUR {name}"', json.dumps(value, ensure_ascii=False))
    assert "YOUR " not in code.replace("begins with YOUR", "")
    return code


RUN = {"python": [sys.executable, "-W", "error"], "php": ["php"], "curl": ["sh"]}


async def run(language: SnippetLanguage, code: str, folder: Path) -> tuple[int, str, str]:
    """(exit code, what it printed, what it complained about)"""
    file = folder / "snippet"
    file.write_text(code, "utf-8")
    done = await asyncio.create_subprocess_exec(
        *RUN[language], str(file), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await asyncio.wait_for(done.communicate(), 60)
    assert done.returncode is not None
    return done.returncode, out.decode(), errors.decode()


def needs(language: SnippetLanguage) -> None:
    if language == "php":
        needed_php()
    if language == "curl":
        needed("curl", ["curl", "--version"], "curl")
        assert shutil.which("sed")


each_language = pytest.mark.parametrize(
    "language", ["python", *(pytest.param(name, marks=pytest.mark.clients) for name in ("php", "curl"))]
)


@each_language
async def test_a_copied_call_does_what_it_says(
    language: SnippetLanguage, world: World, emulator: str, tmp_path: Path
) -> None:
    needs(language)
    [call] = calls(ADD)
    values = dict(VALUES) if language != "curl" else {**VALUES, "company": COMPANY.replace("\\n", "")}
    code, out, errors = await run(language, fill(snippet(call, language, emulator), values), tmp_path)
    assert (code, errors) == (0, ""), out
    made = world.by_login("mueller")
    assert made is not None
    assert world.calls[-1].operation == "Organization.AddOrganization"
    assert world.calls[-1].request.get("company") == values["company"]
    assert world.calls[-1].request.get("passwordAuto") == "false"
    assert str(made.id) in out


@each_language
async def test_a_fault_ends_it_and_is_shown(language: SnippetLanguage, emulator: str, tmp_path: Path) -> None:
    needs(language)
    [call] = calls(ADD)
    short = {**VALUES, "company": "x"}
    code, out, errors = await run(language, fill(snippet(call, language, emulator), short), tmp_path)
    assert code != 0
    assert "The value of company is invalid" in out + errors


@each_language
async def test_a_short_program_does_the_same_by_the_helper(
    language: SnippetLanguage, world: World, emulator: str, tmp_path: Path
) -> None:
    needs(language)
    [call] = calls(ADD)
    values = dict(VALUES) if language != "curl" else {**VALUES, "company": COMPANY.replace("\\n", "")}
    made = fill(helper(call, language, emulator), {})
    (tmp_path / HELPERS[language]).write_text(made, "utf-8")
    short = fill_values(program(call, language, emulator), values)
    code, out, errors = await run(language, short, tmp_path)
    assert (code, errors) == (0, ""), out
    assert world.by_login("mueller") is not None
    assert world.calls[-1].request.get("company") == values["company"]
    code, out, errors = await run(
        language, fill_values(program(call, language, emulator), {**VALUES, "company": "x"}), tmp_path
    )
    assert code != 0
    assert "The value of company is invalid" in out + errors
    [reading] = calls("<GetClientsRequest/>")
    code, out, errors = await run(language, program(reading, language, emulator), tmp_path)
    assert (code, errors) == (0, ""), out
    assert "northwind" in out


@each_language
async def test_a_wrong_secret_ends_it(
    language: SnippetLanguage, world: World, emulator: str, tmp_path: Path
) -> None:
    needs(language)
    [call] = calls("<GetClientsRequest/>")
    code, _, _ = await run(language, fill(snippet(call, language, emulator), {}, "wrong"), tmp_path)
    assert code != 0
    assert not world.calls


@each_language
async def test_a_call_without_values(
    language: SnippetLanguage, world: World, emulator: str, tmp_path: Path
) -> None:
    needs(language)
    [call] = calls("<GetClientsRequest/>")
    code, out, errors = await run(language, fill(snippet(call, language, emulator), {}), tmp_path)
    assert (code, errors) == (0, ""), out
    assert "northwind" in out


@pytest.mark.parametrize("language", LANGUAGES)
def test_values_of_one_name_are_told_apart(language: SnippetLanguage) -> None:
    xml = calls(ADD)[0].xml.replace("{company}", "{name}")
    code = snippet(
        SampleCall("Organization.AddOrganization", "/soap2/organization_agent.php", "act", xml), language
    )
    if language == "xml":
        assert code == xml
    else:
        assert code.count("YOUR name'") + code.count('YOUR name"') == 1
        assert "YOUR name2" in code


def test_the_xml_is_the_call_as_it_is() -> None:
    [call] = calls(ADD)
    assert snippet(call, "xml") == call.xml
    assert etree.fromstring(call.xml).findtext(".//{*}company") == "{company}"


@pytest.mark.parametrize(
    ("agent", "toolkit", "language"),
    [
        ("PHP-SOAP/8.2", "", "php"),
        ("", "PHP SoapClient", "php"),
        ("python-requests/2.32", "zeep", "python"),
        ("SOAP::Lite/Perl/1.27", "SOAP::Lite", "curl"),
        ("", "", "curl"),
    ],
)
def test_the_language_is_that_of_the_last_caller_that_is_known(agent: str, toolkit: str, language: str) -> None:
    unknown = CallerRow("", "unknown", "2.5.1", "192.0.2.1", 1, NOW)
    assert language_of([unknown, CallerRow(agent, toolkit, "2.5.1", "192.0.2.1", 1, NOW)]) == language
    assert language_of([]) == "curl"
