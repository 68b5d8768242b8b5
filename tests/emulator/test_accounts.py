"""The life of accounts at each level: who may do what, which codes, what goes with what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from shim.core.message import Element
from tests.emulator.caller import Backend

LEVELS = [("ServiceProvider", 1, "admin"), ("Organization", 10, "acme"), ("User", 20, "northwind")]
NEW = {"name": "New One", "login": "new.one"}


def ids(answer: Element, row: str) -> list[str]:
    return [each.get("ID") or "" for each in answer.all(row)]


@pytest.mark.parametrize(("level", "parent", "login"), LEVELS)
async def test_a_life(backend: Backend, level: str, parent: int, login: str) -> None:
    more = {"company": "New Company", "email": "new@example.com", "country": "us", "city": "Boston"}
    added = await backend.call(f"Add{level}", login, **NEW, **more, parentID=parent, verbose="1")
    assert added.get("ID") == "100"
    assert (added.get("result"), added.get("city"), added.get("parentID")) == ("success", "Boston", str(parent))
    listed = await backend.call(f"Get{level}s", login, filter="NEW COMP")
    row = level[0].lower() + level[1:]
    assert [each.get("login") for each in listed.all(row)] == ["new.one"]
    await backend.call(f"Edit{level}", login, ID=100, city="Albany", company="")
    details = await backend.call(f"Get{level}Details", login, identifier=added.get("identifier"))
    assert (details.get("city"), details.get("company"), details.get("email")) == (
        "Albany",
        None,
        "new@example.com",
    )
    await backend.call(f"Set{level}Status", login, ID=100, status="0", phoneStatus="16")
    await backend.call(f"Set{level}CpAccess", login, ID=100, cpAccess="0")
    details = await backend.call(f"Get{level}Details", login, ID=100)
    assert (details.get("status"), details.get("cpAccess")) == ("false", "false")
    gone = await backend.call(f"Del{level}", login, ID=[100, 4000])
    assert (gone.get("items"), gone.get("result")) == ("1", "partial")
    await backend.refused("100", f"Get{level}Details", login, ID=100)
    await backend.refused("100", f"Del{level}", login, ID=100)


async def test_ids_are_one_sequence(backend: Backend) -> None:
    for number, (level, parent, _) in enumerate(LEVELS):
        answer = await backend.call(f"Add{level}", name="N", login=f"n{number}", parentID=parent)
        assert answer.get("ID") == str(100 + number)


async def test_a_short_answer_has_no_details(backend: Backend) -> None:
    answer = await backend.call("AddOrganization", "acme", **NEW, passwordAuto="true")
    assert {each.name for each in answer.children} == {"ID", "identifier", "result", "password"}


async def test_the_parent_is_named_in_three_ways_or_is_oneself(backend: Backend) -> None:
    acme = backend.world.accounts[10]
    ways: list[dict[str, Any]] = [
        {"parentID": 10},
        {"parentIdentifier": acme.identifier},
        {"parentLogin": "acme"},
    ]
    for number, parent in enumerate(ways):
        added = await backend.call("AddOrganization", name="N", login=f"n{number}", verbose="1", **parent)
        assert added.get("parentID") == "10"
    added = await backend.call("AddOrganization", "acme", name="N", login="own", verbose="1")
    assert added.get("parentIdentifier") == acme.identifier


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"name": None}, "117"),
        ({"login": None}, "117"),
        ({"name": "x" * 256}, "307"),
        ({"company": "ab"}, "308"),
        ({"address": "ab"}, "309"),
        ({"login": "a b"}, "310"),
        ({"city": "a"}, "311"),
        ({"pcode": "12345678901"}, "312"),
        ({"notes": "x" * 1025}, "313"),
        ({"email": "nobody"}, "300"),
        ({"country": "usa"}, "301"),
        ({"region": "north"}, "314"),
        ({"login": "northwind"}, "200"),
        ({"parentID": 4000}, "251"),
        ({"parentID": 20}, "251"),
        ({"templateID": 4000}, "252"),
        ({"templateID": 1}, "252"),
        ({"chargingPlanID": 4000}, "258"),
        ({"chargingPlanID": 3}, "258"),
    ],
)
async def test_what_an_add_refuses(backend: Backend, changed: dict[str, Any], code: str) -> None:
    parameters = {"parentID": 10, **NEW, **changed}
    sent = {name: value for name, value in parameters.items() if value is not None}
    operation = backend.interface.by_input["AddOrganization"]
    data = backend.envelope("AddOrganization", "admin", {}).decode()
    children = "".join(f"<{name}>{value}</{name}>" for name, value in sent.items())
    name = operation.input.name
    start, _, rest = data.partition(f":{name}/>")
    body = f"{start}:{name}>{children}</{start.rpartition('<')[2]}:{name}>{rest}"
    before = len(backend.world.accounts)
    status, answer = await backend.post("/soap2/organization_agent.php", body.encode())
    with pytest.raises(Exception, match=code):
        backend.answer(status, answer)
    assert len(backend.world.accounts) == before


async def test_a_taken_login_is_computed_anew_when_forced(backend: Backend) -> None:
    added = await backend.call("AddOrganization", "acme", name="N", login="contoso", forceUpdate="1")
    assert (added.get("login"), added.get("notice/code")) == ("contoso1", "200")
    await backend.refused("200", "EditOrganization", "acme", ID=20, login="contoso")


async def test_everybody_sees_what_is_theirs(backend: Backend) -> None:
    seen = {
        login: [
            ids(await backend.call("GetServiceProviders", login), "serviceProvider"),
            ids(await backend.call("GetOrganizations", login), "organization"),
            len(ids(await backend.call("GetUsers", login), "user")),
            len((await backend.call("GetExtensions", login)).all("extension")),
        ]
        for login in ("admin", "acme", "fabrikam", "northwind", "contoso", "nw001")
    }
    assert seen == {
        "admin": [["10", "11"], ["20", "21"], 5, 5],
        "acme": [["10"], ["20", "21"], 5, 5],
        "fabrikam": [["11"], [], 0, 0],
        "northwind": [[], ["20"], 5, 5],
        "contoso": [[], ["21"], 0, 0],
        "nw001": [[], [], 1, 1],
    }


async def test_nobody_reaches_beside_or_above(backend: Backend) -> None:
    await backend.refused("100", "GetOrganizationDetails", "fabrikam", ID=20)
    await backend.refused("100", "EditOrganization", "contoso", ID=20, name="N")
    await backend.refused("520", "GetServiceProviderDetails", "northwind", ID=10)
    await backend.refused("520", "AddOrganization", "fabrikam", **NEW, parentID=10)
    await backend.refused("520", "AddServiceProvider", "acme", **NEW)
    await backend.refused("520", "AddOrganization", "northwind", **NEW)
    await backend.refused("520", "AddUser", "nw001", **NEW)
    await backend.refused("520", "SetOrganizationStatus", "northwind", ID=20, status="0")
    await backend.refused("520", "DelAccount", "acme", ID=10)
    await backend.refused("100", "GetOrganizationDetails", ID=30)
    await backend.refused("251", "GetUsers", "admin", parentID=4000)


async def test_list_filters(backend: Backend) -> None:
    assert ids(await backend.call("GetUsers", filter="Menu"), "user") == ["33"]
    assert ids(await backend.call("GetUsers", filter="NW002@"), "user") == ["31"]
    assert ids(await backend.call("GetUsers", parentID=21), "user") == []
    assert ids(await backend.call("GetOrganizations", parentID=11), "organization") == []
    assert ids(await backend.call("GetOrganizations", serverID="CTRLPANEL"), "organization") == []
    await backend.call("AddOrganization", "acme", **NEW, scope="automation", serverID="X", templateID=2)
    for wanted in ({"scope": "automation"}, {"serverID": "X"}, {"templateID": 2}):
        assert ids(await backend.call("GetOrganizations", **wanted), "organization") == ["100"]


async def test_new_accounts_may_nothing_unless_a_template_says_so(backend: Backend) -> None:
    await backend.call("AddServiceProvider", **NEW)
    await backend.call("AddServiceProvider", name="T", login="templated", templateID=1)
    await backend.call("AddOrganization", name="O", login="o", parentLogin="templated")
    await backend.refused("520", "AddOrganization", name="P", login="p", parentID=100)


async def test_quotas_count_what_is_there(backend: Backend) -> None:
    await backend.call("SetServiceProviderPL", ID=10, organizationMax=3, userMax=6)
    await backend.call("AddOrganization", "acme", name="A", login="a")
    await backend.refused("520", "AddOrganization", "acme", name="B", login="b")
    await backend.call("AddUser", "northwind", name="U", login="u")
    await backend.refused("520", "AddUser", "northwind", name="V", login="v")
    await backend.call("DelUser", "northwind", ID=30)
    await backend.call("AddUser", "northwind", name="V", login="v")


async def test_moving_organizations(backend: Backend) -> None:
    await backend.refused("258", "MoveOrganizations", ID=20, serviceProviderID=11, chargingPlanID=1)
    await backend.refused("251", "MoveOrganizations", ID=20, serviceProviderID=21)
    await backend.refused("520", "MoveOrganizations", "acme", ID=20, serviceProviderID=11)
    moved = await backend.call("MoveOrganizations", ID=[20, 4000], serviceProviderID=11, chargingPlanID=2)
    assert (moved.get("items"), moved.get("result")) == ("1", "partial")
    details = await backend.call("GetOrganizationDetails", "fabrikam", ID=20)
    assert (details.get("parentID"), details.get("chargingPlan")) == ("11", "Fabrikam Standard")
    assert len(ids(await backend.call("GetUsers", "fabrikam"), "user")) == 5
    await backend.call("SetServiceProviderPL", ID=11, organizationMax=1)
    await backend.refused("520", "MoveOrganizations", ID=21, serviceProviderID=11)


async def test_deleting_takes_what_is_below(backend: Backend) -> None:
    gone = await backend.call("DelOrganization", "acme", identifier=backend.world.accounts[20].identifier)
    assert (gone.get("items"), gone.get("result")) == ("1", "success")
    assert not backend.world.extensions
    assert set(backend.world.accounts) == {1, 10, 11, 21}
    assert "nw001-key" not in backend.world.apps
    assert not backend.world.kept("PublicNo")
    await backend.call("AddOrganization", "acme", name="N", login="northwind")


async def test_the_account_service_takes_any_level(backend: Backend) -> None:
    await backend.call("SetAccountStatus", ID=31, status="false")
    assert not backend.world.accounts[31].status
    await backend.call("LinkAccount", login="nw001", linkUUID="u-1")
    await backend.refused("200", "LinkAccount", login="nw001", linkUUID="u-2")
    await backend.call("LinkAccount", login="nw001", linkUUID="u-2", forceUpdate="1")
    await backend.call("DelAccount", ID=[21, 30])
    assert {21, 30}.isdisjoint(backend.world.accounts)


async def test_dead_accounts_cannot_call(backend: Backend) -> None:
    await backend.call("SetUserStatus", ID=30, status="0")
    await backend.refused("104", "GetUsers", "nw001")
    await backend.call("SetOrganizationStatus", ID=20, status="0")
    await backend.refused("107", "GetUsers", "nw002")
    await backend.call("SetOrganizationStatus", ID=20, status="1")
    await backend.call("SetOrganizationPL", ID=20, accountExpireDays=0)
    start = backend.world.accounts[20].created
    backend.world.clock = lambda: start + timedelta(minutes=1)
    await backend.call("GetUsers", "northwind")
    backend.world.clock = lambda: start + timedelta(days=2)
    await backend.refused("102", "GetUsers", "northwind")
    await backend.refused("106", "GetUsers", "nw002")


async def test_a_context_user_has_its_own_rights(backend: Backend) -> None:
    added = await backend.call("AddOrganization", **NEW, fromUser=10, verbose="1")
    assert added.get("parentID") == "10"
    await backend.refused("113", "AddOrganization", "fabrikam", name="N", login="n", fromUser=4000)
    await backend.refused("520", "AddOrganization", name="N", login="n", fromUser=20)


async def test_a_login_can_be_fixed(backend: Backend) -> None:
    await backend.call("AddOrganization", "acme", **NEW, accountFlag="noneditablelogin")
    await backend.refused("310", "EditOrganization", "acme", ID=100, login="another")


async def test_an_e_mail_address_may_be_shared_or_not(start: Callable[..., Awaitable[Backend]]) -> None:
    backend = await start()
    for name, account in (("EditUser", 30), ("EditOrganization", 20)):
        await backend.call(name, ID=account, email="one@example.com")
    backend = await start(emails="unique")
    await backend.refused("300", "EditOrganization", ID=21, email="One@example.com")
    for _ in range(2):
        await backend.call("EditOrganization", ID=21, email="other@example.com")
