"""Which version the backend is spoken to in: as configured, as it says, or 3.0.0 with a warning."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from shim.core.commands.backend import Answer, Call
from shim.core.errors import BackendError, BackendLoginRefused, BackendRefused
from shim.core.message import Element
from shim.core.schema.interface import paths
from shim.edge.backend.dialect import chosen, find_dialect
from shim.edge.settings.model import Config, Integration
from shim.interfaces.dialects import known
from shim.interfaces.load import Dialect, new
from tests.support.conversation import new_answer

LOGIN = {"old": {"username": "u", "password": "p"}, "new": {"app_key": "k", "app_secret": "s"}}
REFUSED = BackendLoginRefused("backend-login-refused", "No.")
AWAY = BackendError("backend-unreachable", "It is away.")


class Backend:
    """Lists versions, or raises, for each integration by name."""

    def __init__(self, **told: list[str] | BackendError) -> None:
        self.told = told
        self.asked: list[str] = []

    async def forward(self, call: Call, integration: Integration) -> Answer:
        assert call.full_name == "PBX.GetSchemaVersions"
        assert not call.writes
        self.asked.append(integration.name)
        told = self.told[integration.name]
        if isinstance(told, BackendError):
            raise told
        listed = Element("GetSchemaVersionsResponse", children=[Element("versions", each) for each in told])
        return Answer(200, "text/xml", new_answer(new().operations[call.full_name], listed))


async def found(backend: Any, version: str = "auto", disabled: str = "", **settings: str) -> Dialect:
    url = "http://127.0.0.1:9"
    integrations = [{"name": each, **LOGIN, "enabled": each != disabled} for each in backend.told]
    config = Config.model_validate(
        {"backend": {"url": url, "schema_version": version, **settings}, "integrations": integrations}
    )
    return await find_dialect(config, backend)


@pytest.mark.parametrize(
    ("listed", "best"),
    [
        (["2.5.1", "3.0.0", "3.5.0", "4.0.0", "5.2.5"], "5.2.5"),
        (["3.0.0", "3.5.0", "3.10.1", "latest"], "3.5.0"),
        (["2.5.1", "3.1", "4.0.0", "latest"], "4.0.0"),
        (["2.5.1", "5.7.0", "3.x", ""], "5.7.0"),
        (["2.5.1", "2.0.4", "latest"], None),
        ([], None),
    ],
)
def test_the_highest_that_is_described_is_taken_else_the_highest(listed: list[str], best: str | None) -> None:
    assert chosen(listed) == best


async def test_a_configured_version_is_not_asked_for() -> None:
    backend = Backend(a=["3.9.0"])
    assert await found(backend, "3.2.1") == Dialect("3.2.1")
    assert backend.asked == []


async def test_the_first_integration_that_can_log_in_asks() -> None:
    fault = BackendRefused("backend-fault", "Not you.", "520")
    backend = Backend(a=REFUSED, off=["3.8.0"], b=fault, c=["2.5.1", "3.2.0"], d=["3.9.0"])
    assert await found(backend, disabled="off") == Dialect("3.2.0")
    assert backend.asked == ["a", "b", "c"]


@pytest.mark.parametrize("told", [{"a": REFUSED}, {"a": AWAY, "b": ["3.9.0"]}, {"a": ["2.5.1"]}, {}])
async def test_what_is_not_found_out_is_assumed_with_a_warning(told: dict[str, Any]) -> None:
    backend = Backend(**told)
    with capture_logs() as logs:
        assert await found(backend) == Dialect("3.0.0")
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["backend version unknown"]
    assert backend.asked == list(told)[:1]


@pytest.mark.parametrize(
    ("version", "setting", "names"),
    [
        ("3.4.9", "auto", "name"),
        ("3.5.0", "auto", "both"),
        ("3.10.0", "auto", "both"),
        ("3.10.0", "name", "name"),
        ("3.0.0", "split", "split"),
    ],
)
async def test_names_go_by_version_unless_it_is_said(version: str, setting: str, names: str) -> None:
    interface = new(await found(Backend(a=[version]), person_names=setting))
    said = [path for path, _ in paths(interface.operations["User.AddUser"].input)]
    has = {"name": ["name"], "both": ["name", "firstName", "lastName"], "split": ["firstName", "lastName"]}
    assert [each for each in said if each in has["both"]] == has[names]


async def test_a_server_that_takes_only_a_later_version_is_asked_in_it() -> None:
    backend = Backend(a=BackendRefused("backend-fault", "Not in this version."))
    assert await found(backend) == Dialect("3.0.0")
    assert backend.asked == ["a"] * len(known())


async def test_a_version_without_a_description_is_spoken_as_the_nearest_below_with_a_warning() -> None:
    with capture_logs() as logs:
        dialect = await found(Backend(a=["2.5.1", "4.1.0"]))
    assert (dialect.version, dialect.described) == ("4.1.0", "3.5.0")
    told = [each for each in logs if each["event"] == "backend version not described"]
    assert (told[0]["version"], told[0]["spoken_as"], told[0]["log_level"]) == ("4.1.0", "3.5.0", "warning")


async def test_the_login_has_the_namespace_of_the_vendors_tool_where_that_is_set() -> None:
    dialect = await found(Backend(a=[]), "5.2.5", header_namespace="latest")
    assert new(dialect).namespace("HeaderData") == "http://127.0.0.1:9/soap2/schema/latest/HeaderData.xsd"
    assert new(dialect).namespace("UserData") == "http://4psa.com/UserData.xsd/5.2.5"
