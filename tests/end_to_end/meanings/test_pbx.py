"""Calls that the shim serves itself, over HTTP: out of its store and configuration, without the backend."""

from __future__ import annotations

import signal
from pathlib import Path

from shim.core.message import Element
from shim.core.parse import parse
from tests.end_to_end.messages import ACME, NORTHWIND, envelope, namespace
from tests.end_to_end.running import Backend, Shim, StartShim, demo_integrations
from tests.end_to_end.wire import Reply, answered, faulted, post

PBX = "/soap2/pbx_agent.php"


def call(shim: Shim, name: str, fields: str = "", login: tuple[str, str] = ACME) -> Reply:
    body = f'<m:{name}Request xmlns:m="{namespace("PBXMessages")}">{fields}</m:{name}Request>'
    return post(shim, envelope(body, login=login), PBX)


def add(shim: Shim, name: str) -> str:
    fields = f"<name>{name}</name><standardZoneCode>z</standardZoneCode><standardZoneHeight/>"
    return answered(call(shim, "AddIndustry", fields)).get("ID") or ""


def industries(shim: Shim, login: tuple[str, str] = ACME) -> list[Element]:
    return answered(call(shim, "GetIndustries", login=login)).all("industry")


def test_industries_are_everybodys_and_outlive_the_process(
    start_shim: StartShim, backend: Backend, tmp_path: Path
) -> None:
    changes = {"store.url": f"sqlite+aiosqlite:///{tmp_path / 'kept.db'}"}
    shim = start_shim(changes)
    with backend.watched() as calls:
        retail, banking = add(shim, "Retail"), add(shim, "Banking")
        answered(call(shim, "DelIndustries", f"<ID>{banking}</ID>"))
        [listed] = industries(shim, NORTHWIND)
    assert calls == []
    assert (listed.get("ID"), listed.get("name"), listed.get("standardZoneHeight")) == (retail, "Retail", "100")
    shim.signal(signal.SIGINT)
    assert shim.wait() == 130
    again = start_shim(changes)
    assert [each.get("ID") for each in industries(again)] == [retail]
    assert add(again, "Banking") not in (retail, banking)


def test_an_integration_may_be_kept_from_changing_them(start_shim: StartShim) -> None:
    entries = demo_integrations()
    for each in entries:
        if each["name"] == "northwind":
            each["conduct"] = {"industries": "read"}
    shim = start_shim({"integrations": entries})
    number = add(shim, "Retail")
    said = faulted(call(shim, "DelIndustries", f"<ID>{number}</ID>", NORTHWIND))
    assert said.code == "520"
    assert len(industries(shim, NORTHWIND)) == 1


def test_the_settings_of_the_old_apis_are_the_configured_ones(start_shim: StartShim) -> None:
    password = "canary-5b1d"
    conduct = {"call_api_status": True, "call_api_username": "calls", "call_api_password": password}
    shim = start_shim({"conduct": conduct, "log.level": "debug"})
    told = answered(call(shim, "GetCallAPISettings", "<userID>10</userID>"))
    assert (told.get("access/status"), told.get("access/legacyAuth")) == ("true", "false")
    assert (told.get("auth/username"), told.get("auth/password")) == ("calls", password)
    told = answered(call(shim, "GetSystemAPISettings"))
    assert (told.get("access/status"), told.get("access/legacyAuth")) == ("true", "true")
    assert password not in shim.log


def test_who_is_not_known_is_not_served(shim: Shim, backend: Backend) -> None:
    for name in ("GetIndustries", "GetCallAPISettings", "GetSchemaVersions"):
        assert faulted(call(shim, name, login=("acme", "wrong"))).code == "100"


def test_versions_are_those_that_the_shim_speaks(shim: Shim) -> None:
    versions = answered(call(shim, "GetSchemaVersions")).all("versions")
    assert [each.text for each in versions] == ["2.5.1"]
    told = answered(call(shim, "Ping"))
    assert told.get("version") == "2.5.1"
    assert [each.get("version") for each in told.all("api")] == ["2.5.1"]


def test_calls_without_a_v3_call_say_of_the_server_what_v3_last_said(shim: Shim) -> None:
    answered(call(shim, "Ping"))
    info = parse(call(shim, "GetIndustries").body).headers[0]
    assert {each.name: each.text for each in info.children} == {
        "edition": "Professional",
        "version": "2.5.1",
        "infrastructureID": "demo",
    }
