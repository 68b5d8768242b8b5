"""The deprecation log, on both databases: what is counted, what is bounded, what comes again."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shim.core.commands.backend import Call
from shim.core.findings import Findings
from shim.core.inner import InnerCall
from shim.core.message import Element
from shim.edge.callers.refused import RefusedWhy, refused_login
from shim.edge.deprecation.batch import from_line
from shim.edge.deprecation.log import SeenCall
from shim.edge.deprecation.tables import (
    BATCHES,
    CALLERS,
    FAULTS,
    FINDING_DAYS,
    FINDING_EVENTS,
    FINDINGS,
    REFUSED_LOGINS,
    USAGE,
)
from tests.edge.deprecation.log_fixture import START, LogFixture, finding, seen

pytest_plugins = ["tests.support.postgres"]

KEY = ("billing", "Client.GetClients", "field-dropped", "a")


@pytest.fixture(params=["sqlite", "postgresql"])
def fixture(request: pytest.FixtureRequest, tmp_path: Path) -> LogFixture:
    if request.param == "postgresql":
        return LogFixture(request.getfixturevalue("postgres")(), tmp_path)
    return LogFixture(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}", tmp_path)


@pytest.fixture
def small(tmp_path: Path) -> LogFixture:
    return LogFixture(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}", tmp_path)


# ---- counting ----


async def test_every_call_counts_with_findings_or_without(fixture: LogFixture) -> None:
    async with fixture.process() as log:
        log.called(seen())
        log.called(seen(fault="backend-late"))
        fixture.clock.pass_(60)
        log.called(seen("Client.AddClient", "a", "b", "b"))
        log.ported("billing", "Organization.GetOrganizations", fault=False)
        log.ported("billing", "Organization.GetOrganizations", fault=True)
        await log.flush()
        log.called(seen("Client.AddClient", "b"))
        log.add_findings("billing", "Client.AddClient", [finding("c", count=3)])
    assert await fixture.calls() == {
        ("billing", "old", "Client.GetClients"): (2, 1),
        ("billing", "old", "Client.AddClient"): (2, 0),
        ("billing", "new", "Organization.GetOrganizations"): (2, 1),
    }
    found = await fixture.findings()
    assert {key[1:]: row["count"] for key, row in found.items()} == {
        ("Client.AddClient", "field-dropped", "a"): 1,
        ("Client.AddClient", "field-dropped", "b"): 3,
        ("Client.AddClient", "field-kept", "c"): 3,
    }
    [caller] = await fixture.rows(CALLERS)
    assert caller == {
        "integration": "billing",
        "agent": "PHP-SOAP/8.2",
        "toolkit": "PHP SoapClient",
        "version": "2.5.1",
        "address": "192.0.2.1",
        "calls": 4,
        "first_seen": START,
        "last_seen": START + timedelta(seconds=60),
    }


async def test_faults_count_by_reason_and_day(fixture: LogFixture) -> None:
    async with fixture.process() as log:
        log.called(seen())
        log.called(seen(fault="backend-late"))
        log.called(seen(fault="backend-late"))
        log.called(seen(fault="field-refused"))
        await log.flush()
        fixture.clock.pass_(86_400)
        log.called(seen(fault="backend-late"))
    found = {(row["day"], row["reason"]): row["calls"] for row in await fixture.rows(FAULTS)}
    assert found == {
        ("2026-03-01", "backend-late"): 2,
        ("2026-03-01", "field-refused"): 1,
        ("2026-03-02", "backend-late"): 1,
    }
    assert await fixture.calls() == {("billing", "old", "Client.GetClients"): (5, 4)}


async def test_refused_logins_count_by_login_and_address(fixture: LogFixture) -> None:
    def refused(
        why: RefusedWhy, login: str, whose: str | None = None, reason: str = "login-refused"
    ) -> SeenCall:
        told = refused_login(why, "password", login, whose)
        return seen(integration=None, fault=reason, login=told, agent="curl/8")

    async with fixture.process() as log:
        log.called(refused("unknown", "stranger-login"))
        await log.flush()
        fixture.clock.pass_(60)
        log.called(refused("unknown", "stranger-login", reason="login-throttled"))
        log.called(refused("wrong-secret", "billing", "billing"))
        log.called(refused("wrong-secret", "gone", "no longer configured"))
    rows = {(row["integration"], row["why"]): row for row in await fixture.rows(REFUSED_LOGINS)}
    assert set(rows) == {
        ("(unknown)", "unknown"),
        ("billing", "wrong-secret"),
        ("(unknown)", "wrong-secret"),
    }
    stranger = rows["(unknown)", "unknown"]
    assert (stranger["calls"], stranger["unchecked"]) == (2, 1)
    assert (stranger["first_seen"], stranger["last_seen"]) == (START, START + timedelta(seconds=60))
    assert (stranger["login"], stranger["address"], stranger["agent"]) == ("s…n", "192.0.2.1", "curl/8")
    assert "stranger-login" not in str(rows)


async def test_different_refused_logins_are_bounded(small: LogFixture) -> None:
    small.settings["keys"] = 3
    async with small.process() as log:
        for number in range(10):
            told = refused_login("unknown", "password", f"stranger-{number}")
            log.called(seen(integration=None, fault="login-refused", login=told))
    rows = {row["digest"]: row["calls"] for row in await small.rows(REFUSED_LOGINS)}
    assert len(rows) == 4
    assert rows["(more)"] == 7


async def test_faults_and_logins_wait_in_the_spool(small: LogFixture) -> None:
    told = refused_login("unknown", "password", "stranger-login")
    async with small.process() as log:
        with small.locked():
            log.called(seen(integration=None, fault="login-refused", login=told))
            await log.flush()
            assert log.spool.size
    [fault] = await small.rows(FAULTS)
    [login] = await small.rows(REFUSED_LOGINS)
    assert (fault["reason"], fault["calls"], login["calls"]) == ("login-refused", 1, 1)


def test_a_line_of_the_spool_of_a_release_before_has_neither() -> None:
    line = json.dumps({"id": "x", "calls": 0, "usage": [], "callers": [], "findings": []}).encode()
    assert (from_line(line).faults, from_line(line).logins) == ({}, {})


async def test_calls_inside_a_call_count_each_under_its_own_operation(small: LogFixture) -> None:
    """Once for the list, once for each call that it holds; samples have the v3 calls of their own call."""

    def inner(operation: str, fault: str | None, first: int, last: int | None, *paths: str) -> InnerCall:
        findings = Findings()
        for path in paths:
            findings.add("field-dropped", path)
        request = Element(f"{operation.partition('.')[2]}Request", children=[Element("name", "secret")])
        return InnerCall(operation, request, findings, fault, first, last)

    held = [
        inner("Client.AddClient", None, 0, 1, "a"),
        inner("Client.AddClient", "undone", 1, 2, "a", "b"),
        inner("Client.EditClient", "cut-off", 2, None, "c"),
    ]
    names = ("AddOrganization", "AddOrganization", "EditOrganization")
    sent = [Call("Organization", each, "/x", each, lambda token: b"<E><B/></E>", writes=True) for each in names]
    linked = Element("LinkedOpRequest")
    async with small.process() as log:
        log.called(seen("GlobalOp.LinkedOp", "z", inner=held, request=linked, sent=sent, unsent=2))
        counted = 'shim_calls_total{integration="billing",operation="Client.AddClient",result="fault"} 1.0'
        assert counted in log.metrics.text().decode()
    assert await small.calls() == {
        ("billing", "old", "GlobalOp.LinkedOp"): (1, 0),
        ("billing", "old", "Client.AddClient"): (2, 1),
        ("billing", "old", "Client.EditClient"): (1, 1),
    }
    [caller] = await small.rows(CALLERS)
    assert caller["calls"] == 1
    found = {key[1:]: row for key, row in (await small.findings()).items()}
    assert {key: row["count"] for key, row in found.items()} == {
        ("GlobalOp.LinkedOp", "field-dropped", "z"): 1,
        ("Client.AddClient", "field-dropped", "a"): 2,
        ("Client.AddClient", "field-dropped", "b"): 1,
        ("Client.EditClient", "field-dropped", "c"): 1,
    }
    samples = {key[2]: json.loads(row["sample"]) for key, row in found.items()}
    assert [each["operation"] for each in samples["b"]["calls"]] == ["Organization.AddOrganization"]
    assert "more" not in samples["b"]
    assert [each["operation"] for each in samples["c"]["calls"]] == ["Organization.EditOrganization"]
    assert samples["c"]["more"] == 2
    assert "<name>{name}</name>" in samples["a"]["old"]


async def test_days_and_times_are_kept_apart(fixture: LogFixture) -> None:
    async with fixture.process() as log:
        log.called(seen("Client.GetClients", "a"))
        fixture.clock.pass_(13 * 3600)
        log.called(seen("Client.GetClients", "a"))
        log.called(seen("Client.GetClients", "a"))
    days = {row["day"]: (row["calls"], row["first_seen"]) for row in await fixture.rows(USAGE)}
    later = START + timedelta(hours=13)
    assert days == {"2026-03-01": (1, START), "2026-03-02": (2, later)}
    [row] = (await fixture.findings()).values()
    assert (row["count"], row["first_seen"], row["last_seen"]) == (3, START, later)
    assert [(each["finding"], each["day"], each["count"]) for each in await fixture.rows(FINDING_DAYS)] == [
        (row["id"], "2026-03-01", 1),
        (row["id"], "2026-03-02", 2),
    ]


async def test_what_is_said_of_a_finding_follows_the_newest(fixture: LogFixture) -> None:
    async with fixture.process() as log:
        log.add_findings("billing", "Client.GetClients", [finding("a", v3_path="old place")])
        await log.flush()
        fixture.clock.pass_(5)
        log.add_findings(
            "billing", "Client.GetClients", [finding("a", because="Lost.", severity="loss", v3_path="new")]
        )
    [row] = (await fixture.findings()).values()
    assert (row["because"], row["severity"], row["place"], row["state"]) == ("Lost.", "loss", "new", "new")


async def test_callers_that_are_not_known_name_no_operation_of_their_own(fixture: LogFixture) -> None:
    async with fixture.process() as log:
        log.called(seen(None, integration=None, fault="login-refused"))
        log.called(seen("Zq.Invented", integration="invented", fault="login-refused"))
        log.called(seen("Client.GetClients", integration=None, fault="login-throttled"))
        text = log.metrics.text().decode()
    assert await fixture.calls() == {
        ("(unknown)", "old", "(none)"): (2, 2),
        ("(unknown)", "old", "Client.GetClients"): (1, 1),
    }
    assert 'shim_faults_total{reason="login-refused"} 2.0' in text
    assert "nvented" not in text


# ---- bounds ----


async def test_keys_are_bounded_and_what_is_over_is_counted_as_more(small: LogFixture) -> None:
    small.settings = {"keys": 3}
    async with small.process() as log:
        for number in range(10):
            log.called(seen("Client.GetClients", f"p{number}", agent=f"agent {number}"))
        log.called(seen("Client.GetClients", "p0", agent="agent 0"))
    found = {key[2:]: row["count"] for key, row in (await small.findings()).items()}
    assert found == {
        ("field-dropped", "p0"): 2,
        ("field-dropped", "p1"): 1,
        ("field-dropped", "p2"): 1,
        ("more-findings", "(more)"): 7,
    }
    callers = {row["agent"]: row["calls"] for row in await small.rows(CALLERS)}
    assert callers == {"agent 0": 2, "agent 1": 1, "agent 2": 1, "(more)": 7}
    async with small.process() as again:  # a new process knows what has keys
        again.called(seen("Client.GetClients", "p9", "p1"))
    found = {key[3]: row["count"] for key, row in (await small.findings()).items()}
    assert found == {"p0": 2, "p1": 2, "p2": 1, "(more)": 8}


async def test_another_integration_has_keys_of_its_own(small: LogFixture) -> None:
    small.settings = {"keys": 1}
    async with small.process() as log:
        log.called(seen("Client.GetClients", "a"))
        log.called(seen("Client.GetClients", "b"))
        log.called(seen("Client.GetClients", "b", integration="crm"))
    assert ("crm", "Client.GetClients", "field-dropped", "b") in await small.findings()


# ---- kept out ----


@pytest.mark.parametrize(
    "facts",
    [{"agent": "Nagios check/2"}, {"address": "10.1.2.3"}, {"integration": "probe"}],
    ids=["agent", "address", "integration"],
)
async def test_tools_are_served_and_not_counted(small: LogFixture, facts: dict[str, Any]) -> None:
    small.settings = {"keep_out": {"agents": ["nagios*", "*health*"], "addresses": ["10.1.0.0/16"]}}
    async with small.process() as log:
        log.called(seen("Client.GetClients", "a", **facts))
        log.called(seen("Client.GetClients", address="10.2.0.1", agent="a nagios"))
        text = log.metrics.text().decode()
    assert await small.calls() == {("billing", "old", "Client.GetClients"): (1, 0)}
    assert await small.findings() == {}
    assert len(await small.rows(CALLERS)) == 1
    integration = facts.get("integration", "billing")
    labels = f'integration="{integration}",operation="Client.GetClients",result="kept-out"'
    assert f"shim_calls_total{{{labels}}} 1.0" in text


async def test_native_calls_of_an_unwatched_integration_are_not_counted(small: LogFixture) -> None:
    async with small.process() as log:
        log.ported("probe", "Organization.GetOrganizations", fault=False)
    assert await small.calls() == {}


# ---- again ----


async def test_a_fixed_finding_that_comes_again_is_new_again(fixture: LogFixture) -> None:
    async with fixture.process() as log:
        log.called(seen("Client.GetClients", "a", "b"))
        await log.flush()
        fixed_at = fixture.clock.pass_(10)
        await fixture.change(sa.update(FINDINGS).values(state="fixed", state_at=fixed_at))
        fixture.clock.now = START + timedelta(seconds=5)  # seen before, written after
        log.called(seen("Client.GetClients", "a"))
        await log.flush()
        assert {row["state"] for row in (await fixture.findings()).values()} == {"fixed"}
        again_at = START + timedelta(seconds=20)
        fixture.clock.now = again_at
        log.called(seen("Client.GetClients", "a"))
        await log.flush()
        log.called(seen("Client.GetClients", "a"))
    rows = await fixture.findings()
    assert (rows[KEY]["state"], rows[KEY]["state_at"], rows[KEY]["count"]) == ("new", again_at, 4)
    assert rows[(*KEY[:3], "b")]["state"] == "fixed"
    [event] = await fixture.rows(FINDING_EVENTS)
    assert (event["finding"], event["who"], event["was"], event["became"], event["at"]) == (
        rows[KEY]["id"],
        "shim",
        "fixed",
        "new",
        again_at,
    )


@pytest.mark.parametrize("state", ["acknowledged", "ignored"])
async def test_other_states_stay(small: LogFixture, state: str) -> None:
    async with small.process() as log:
        log.called(seen("Client.GetClients", "a"))
        await log.flush()
        await small.change(sa.update(FINDINGS).values(state=state, state_at=START))
        small.clock.pass_(5)
        log.called(seen("Client.GetClients", "a"))
    [row] = (await small.findings()).values()
    assert (row["state"], row["count"]) == (state, 2)


# ---- samples ----


def envelope(token: str) -> bytes:
    return f"<E xmlns='urn:e'><H><t>{token}</t></H><B><x>secret</x></B></E>".encode()


CALL = Call("Organization", "GetOrganizations", "/soap2/organization_agent.php", "action", envelope, False)


def sampled(path: str, name: str) -> Any:
    request = Element("GetClientsRequest", children=[Element(name, "secret")])
    return seen("Client.GetClients", path, request=request, sent=[CALL])


async def test_a_sample_is_taken_when_there_is_none_or_an_old_one(fixture: LogFixture) -> None:
    async with fixture.process() as log:
        log.called(sampled("a", "first"))
        await log.flush()
        fixture.clock.pass_(3600)
        log.called(sampled("a", "second"))
        await log.flush()
        [row] = (await fixture.findings()).values()
        told = json.loads(row["sample"])
        assert told["old"] == "<GetClientsRequest>\n  <first>{first}</first>\n</GetClientsRequest>"
        [call] = told["calls"]
        assert {key: call[key] for key in call if key != "xml"} == {
            "operation": "Organization.GetOrganizations",
            "endpoint": "/soap2/organization_agent.php",
            "soap_action": "action",
        }
        assert "secret" not in row["sample"]
    fixture.clock.pass_(86_400)
    async with fixture.process() as log:  # a new process knows how old the sample is
        log.called(sampled("a", "third"))
    [row] = (await fixture.findings()).values()
    assert "{third}" in row["sample"]
    assert row["sample_at"] == fixture.clock.now


async def test_the_first_call_of_a_finding_is_always_sampled_and_renewals_are_few_a_second(
    small: LogFixture,
) -> None:
    small.settings = {"samples": 2, "sample_age": 1}
    async with small.process() as log:
        for number in range(5):
            log.called(sampled(f"p{number}", "x"))
        await log.flush()
        taken = [row["sample_at"] for row in (await small.findings()).values()]
        assert taken == [small.clock.now] * 5
        later = small.clock.pass_(1)
        for number in range(5):
            log.called(sampled(f"p{number}", "x"))
    assert [row["sample_at"] for row in (await small.findings()).values()].count(later) == 2


# ---- many ----


async def test_two_shims_on_one_database_add_up(fixture: LogFixture, tmp_path: Path) -> None:
    async def shim(name: str) -> None:
        own = LogFixture(fixture.url, tmp_path / name)
        async with own.process() as log:
            for number in range(200):
                log.called(seen("Client.GetClients", f"p{number % 7}"))
                if number % 40 == 0:
                    await log.flush()

    await asyncio.gather(shim("one"), shim("other"))
    assert await fixture.calls() == {("billing", "old", "Client.GetClients"): (400, 0)}
    assert sum(row["count"] for row in (await fixture.findings()).values()) == 400
    assert sum(row["count"] for row in await fixture.rows(FINDING_DAYS)) == 400
    assert sum(row["calls"] for row in await fixture.rows(CALLERS)) == 400
    assert await fixture.rows(BATCHES) == []


async def test_a_burst_loses_none(small: LogFixture) -> None:
    small.settings = {"flush": 0.01}
    calls = [
        seen("Client.GetClients", *(f"p{(number + each) % 40}" for each in range(3))) for number in range(100)
    ]
    async with small.process() as log:
        for _ in range(20):
            for each in calls:
                log.called(each)
            await asyncio.sleep(0)
    assert await small.calls() == {("billing", "old", "Client.GetClients"): (2000, 0)}
    assert sum(row["count"] for row in (await small.findings()).values()) == 6000


async def test_a_defect_of_the_log_is_not_one_of_the_call(small: LogFixture, capsys: Any) -> None:
    async with small.process() as log:
        log.called(seen("Client.GetClients", findings=None))
        log.called(seen("Client.GetClients"))
    assert await small.calls() == {("billing", "old", "Client.GetClients"): (2, 0)}
    assert "deprecation log failed" in "".join(capsys.readouterr())
