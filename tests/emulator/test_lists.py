"""Lists in both worlds, with and without a notice when they are empty; and lists that lie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from shim.core.message import Element
from tests.emulator.caller import Backend

Start = Callable[..., Awaitable[Backend]]
PROVIDER, CLIENT, USER = "10", "20", "30"


def numbers(answer: Element) -> list[str]:
    return [row.get("extendedNumber") or "" for row in answer.all("extension")]


async def extensions(backend: Backend, **asked: str) -> Element:
    return await backend.call("GetExtensions", **asked)


async def test_a_list_reaches_all_below_its_parent(start: Start) -> None:
    backend = await start()
    assert len(numbers(await extensions(backend, parentID=CLIENT))) > 1
    assert len(numbers(await extensions(backend, parentID=USER))) == 1


async def test_a_direct_list_has_the_parents_own_only(start: Start) -> None:
    backend = await start(lists="direct")
    assert numbers(await extensions(backend, parentID=CLIENT)) == []
    assert numbers(await extensions(backend, parentID=USER)) == ["0020*001"]
    assert (await backend.call("GetUsers", parentID=PROVIDER)).all("user") == []
    users = (await backend.call("GetUsers", parentID=CLIENT)).all("user")
    assert USER in {row.get("ID") for row in users}


async def test_whose_the_identifier_of_a_row_is(start: Start) -> None:
    said = {}
    for way in ("user", "extension"):
        backend = await start(row_identifier=way)
        [row] = (await extensions(backend, parentID=USER)).all("extension")
        said[way] = row.get("identifier")
    user = (await backend.call("GetUserDetails", ID=USER)).get("identifier")
    assert said["user"] == user
    assert said["extension"] not in (None, "", user)


@pytest.mark.parametrize(("way", "code"), [("notice", "030"), ("bare", None)])
async def test_what_a_list_without_rows_says(start: Start, way: str, code: str | None) -> None:
    backend = await start(empty_list=way)
    answer = await extensions(backend, parentID=CLIENT, filter="nobody at all")
    assert answer.get("notice/code") == code
    assert (await extensions(backend, parentID=CLIENT)).child("notice") is None


async def test_lists_that_lie(backend: Backend) -> None:
    true = numbers(await extensions(backend, parentID=CLIENT))

    async def told(lie: str) -> list[str]:
        backend.world.interfere("GetExtensions", f"list:{lie}")
        return numbers(await extensions(backend, parentID=CLIENT))

    assert await told("empty") == []
    assert await told("short") == true[: len(true) // 2]
    gone, *left = true
    backend.world.drop_extension(gone)
    assert await told("stale") == true
    assert await told("late") == left
    assert numbers(await extensions(backend, parentID=CLIENT)) == left
    was = backend.world.extensions[left[0]]
    backend.world.enter_extension(type(was)("0020*900", was.user, "term", "new", was.created))
    assert await told("late") == left
    assert sorted(numbers(await extensions(backend, parentID=CLIENT))) == [*left, "0020*900"]


async def test_an_unknown_lie_is_told(backend: Backend) -> None:
    backend.world.interfere("GetExtensions", "list:white")
    fault = await backend.refused(None, "GetExtensions", parentID=CLIENT)
    assert "it knows empty, short, late, stale" in fault


async def test_lists_that_lie_by_chance_lie_the_same_way_again(start: Start) -> None:
    async def run() -> list[int]:
        backend = await start(lie_rate=0.5, seed_random=3)
        return [len(numbers(await extensions(backend, parentID=CLIENT))) for _ in range(12)]

    first = await run()
    assert len(set(first)) > 1
    assert await run() == first
