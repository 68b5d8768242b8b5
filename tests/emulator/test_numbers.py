"""Public numbers: pools, extensions, what is free and for whom."""

from __future__ import annotations

from shim.core.message import Element
from tests.emulator.caller import Backend


async def poll(backend: Backend, login: str = "admin", **whose: str | int) -> tuple[list[str], list[str]]:
    account = backend.world.by_login(login)
    assert account is not None
    asked = whose or {"userID": account.id}
    found = (await backend.call("GetPublicNoPoll", login, **asked)).child("publicNo")
    return numbers(found, "available"), numbers(found, "assigned")


def numbers(found: Element | None, place: str) -> list[str]:
    return [each.get("externalNo") or "" for each in (found.all(place) if found else [])]


async def test_the_pool_of_the_demo_world(backend: Backend) -> None:
    free, taken = await poll(backend, "northwind")
    assert len(free) == 18
    assert taken == ["2125550100", "2125550101"]
    assert await poll(backend, "northwind", extendedNumber="0020*001") == (free, ["2125550100"])
    assert await poll(backend, "contoso") == ([], [])


async def test_the_life_of_a_number(backend: Backend) -> None:
    found = (await backend.call("GetPublicNoPoll", "northwind", userID=20)).child("publicNo")
    assert found is not None
    first = found.all("available")[0].get("ID")
    await backend.call("AssignPublicNo", "northwind", didID=first, extendedNumber="0020*003")
    await backend.refused("100", "AssignPublicNo", "northwind", didID=first, extendedNumber="0020*002")
    assert await poll(backend, "northwind", extendedNumber="0020*003") == (
        (await poll(backend, "northwind"))[0],
        ["2125550102"],
    )
    row = (await backend.call("GetPublicNo", "northwind", channelID=1, extendedNumber="0020*003")).child(
        "publicNo"
    )
    assert row is not None
    assert (row.get("callbackExt"), row.get("phoneNo"), row.get("channel")) == (
        "0020*003",
        "2125550102",
        "Demo trunk",
    )
    await backend.call("UnassignPublicNo", "northwind", didID=first, extendedNumber="0020*003")
    await backend.refused("100", "UnassignPublicNo", "northwind", didID=first, extendedNumber="0020*003")
    assert len((await poll(backend, "northwind"))[0]) == 18


async def test_a_deleted_extension_frees_its_number(backend: Backend) -> None:
    await backend.call("DelExtension", extendedNumber="0020*001")
    assert "2125550100" in (await poll(backend, "northwind"))[0]


async def test_numbers_come_down_from_above(backend: Backend) -> None:
    added = await backend.call("AddPublicNo", publicNo=[{"phoneNo": "31", "did": "31", "channelID": 1}])
    key = added.get("ID")
    await backend.refused("520", "AddPublicNo", "acme", publicNo={"phoneNo": "32", "did": "32", "channelID": 1})
    await backend.refused("100", "AssignPublicNo", "contoso", didID=key, userID=21)
    await backend.call("AssignPublicNo", didID=key, userID=10)
    await backend.call("AssignPublicNo", "acme", didID=key, userID=21)
    assert await poll(backend, "contoso") == (["31"], [])
    assert "31" in (await poll(backend, "acme"))[1]
    await backend.refused("520", "UnassignPublicNo", "contoso", didID=key, userID=21)
    await backend.call("UnassignPublicNo", "acme", didID=key, userID=21)
    assert await poll(backend, "contoso") == ([], [])
    await backend.call("EditPublicNo", didID=key, phoneNo="31", did="33")
    (row,) = (await backend.call("GetPublicNo", channelID=1, userID=1, filter="33")).all("publicNo")
    assert (row.get("phoneNo"), row.get("did")) == ("31", "33")
    await backend.call("DelPublicNo", ID=key)


async def test_so_many_in_a_place(backend: Backend) -> None:
    done = await backend.call("AssignPublicNo", userID=30, count=2, location="New York")
    assert [each.text for each in done.all("ID")] == ["3", "4"]
    await backend.refused("100", "AssignPublicNo", userID=30, count=1, location="Paris")
    await backend.refused("117", "AssignPublicNo", userID=30)
    await backend.refused("117", "AssignPublicNo", didID=5)


async def test_filters(backend: Backend) -> None:
    async def count(**filters: str | int) -> int:
        asked = {"channelID": 1, "userID": 20, **filters}
        return len((await backend.call("GetPublicNo", "northwind", **asked)).all("publicNo"))

    assert await count() == 20
    assert await count(inUse="1") == 2
    assert await count(filter="0020*002") == 1
    assert await count(channelID=1, filter="255501") == 20
    assert await count(channelID=2) == 0
    assert await count(type="stacked") == 0
