"""shim impact: what a change would touch of the calls of the last days, before it is made."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import Result

from shim.edge.deprecation.tables import LOGIN_FORMS
from shim.edge.porting.exceptions import grant_exception
from shim.edge.store.database import Store
from tests.review.world import INTEGRATIONS, world

Impact = Callable[..., tuple[int, dict[str, Any]]]


def entries(**changes: Any) -> list[dict[str, Any]]:
    """The integrations of the world; `changes` by name."""
    return [
        {
            "name": name,
            "old": {"username": name, "password": f"{name}-secret"},
            "new": {"app_key": f"{name}-key", "app_secret": "s"},
            **changes.get(name.replace("-", "_"), {}),
        }
        for name in INTEGRATIONS
    ]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A configuration of the world, over a store with it in it, up to now."""
    return write(tmp_path / "shim.yaml", entries())


def write(path: Path, integrations: list[dict[str, Any]], **more: Any) -> Path:
    store = {"url": f"sqlite+aiosqlite:///{path.parent}/shim.db"}
    whole = {"backend": {"url": "http://127.0.0.1:9"}, "store": store, "integrations": integrations, **more}
    path.write_text(yaml.safe_dump(whole))
    path.chmod(0o600)
    return path


@pytest.fixture
def impact(invoke: Callable[..., Result], file: Path, tmp_path: Path) -> Impact:
    """(exit code, what it says as JSON)"""

    async def fill() -> None:
        store = await Store.open(f"sqlite:///{tmp_path}/shim.db")
        made = world(datetime.now(UTC))
        for form, calls in (("password", 40), ("app_key", 2)):
            made.add(
                LOGIN_FORMS, day=made.at(1).date().isoformat(), integration="crm", form=form, calls=calls,
                first_seen=made.at(1), last_seen=made.at(1),
            )  # fmt: skip
        await made.fill(store)
        await store.close()

    asyncio.run(fill())

    def run(*args: str) -> tuple[int, dict[str, Any]]:
        done = invoke("impact", *args, "-c", str(file), "--format", "json")
        assert done.exit_code in (0, 1), done.stderr
        return done.exit_code, json.loads(done.stdout)

    return run


def test_a_lock_names_who_calls_with_which_program_and_how_often(impact: Impact) -> None:
    code, told = impact("rung", "switchboard", "Extension.*", "locked", "--fail-on", "refused")
    assert code == 1
    assert told["refuses"] is True
    assert {each["integration"] for each in told["touches"]} == {"switchboard"}
    assert {each["operation"].partition(".")[0] for each in told["touches"]} == {"Extension"}
    assert all(each["before"] == "served" and each["after"] == "refused" for each in told["touches"])
    assert all(each["calls"] > 0 and each["seen"] for each in told["touches"])
    assert told["programs"]
    assert {each["integration"] for each in told["programs"]} == {"switchboard"}


def test_what_nobody_calls_touches_nobody(impact: Impact) -> None:
    code, told = impact("rung", "*", "Billing.AddChargingPlan", "locked", "--fail-on", "any")
    assert (code, told["touches"], told["programs"]) == (0, [], [])


def test_a_rung_that_only_tells_refuses_nothing(impact: Impact) -> None:
    code, told = impact("rung", "ledger", "*", "v3", "--fail-on", "refused")
    assert code == 0
    assert {each["after"] for each in told["touches"]} == {"served, with the finding came-back"}
    assert impact("rung", "ledger", "*", "v3", "--fail-on", "any")[0] == 1


def test_an_exception_lifts_a_lock_until_it_is_over(impact: Impact, file: Path) -> None:
    write(file, entries(switchboard={"porting": {"*": "locked"}}))

    async def grant() -> None:
        store = await Store.open(f"sqlite:///{file.parent}/shim.db")
        until = store.now() + timedelta(days=3)
        await grant_exception(store, "switchboard", "Extension.*", "Voice", "slips", until, "ann")
        await store.close()

    asyncio.run(grant())
    assert impact("rung", "switchboard", "*", "locked", "--fail-on", "any")[1]["touches"] == []
    code, told = impact("exception", "switchboard", "Extension.*", "--fail-on", "refused")
    assert code == 1
    assert told["touches"]
    for each in told["touches"]:
        assert (each["before"], each["after"]) == ("served, with the finding came-back", "refused")
        assert each["operation"].startswith("Extension.")
    assert impact("exception", "switchboard", "Client.*")[1]["touches"] == []


