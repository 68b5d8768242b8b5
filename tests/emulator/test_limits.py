"""Permissions and limits: Set is absolute, Update relative, Get tells everything."""

from __future__ import annotations

import pytest

from shim.core.message import Element
from tests.emulator.caller import Backend

LEVELS = [("ServiceProvider", 11), ("Organization", 21), ("User", 31)]


async def limits(backend: Backend, level: str, number: int) -> Element:
    answer = await backend.call(f"Get{level}PL", ID=number)
    return answer.children[0]


BOUNDED = {"unlimited": "false"}


@pytest.mark.parametrize(("level", "number"), LEVELS)
async def test_only_what_is_sent_changes(backend: Backend, level: str, number: int) -> None:
    before = dict((await limits(backend, level, number)).leaves())
    await backend.call(f"Set{level}PL", ID=number, phoneExtMax=7, sipManag="false", provisionManag="2")
    after = await limits(backend, level, number)
    changed = {name: text for name, text in after.leaves() if before.get(name) != text}
    assert changed.pop("phoneExtMax/@unlimited", "false") == "false"
    assert changed == {"phoneExtMax": "7", "sipManag": "false", "provisionManag": "2"}
    limit = after.child("phoneExtMax")
    assert limit is not None
    assert limit.attributes == BOUNDED


@pytest.mark.parametrize(("level", "number"), LEVELS)
async def test_relative_changes(backend: Backend, level: str, number: int) -> None:
    async def update(**how: str) -> Element | None:
        await backend.call(f"Update{level}PL", ID=number, phoneExtMax=how)
        return (await limits(backend, level, number)).child("phoneExtMax")

    assert (await update(value="5")) == Element("phoneExtMax", "5", BOUNDED)
    assert (await update(increase="3")) == Element("phoneExtMax", "8", BOUNDED)
    assert (await update(decrease="6")) == Element("phoneExtMax", "2", BOUNDED)
    await backend.refused("152", f"Update{level}PL", ID=number, phoneExtMax={"decrease": "3"})
    await backend.refused("152", f"Update{level}PL", ID=number, phoneExtMax={"increase": "many"})
    await backend.refused("152", f"Update{level}PL", ID=number, phoneExtMax={"increase": "9" * 5000})
    await backend.refused("117", f"Update{level}PL", ID=number, phoneExtMax=Element("phoneExtMax"))
    unlimited = Element("phoneExtMax", "2", {"unlimited": "true"})
    assert (await update(unlimited="true")) == unlimited
    assert (await update(increase="3")) == unlimited
    await backend.call(f"Update{level}PL", ID=number, sipManag="0")
    assert (await limits(backend, level, number)).get("sipManag") == "0"


async def test_everything_is_off_at_first_and_nothing_ends(backend: Backend) -> None:
    await backend.call("AddUser", "northwind", name="U", login="u")
    found = await limits(backend, "User", 100)
    expire = found.child("accountExpire")
    assert expire is not None
    assert expire.attributes == {"unlimited": "true"}
    values = {each.name: each.text for each in found.children if each.name != "accountExpire"}
    assert set(values.values()) == {"false", "0"}
    assert len(values) == 32


async def test_expiry_in_days_counts_from_the_first_day(backend: Backend) -> None:
    await backend.call("SetUserPL", ID=30, accountExpireDays=10)
    found = (await limits(backend, "User", 30)).child("accountExpire")
    assert found is not None
    assert found.attributes == BOUNDED
    days = Element("accountExpireDays", "0", {"unlimited": "true"})
    await backend.call("SetUserPL", ID=30, accountExpireDays=days)
    found = (await limits(backend, "User", 30)).child("accountExpire")
    assert found is not None
    assert found.attributes == {"unlimited": "true"}
    await backend.refused("152", "SetUserPL", ID=30, accountExpireDays=4_000_000_000)


async def test_sharing_is_read_group_by_group(backend: Backend) -> None:
    await backend.call("SetUserPL", ID=30, shareFaxes={"groupID": ["3", "4"]})
    found = await limits(backend, "User", 30)
    assert [each.get("groupID") for each in found.all("shareFaxes")] == ["3", "4"]
    await backend.call("SetUserPL", ID=30, shareFaxes={"everybody": "true"})
    (only,) = (await limits(backend, "User", 30)).all("shareFaxes")
    assert only.children[0].nil


async def test_who_may_change_them(backend: Backend) -> None:
    await backend.refused("520", "SetOrganizationPL", "northwind", ID=20, phoneExtMax=1)
    await backend.call("SetUserPL", "northwind", ID=30, phoneExtMax=1)
    await backend.call("SetOrganizationPL", "acme", ID=20, permsManag="0")
    assert "permsManag" in await backend.refused("520", "SetUserPL", "northwind", ID=30, phoneExtMax=2)


async def test_a_limit_without_the_attribute_is_none_as_the_schema_has_it(backend: Backend) -> None:
    number = Element("phoneExtMax", "7", {"unlimited": "true"})
    await backend.call("SetUserPL", ID=30, phoneExtMax=number)
    envelope = backend.envelope("SetUserPL", "admin", {"ID": 30, "queueExtMax": 5})
    status, data = await backend.post("/soap2/user_agent.php", envelope.replace(b' unlimited="false"', b""))
    assert backend.answer(status, data).get("result") == "success"
    found = await limits(backend, "User", 30)
    for name in ("phoneExtMax", "queueExtMax"):
        limit = found.child(name)
        assert limit is not None
        assert limit.attributes.get("unlimited", "true") == "true"