def test_a_form_of_login_touches_those_that_use_it(impact: Impact) -> None:
    code, told = impact("login", "*", "password", "refuse", "--fail-on", "refused")
    assert code == 1
    [touch] = told["touches"]
    assert (touch["integration"], touch["path"], touch["calls"]) == ("crm", "login by password", 40)
    code, told = impact("login", "crm", "app_key", "warn", "--fail-on", "refused")
    assert (code, [each["after"] for each in told["touches"]]) == (0, ["served, with the finding old-login"])


def test_a_brownout_touches_what_it_covers(impact: Impact) -> None:
    _, told = impact("brownout", "*", "Client.*")
    assert {each["operation"].partition(".")[0] for each in told["touches"]} == {"Client"}
    assert len({each["integration"] for each in told["touches"]}) > 1


def test_a_policy_touches_the_paths_that_were_met_down_to_their_shapes(impact: Impact) -> None:
    _, told = impact("policy", "refuse", "--finding", "field-dropped")
    assert told["touches"], "the switchboard sends what v3 has no place for"
    for each in told["touches"]:
        assert (each["integration"], each["before"], each["after"]) == (
            "switchboard", "dropped, with a finding", "refused",
        )  # fmt: skip
        assert each["path"]
    assert any(each["shapes"] for each in told["touches"])
    assert impact("policy", "drop", "--finding", "field-dropped")[1]["touches"] == [], "it is dropped already"


def test_another_configuration_is_compared_whole(impact: Impact, file: Path) -> None:
    changes = {
        "ledger": {"enabled": False},
        "crm": {"login_forms": {"password": "refuse"}},
        "portal": {"porting": {"*": "locked"}},
    }
    other = write(file.parent / "other.yaml", entries(**changes))
    code, told = impact("config", str(other), "--fail-on", "refused")
    assert code == 1
    by = {each["integration"] for each in told["touches"]}
    assert by == {"ledger", "crm", "portal"}
    [login] = [each for each in told["touches"] if each["integration"] == "crm"]
    assert (login["path"], login["calls"], login["after"]) == ("login by password", 40, "refused")
    assert impact("config", str(file))[1]["touches"] == []


def test_another_release_touches_the_calls_that_use_its_paths(
    impact: Impact, invoke: Callable[..., Result], file: Path
) -> None:
    coverage = json.loads(invoke("coverage", "--format", "json").stdout)
    saved = file.parent / "before.json"
    saved.write_text(json.dumps(coverage))
    assert impact("release", str(saved))[1]["touches"] == []
    [policy] = [impact("policy", "refuse", "--finding", "field-dropped")[1]["touches"][0]]
    service, _, operation = policy["operation"].partition(".")
    for row in coverage["paths"]:
        if (row["service"], row["operation"], row["direction"], row["path"]) == (
            service, operation, "request", policy["path"],
        ):  # fmt: skip
            row |= {"fate": "carried", "finding": None, "place": "elsewhere"}
    saved.write_text(json.dumps(coverage))
    code, told = impact("release", str(saved), "--fail-on", "any")
    assert code == 1
    [touch] = told["touches"]
    assert (touch["integration"], touch["path"], touch["seen"]) == (policy["integration"], policy["path"], True)
    assert touch["before"] == "carried to elsewhere"
    assert touch["shapes"] == policy["shapes"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("rung", "nobody", "*", "v3"), "There is no integration nobody"),
        (("rung", "crm", "Client.Nothing", "v3"), "There is no Client.Nothing in 2.5"),
        (("release", "nowhere.json"), "cannot be read"),
    ],
)
def test_what_cannot_be_asked_ends_with_2(
    impact: Impact, invoke: Callable[..., Result], file: Path, args: tuple[str, ...], told: str
) -> None:
    done = invoke("impact", *args, "-c", str(file))
    assert done.exit_code == 2
    assert told in done.stderr


def test_the_table_says_how_many(impact: Impact, invoke: Callable[..., Result], file: Path) -> None:
    done = invoke("impact", "rung", "ledger", "Client.GetClients", "locked", "-c", str(file))
    assert done.exit_code == 0
    assert "Client.GetClients" in done.stdout
    assert "1 integrations would be touched, 1 lines refused" in done.stderr
