from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shim.core.commands.extensions import Identity, Known
from shim.core.errors import ShimError
from shim.edge.identities.files import ImportRefused, read_csv
from shim.edge.identities.map import IdentityMap
from shim.edge.identities.tables import COUNTERS, EVENTS, IDENTITIES, Gone, ImportReport, MapRow
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store

pytest_plugins = ["tests.support.postgres"]

FIRST = 1_000_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        made: str = request.getfixturevalue("postgres")()
        return made
    return f"sqlite:///{tmp_path}/shim.db"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
def identities(store: Store) -> IdentityMap:
    return IdentityMap(store, Identities())


def known(user: int | str, number: int | str, identifier: str | None = None, **more: Any) -> Known:
    return Known(str(user), str(number), identifier, **more)


async def learn(identities: IdentityMap, user: int, number: int, identifier: str | None = None) -> Identity:
    [identity] = await identities.learn([known(user, number, identifier)])
    return identity


async def kinds(identities: IdentityMap) -> list[str]:
    return [event.kind for event in await identities.events()]


def assert_sound(rows: list[MapRow]) -> None:
    """No old ID and no number stands twice among what is live, and no extension ID twice at all."""
    live = [each.identity for each in rows if each.gone_at is None]
    assert len({each.old_id for each in live}) == len({each.number for each in live}) == len(live)
    assert len({each.identity.extension_id for each in rows}) == len(rows)


# ---- what is issued ----


async def test_a_users_first_extension_has_the_users_id(identities: IdentityMap) -> None:
    learned = await identities.learn([known(20, "0003*1", "a"), known(20, "0003*2"), known(21, "0003*3")])
    assert learned == (
        Identity("20", str(FIRST), "20", "0003*1", "a"),
        Identity(str(FIRST + 1), str(FIRST + 2), "20", "0003*2", "a"),
        Identity("21", str(FIRST + 3), "21", "0003*3", None),
    )
    for by in ("old_id", "extension_id", "number"):
        for each in learned:
            value = getattr(each, by)
            assert await identities.find(by, [value, "nobody"]) == {value: (each,)}
    assert await identities.find("user_id", ["20", "22"]) == {"20": learned[:2]}
    assert await identities.find("identifier", ["a"]) == {"a": learned[:2]}
    assert await identities.learn([known(21, "0003*3"), known(20, "0003*1")]) == (learned[2], learned[0])
    assert await identities.learn([]) == ()
    assert await identities.find("number", []) == {}


async def test_with_an_imported_file_every_other_extension_gets_an_issued_id(store: Store) -> None:
    identities = IdentityMap(store, Identities(policy="imported", issued_from=5_000, issued_to=5_003))
    await identities.import_rows([Identity("7", "70", "20", "1"), Identity("5001", "", "21", "2")])
    assert [each.old_id for each in await identities.learn([known(20, 1), known(21, 2)])] == ["7", "5001"]
    assert await learn(identities, 22, 3) == Identity("5002", "5003", "22", "3")
    with pytest.raises(ShimError, match="issued_to has to go up") as caught:
        await learn(identities, 23, 4)
    assert caught.value.reason == "identities-used-up"
    assert await identities.find("number", ["4"]) == {}
    wider = IdentityMap(store, Identities(policy="imported", issued_from=5_000, issued_to=5_005))
    assert await learn(wider, 23, 4) == Identity("5004", "5005", "23", "4")


async def test_a_range_set_anew_is_used_from_its_start_without_doubles(store: Store) -> None:
    assert (await learn(IdentityMap(store, Identities()), 20, 1)).extension_id == str(FIRST)
    narrow = IdentityMap(store, Identities(issued_from=19, issued_to=23))
    learned = await narrow.learn([known(21, 2), known(20, 3)])
    assert [(each.old_id, each.extension_id) for each in learned] == [("21", "19"), ("22", "23")]


async def test_four_digit_ids_go_down_and_end(store: Store) -> None:
    identities = IdentityMap(store, Identities(four_digit_ids=True, issued_from_four=9995))
    learned = await identities.learn([known(20, 1), known(20, 2), known(9997, 3)])
    assert [(each.old_id, each.extension_id) for each in learned] == [
        ("20", "9999"),
        ("9998", "9996"),  # 9997 is a user's
        ("9997", "9995"),
    ]
    for _ in range(2):
        with pytest.raises(ShimError, match="issued_from_four has to go down"):
            await learn(identities, 21, 4)
    assert (await learn(IdentityMap(store, Identities()), 21, 4)).extension_id == str(FIRST)
    async with store.reading() as connection:
        counters = (await connection.execute(sa.select(COUNTERS))).all()
    assert {tuple(row) for row in counters} == {("four-digit", 9994), ("issued", FIRST + 1)}


@pytest.mark.parametrize(
    "wrong",
    [
        {"issued_from": 5, "issued_to": 4},
        {"issued_to": 1 << 31},
        {"issued_from_four": 999},
        {"policy": "guess"},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Identities(**wrong)


# ---- what changes in v3 ----


async def test_a_number_that_moved_keeps_its_ids(identities: IdentityMap) -> None:
    was = await learn(identities, 20, 1, "a")
    await learn(identities, 21, 2, "b")
    now = await learn(identities, 21, 1)
    assert now == Identity(was.old_id, was.extension_id, "21", "1", "b")
    assert await identities.find("user_id", ["20"]) == await identities.find("identifier", ["a"]) == {}
    assert [each.number for each in (await identities.find("user_id", ["21"]))["21"]] == ["2", "1"]
    assert await identities.find("old_id", ["20"]) == {"20": (now,)}
    [event] = await identities.events()
    assert (event.kind, event.old_id, event.user_before, event.user_after) == ("moved", "20", "20", "21")
    assert (event.number_before, event.number_after, event.at.tzinfo) == ("1", "1", UTC)
    assert (await learn(identities, 20, 3)).old_id == str(FIRST + 2), "20 is the account that moved"


async def test_a_user_that_was_deleted_and_made_again(identities: IdentityMap) -> None:
    was = await learn(identities, 20, 1, "a")
    now = await learn(identities, 30, 1, "a")
    assert (now.old_id, now.user_id) == (was.old_id, "30")
    assert await kinds(identities) == ["user-recreated"]
    assert (await learn(identities, 30, 2)).old_id == "30"


async def test_a_deleted_extension_is_not_found_and_its_ids_stay_taken(identities: IdentityMap) -> None:
    first, second = await identities.learn([known(20, 1), known(20, 2)])
    await identities.forget(dict.fromkeys(["2", "nobody"], ""))
    await identities.forget(dict.fromkeys(["2"], ""))
    for by, value in (("old_id", second.old_id), ("extension_id", second.extension_id), ("number", "2")):
        assert await identities.find(by, [value]) == {}  # type: ignore[arg-type]
    assert await identities.find("user_id", ["20"]) == {"20": (first,)}
    another = await learn(identities, 21, 2)
    made = (await identities.learn([known(22, 2, origin="created")]))[0]
    for each in (another, made):
        assert {each.old_id, each.extension_id}.isdisjoint({second.old_id, second.extension_id})


async def test_a_users_own_id_stays_with_the_extension_that_had_it(identities: IdentityMap) -> None:
    gone = await learn(identities, 20, 1)
    await identities.forget(dict.fromkeys(["1"], ""))
    now = await learn(identities, 20, 2)
    assert (now.old_id, now.number) == (str(FIRST + 1), "2")
    assert await identities.ended("old_id", ["20", now.old_id]) == {"20": (gone,)}


# ---- what is not seen ----


@pytest.fixture
def hours(store: Store) -> list[float]:
    """How late it is: the last one counts."""
    late = [0.0]
    start = datetime(2026, 3, 1, tzinfo=UTC)
    store._clock = lambda: start + timedelta(hours=late[-1])
    return late


async def test_what_lists_do_not_show_is_unconfirmed_and_answers(
    identities: IdentityMap, hours: list[float]
) -> None:
    was = await learn(identities, 20, 1)
    for late in (0, 1, 1000):
        hours.append(late)
        await identities.doubt(["1", "nobody"])
        [now] = (await identities.find("old_id", ["20"]))["20"]
        assert (now.number, now.extension_id, now.doubt) == ("1", was.extension_id, "unseen")
    assert await identities.states() == {"live": 0, "unconfirmed": 1, "replaced": 0, "gone": 0}
    assert (await learn(identities, 20, 1)) == was
    assert await identities.states() == {"live": 1, "unconfirmed": 0, "replaced": 0, "gone": 0}


async def test_an_identity_ends_when_v3_denies_it_again_a_good_while_later(
    identities: IdentityMap, hours: list[float]
) -> None:
    was = await learn(identities, 20, 1)
    for late in (0, 0.5, 0.99):
        hours.append(late)
        await identities.deny(["1"])
        assert (await identities.find("old_id", ["20"]))["20"][0].doubt == "denied"
    hours.append(1)
    await identities.deny(["1"])
    assert await identities.find("old_id", ["20"]) == {}
    assert [each.old_id for each in (await identities.ended("number", ["1"]))["1"]] == [was.old_id]
    assert await kinds(identities) == ["ended"]


async def test_being_seen_between_two_denials_starts_anew(identities: IdentityMap, hours: list[float]) -> None:
    await learn(identities, 20, 1)
    await identities.deny(["1"])
    hours.append(2)
    await learn(identities, 20, 1)
    await identities.deny(["1"])
    assert (await identities.find("number", ["1"]))["1"][0].doubt == "denied"
    hours.append(3)
    await identities.deny(["1"])
    assert await identities.find("number", ["1"]) == {}


@pytest.mark.parametrize("how", ["denied", "deleted"])
async def test_an_extension_that_returns_gets_its_ids_back(
    identities: IdentityMap, hours: list[float], how: str
) -> None:
    was, sibling = await identities.learn([known(20, 1, "a"), known(20, 2, "a")])
    if how == "denied":
        await identities.deny(["1"])
        hours.append(2)
        await identities.deny(["1"])
    else:
        await identities.forget(dict.fromkeys(["1"], ""))
    assert await identities.find("old_id", ["20"]) == {}
    assert await learn(identities, 20, 1, "a") == was
    assert (await identities.find("user_id", ["20"]))["20"] == (was, sibling)
    assert (await kinds(identities))[-1] == "returned"
    await identities.forget(dict.fromkeys(["1"], ""))
    back = await learn(identities, 90, 1, "a")
    assert (back.old_id, back.extension_id, back.user_id) == ("20", was.extension_id, "90"), "made again"
    await identities.forget(dict.fromkeys(["1"], ""))
    assert (await learn(identities, 91, 1, "b")).old_id == "91", "somebody else has the number now"


async def test_former_ids_mean_the_extension_that_was_imported_with_others(
    identities: IdentityMap, tmp_path: Path
) -> None:
    learned, _ = await identities.learn([known(20, 1), known(20, 2)])
    await identities.import_rows([Identity("100", "500", "20", "1")])
    await identities.import_rows([Identity("101", "501", "20", "1")])
    for reader in (identities, await restored(identities, tmp_path, live=False)):
        for by, values in (("old_id", ("20", "100", "101")), ("extension_id", (learned.extension_id, "500"))):
            for value in values:
                [now] = (await reader.find(by, [value]))[value]  # type: ignore[arg-type]
                assert (now.old_id, now.extension_id, now.number) == ("101", "501", "1")
        assert await reader.find("old_id", ["20"]), "once more, from the cache"
        await reader.forget(dict.fromkeys(["1"], ""))
        assert await reader.find("old_id", ["20", "101"]) == {}
        if reader is not identities:
            await reader._store.close()


async def test_what_is_learned_replaces_nothing_that_was_imported(identities: IdentityMap) -> None:
    await identities.import_rows([Identity("7", "70", "20", "1"), Identity("8", "80", "21", "2")])
    assert (await learn(identities, 30, 1)).old_id == "7"
    assert await identities.renumber("1", "2") is not None
    found = await identities.find("old_id", ["7", "8"])
    assert [found[each][0].number for each in ("7", "8")] == ["1", "2"]


async def test_an_id_whose_extension_died_with_another_user_is_not_passed_on(identities: IdentityMap) -> None:
    await learn(identities, 20, 1)
    await learn(identities, 21, 1)  # moved
    await identities.forget(dict.fromkeys(["1"], ""))
    assert (await learn(identities, 20, 2)).old_id == str(FIRST + 1)


async def test_an_identifier_that_changed_holds_for_all_of_the_user(identities: IdentityMap) -> None:
    await identities.learn([known(20, 1, "a"), known(20, 2, "a")])
    await identities.find("identifier", ["a"])
    await learn(identities, 20, 2, "b")
    assert await identities.find("identifier", ["a"]) == {}
    assert [each.number for each in (await identities.find("identifier", ["b"]))["b"]] == ["1", "2"]
    assert (await learn(identities, 20, 1)).identifier == "b"
    assert await kinds(identities) == []


async def test_a_number_given_twice_is_where_it_was_seen_last(identities: IdentityMap) -> None:
    one, other = await identities.learn([known(20, 1), known(21, 1)])
    assert one == other
    assert one.user_id == "21"


async def test_renumbering(identities: IdentityMap) -> None:
    was, in_the_way, third = await identities.learn([known(20, 1), known(21, 2), known(22, 3)])
    now = await identities.renumber("1", "2")
    assert now == was, "somebody else has that number"
    assert await identities.find("number", ["1", "2"]) == {"1": (was,), "2": (in_the_way,)}
    now = await identities.renumber("1", "4")
    assert now == Identity(was.old_id, was.extension_id, "20", "4", None)
    assert await identities.renumber("1", "5") is None
    assert await identities.renumber("4", "4") == now
    assert await identities.find("number", ["1", "4"]) == {"4": (now,)}
    assert await kinds(identities) == ["renumbered"]
    swapped = await identities.renumber_all({"4": "3", "3": "4"})
    assert [swapped["4"].old_id, swapped["3"].old_id] == [was.old_id, third.old_id]
    found = await identities.find("number", ["4", "3"])
    assert [found["3"][0].old_id, found["4"][0].old_id] == [was.old_id, third.old_id]
    with pytest.raises(ValueError, match="two extensions"):
        await identities.renumber_all({"2": "4", "3": "4"})


# ---- files and pages ----


async def test_an_import_adds_replaces_and_leaves(identities: IdentityMap) -> None:
    discovered, kept, gone = await identities.learn([known(20, 1), known(21, 2), known(22, 3)])
    await identities.forget(dict.fromkeys(["3"], ""))
    rows = [
        Identity("100", "500", "20", "1"),  # replaces what was discovered
        Identity("21", "", "21", "2"),  # the same
        Identity("101", "", "23", "4"),  # new
        Identity("22", "", "22", "5"),  # gone
        Identity("102", kept.extension_id, "24", "6"),  # that extension ID is another one's
    ]
    expected = ImportReport(1, 1, 1, {"gone": (4,), "taken": (5,)})
    assert await identities.import_rows(rows) == expected
    [now] = (await identities.find("number", ["1"]))["1"]
    assert (now.old_id, now.extension_id) == ("100", "500")
    assert await identities.find("old_id", [discovered.old_id, gone.old_id]) == {discovered.old_id: (now,)}
    await identities.renumber("1", "9")
    again = await identities.import_rows(rows)
    assert again == ImportReport(0, 2, 0, {"gone": (4,), "differs": (1,), "taken": (5,)})
    assert await kinds(identities) == ["import-decided", "renumbered"]


async def test_what_was_exported_can_be_imported(identities: IdentityMap, tmp_path: Path) -> None:
    await identities.learn([known(n // 3, n, f"i{n // 3}") for n in range(100, 150)])
    await identities.forget(dict.fromkeys(["101", "149"], ""))
    exported = [each async for each in identities.export()]
    assert [isinstance(each, Gone) for each in exported].count(True) == 2
    other = await Store.open(f"sqlite:///{tmp_path}/other.db")
    copy = IdentityMap(other, Identities())
    assert await copy.import_rows(exported) == ImportReport(added=48, gone=2)
    assert await copy.import_rows(exported) == ImportReport(same=50)
    assert {each async for each in copy.export()} == set(exported)
    assert {each.origin for each in await copy.all()} == {"imported"}
    await other.close()


async def restored(identities: IdentityMap, tmp_path: Path, *, live: bool) -> IdentityMap:
    rows = [each async for each in identities.export() if not live or isinstance(each, Identity)]
    copy = IdentityMap(await Store.open(f"sqlite:///{tmp_path}/other.db"), Identities())
    await copy.import_rows(rows)
    return copy


async def test_a_restored_map_never_issues_an_id_of_a_gone_extension(
    identities: IdentityMap, tmp_path: Path
) -> None:
    given = await identities.learn([known(n // 3, n) for n in range(100, 130)])
    gone = [given[4], given[11], given[-1]]
    await identities.forget(dict.fromkeys([each.number for each in gone], ""))
    await learn(identities, 41, 500)  # takes over 41, whose first extension is there: issued
    copy = await restored(identities, tmp_path, live=False)
    assert await copy.unaccounted() is None
    had = {value for each in gone for value in (each.old_id, each.extension_id)}
    learned = await copy.learn([known(n, n) for n in range(900, 940)] + [known(900, 2000)])
    assert had.isdisjoint({value for each in learned for value in (each.old_id, each.extension_id)})
    await copy._store.close()


async def test_gone_ids_that_were_lost_are_noticed_and_passed_over(
    identities: IdentityMap, tmp_path: Path
) -> None:
    given = await identities.learn([known(n, n) for n in range(100, 110)])
    await identities.forget(dict.fromkeys(["103", "104"], ""))
    copy = await restored(identities, tmp_path, live=True)
    assert await copy.unaccounted() == (FIRST, int(given[-1].extension_id))
    await copy.pass_over()
    assert await copy.unaccounted() is None
    lost = {given[3].extension_id, given[4].extension_id}
    learned = await copy.learn([known(n, n) for n in range(200, 240)])
    assert lost.isdisjoint({each.extension_id for each in learned})
    await copy._store.close()


async def test_what_is_gone_does_not_bury_what_is_there(identities: IdentityMap) -> None:
    here = await learn(identities, 20, 1)
    other = await learn(identities, 21, 2)
    rows = [Gone(here), Gone(Identity(other.old_id, "555", "77", "9")), Gone(Identity("88", "556", "88", "9"))]
    assert await identities.import_rows(rows) == ImportReport(left={"differs": (1,), "taken": (2,)}, gone=1)
    assert [each.number for each in (await identities.ended("old_id", ["88"]))["88"]] == ["9"]
    assert await identities.find("old_id", ["20"]) == {"20": (here,)}
    assert await identities.find("old_id", ["88"]) == {}


async def test_pages_and_times(identities: IdentityMap, store: Store) -> None:
    day = datetime(2026, 3, 1, tzinfo=UTC)
    store._clock = lambda: day
    await identities.learn([known(n, n, origin="upgraded") for n in range(20, 25)])
    store._clock = lambda: day + timedelta(hours=5)
    await learn(identities, 20, 20)
    store._clock = lambda: day + timedelta(days=2)
    await learn(identities, 20, 20)
    await identities.forget(dict.fromkeys(["24"], ""))
    page = await identities.all(limit=3)
    assert [each.identity.number for each in page] == ["20", "21", "22"]
    assert [each.identity.number for each in await identities.all(page[-1].id)] == ["23"]
    assert (page[0].origin, page[0].created_at, page[0].seen_at) == ("upgraded", day, day + timedelta(days=2))
    assert page[1].seen_at == day
    assert (await identities.all(gone=True))[-1].gone_at == day + timedelta(days=2)


@pytest.mark.parametrize(
    "row",
    [
        Identity("", "", "20", "9"),
        Identity("canary", "", "20", "9"),
        Identity("8", "canary", "20", "9"),
        Identity("8", "", "", "9"),
        Identity("8", "", "20", ""),
        Identity("7", "", "20", "9"),
        Identity("8", "", "20", "8"),
        Identity("8", "70", "20", "9"),
    ],
)
async def test_an_import_with_a_bad_row_does_nothing(identities: IdentityMap, row: Identity) -> None:
    with pytest.raises(ImportRefused, match=r": 2$") as caught:
        await identities.import_rows([Identity("7", "70", "20", "8"), row])
    assert caught.value.rows == (2,)
    assert await identities.all() == []


async def test_the_file_of_the_settings_is_taken_in_at_the_start(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("\ufeffold_id,number,user_id,extension_id\r\n7,0003*1,20,70\r\n8, 0003*2,20\r\n", "utf-8")
    identities = IdentityMap(store, Identities(policy="imported", import_file=path))
    assert await identities.start() == ImportReport(added=2)
    assert await identities.start() == ImportReport(same=2)
    assert [each.old_id for each in (await identities.find("user_id", ["20"]))["20"]] == ["7", "8"]
    assert await IdentityMap(store, Identities()).start() == ImportReport()
    path.write_text("old_id,number\n")
    with pytest.raises(ImportRefused, match="first line"):
        read_csv(path)


# ---- at once ----


async def test_changes_of_one_number_that_come_together_leave_what_the_last_one_left(
    identities: IdentityMap, store: Store
) -> None:
    """They share a commit, and the cache hears of them in their order."""
    await learn(identities, 1, 100)
    await asyncio.gather(
        identities.renumber("100", "101"),
        learn(identities, 2, 100),
        identities.renumber("101", "102"),
        learn(identities, 3, 101),
        identities.forget({"100": ""}),
        learn(identities, 4, 100),
        identities.renumber("102", "103"),
    )
    numbers = ("100", "101", "102", "103")
    afresh = await IdentityMap(store, Identities()).find("number", numbers)
    assert {"1", "3"} <= {each.user_id for (each,) in afresh.values()}
    assert await identities.find("number", numbers) == afresh


async def test_tasks_that_learn_the_same_numbers_at_once(identities: IdentityMap) -> None:
    def some(start: int) -> list[Known]:
        return [known(100 + n // 2, n) for n in range(start, start + 60)]

    results = await asyncio.gather(*(identities.learn(some(start)) for start in range(0, 100, 5)))
    seen: dict[str, set[Identity]] = {}
    for each in (each for result in results for each in result):
        seen.setdefault(each.number, set()).add(each)
    assert len(seen) == 155
    assert {len(each) for each in seen.values()} == {1}
    rows = await identities.all(gone=True)
    assert len(rows) == 155
    assert_sound(rows)


async def test_two_shims_on_one_database(url: str) -> None:
    stores = await asyncio.gather(*(Store.open(url) for _ in range(2)))
    maps = [IdentityMap(store, Identities()) for store in stores]
    batches = [[known(100 + n // 2, n) for n in range(start, start + 80)] for start in range(0, 200, 10)]
    results = await asyncio.gather(*(m.learn(batch) for batch in batches for m in maps))
    assert [results[at] == results[at + 1] for at in range(0, len(results), 2)] == [True] * 20
    rows = await maps[0].all(gone=True)
    assert len(rows) == 270
    assert_sound(rows)
    for store in stores:
        await store.close()


_PROCESS = """
import asyncio, sys
from shim.core.commands.extensions import Known
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store

async def main(url):
    store = await Store.open(url)
    identities = IdentityMap(store, Identities())
    print("ready", flush=True)
    sys.stdin.readline()
    for start in range(0, 400, 20):
        known = [Known(str(100 + n // 2), str(n)) for n in range(start, start + 50)]
        for each in await identities.learn(known):
            print(each.number, each.old_id, each.extension_id)
    await store.close()

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.slow
async def test_two_processes_on_one_database(url: str) -> None:
    pipe = asyncio.subprocess.PIPE
    both = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _PROCESS, url, stdin=pipe, stdout=pipe)
        for _ in range(2)
    ]
    for each in both:
        assert each.stdout is not None
        assert await each.stdout.readline() == b"ready\n"
    one, other = await asyncio.gather(*(each.communicate(b"go\n") for each in both))
    assert one[0] == other[0]
    assert len(set(one[0].split(b"\n"))) == 431
    assert [each.returncode for each in both] == [0, 0]


# ---- random histories ----

users = st.integers(20, 23).map(str)
numbers = st.integers(1, 6).map(str)


def _known(user_id: str, number: str) -> Known:
    return Known(user_id, number)


steps = st.one_of(
    st.tuples(st.just("learn"), st.lists(st.builds(_known, users, numbers), min_size=1, max_size=4)),
    st.tuples(st.just("forget"), st.lists(numbers, max_size=2)),
    st.tuples(st.just("renumber"), st.tuples(numbers, numbers)),
)


class Model:
    """What must be so, without any IDs but the ones that the map gave."""

    def __init__(self) -> None:
        self.live: dict[str, Identity] = {}
        self.owners: dict[str, Identity] = {}  # who has or had an old ID, as last seen
        self.extension_ids: set[str] = set()
        self.ended: dict[tuple[str, str], Identity] = {}  # by number and user

    def learned(self, known: list[Known], identities: tuple[Identity, ...]) -> None:
        for each, identity in {
            each.number: (each, i) for each, i in zip(known, identities, strict=True)
        }.values():
            assert (identity.user_id, identity.number) == (each.user_id, each.number)
            was = self.live.get(each.number) or self.ended.get((each.number, each.user_id))
            if was is None:
                assert identity.extension_id not in self.extension_ids
                former = self.owners.get(identity.old_id)
                assert former is None
            else:
                assert (was.old_id, was.extension_id) == (identity.old_id, identity.extension_id)
            self._put(identity)

    def _put(self, identity: Identity) -> None:
        self.live[identity.number] = self.owners[identity.old_id] = identity
        self.extension_ids.add(identity.extension_id)

    def forgot(self, gone: list[str]) -> None:
        for number in gone:
            if was := self.live.pop(number, None):
                self.ended[number, was.user_id] = was

    def renumbered(self, old: str, new: str, now: Identity | None) -> None:
        was = self.live.get(old)
        assert (was is None) == (now is None)
        if new in self.live:
            assert now == was
        elif was is not None and now is not None:
            del self.live[old]
            assert now == Identity(was.old_id, was.extension_id, was.user_id, new)
            self._put(now)


async def _history(url: str, history: list[tuple[str, Any]]) -> None:
    store = await Store.open(url)
    identities, model = IdentityMap(store, Identities()), Model()
    try:
        for word, what in history:
            if word == "learn":
                model.learned(what, await identities.learn(what))
            elif word == "forget":
                await identities.forget(dict.fromkeys(what, ""))
                model.forgot(what)
            else:
                old, new = what
                model.renumbered(old, new, await identities.renumber(old, new))
            await _same(identities, model)
    finally:
        await store.close()


async def _same(identities: IdentityMap, model: Model) -> None:
    rows = await identities.all(gone=True)
    assert_sound(rows)
    assert {each.identity for each in rows if each.gone_at is None} == set(model.live.values())
    everything = [str(number) for number in range(1, 7)]
    for reader in (identities, IdentityMap(identities._store, Identities())):  # warm, and cold
        assert await reader.find("number", everything) == {n: (i,) for n, i in model.live.items()}
        found = await reader.find("old_id", model.owners)
        assert found == {each.old_id: (each,) for each in model.live.values()}
        by_user = await reader.find("user_id", ["20", "21", "22", "23"])
        assert {each for group in by_user.values() for each in group} == set(model.live.values())
        assert all(each.user_id == user for user, group in by_user.items() for each in group)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(steps, max_size=15))
def test_random_histories_on_sqlite(history: list[tuple[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_history(f"sqlite:///{folder}/shim.db", history))


@pytest.mark.slow
def test_random_histories_on_postgresql(postgres: Callable[[], str]) -> None:
    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(steps, min_size=5, max_size=15))
    def histories(history: list[tuple[str, Any]]) -> None:
        asyncio.run(_history(postgres(), history))

    histories()


# ---- the cache ----


async def test_reading_again_asks_nobody_while_the_store_is_ours(
    identities: IdentityMap, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = await learn(identities, 20, 1, "a")
    now = 100.0
    monkeypatch.setattr(identities._cache, "_monotonic", lambda: now)
    for by in ("number", "user_id"):
        await identities.find(by, [getattr(identity, by)])
    async with store.writing() as connection:
        await connection.execute(sa.update(IDENTITIES).values(identifier="b"))
    for by in ("number", "user_id"):
        [found] = (await identities.find(by, [getattr(identity, by)])).popitem()[1]  # type: ignore[arg-type]
        assert found.identifier == "a"
    now += 31
    [found] = (await identities.find("user_id", ["20"]))["20"]
    assert found.identifier == ("b" if store.shared else "a")


async def test_what_another_shim_forgot_is_not_learned_from_the_cache(postgres: Callable[[], str]) -> None:
    url = postgres()
    stores = [await Store.open(url) for _ in range(2)]
    one, other = (IdentityMap(store, Identities()) for store in stores)
    await learn(one, 20, 1)
    await other.forget(dict.fromkeys(["1"], ""))
    await learn(one, 20, 1)
    assert await kinds(one) == ["returned"]
    assert await other.states() == {"live": 1, "unconfirmed": 0, "replaced": 0, "gone": 0}
    for store in stores:
        await store.close()


async def test_a_read_that_a_write_overtakes_is_not_kept(identities: IdentityMap) -> None:
    await learn(identities, 20, 1)
    identities._cache.clear()
    inner = identities._read

    async def overtaken(*asked: Any) -> Any:
        found = await inner(*asked)
        await identities.renumber("1", "2")
        return found

    identities._read = overtaken  # type: ignore[method-assign,assignment]
    assert (await identities.find("old_id", ["20"]))["20"][0].number == "1"
    identities._read = inner  # type: ignore[method-assign]
    assert (await identities.find("old_id", ["20"]))["20"][0].number == "2"


async def test_memory_is_bounded(identities: IdentityMap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shim.edge.identities.map._MOST_CACHED", 3)
    await identities.learn([known(n, n) for n in range(20, 30)])
    await identities.find("user_id", [str(n) for n in range(20, 30)])
    assert {len(entries) for entries in identities._cache._by.values()} == {3, 0}
    assert len(identities._seen) == 3
    await identities.find("number", ["27"])
    await identities.find("number", ["20"])
    assert list(identities._cache._by["number"]) == ["29", "27", "20"]


async def test_an_organization_of_thousands_is_learned_and_found_at_once(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path}/shim.db")
    identities = IdentityMap(store, Identities())
    many = [known(1_000 + n, f"0003*{n}") for n in range(5_000)]
    assert len(await identities.learn(many)) == 5_000
    assert len(await identities.find("number", [each.number for each in many])) == 5_000
    await store.close()


# ---- failure ----


async def test_a_write_that_fails_leaves_nothing_and_says_no_value(
    identities: IdentityMap, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await learn(identities, 20, 1)
    taken = (await identities.find("number", ["1"]))["1"][0].extension_id

    def wrong(*_: Any) -> list[str]:
        return [taken] * 4

    monkeypatch.setattr("shim.edge.identities.change.MapChange._issue", wrong)
    with pytest.raises(ShimError) as caught:
        await identities.learn([known(21, 1), known(22, "canary")])
    assert caught.value.reason == "store-unavailable"
    assert "canary" not in caught.value.text
    monkeypatch.undo()
    assert (await identities.find("number", ["1", "canary"]))["1"][0].user_id == "20"
    assert await identities.events() == []


async def test_a_store_that_is_gone(identities: IdentityMap, store: Store) -> None:
    await learn(identities, 20, 1)
    async with store.writing() as connection:
        await connection.execute(sa.text("DROP TABLE identities"))
    assert await identities.find("number", ["1"]), "what is cached can be read"
    identities._cache.clear()
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: identities.find("number", ["canary"]),
        lambda: identities.learn([known("canary", "canary")]),
        lambda: identities.forget(dict.fromkeys(["canary"], "")),
        lambda: identities.renumber("canary", "1"),
        identities.all,
    ]
    for call in calls:
        with pytest.raises(ShimError) as caught:
            await call()
        assert caught.value.reason == "store-unavailable"
        assert "canary" not in caught.value.text


async def test_migrations_make_the_tables_that_the_code_means(store: Store) -> None:
    def columns(connection: sa.Connection, table: str) -> list[str]:
        return [column["name"] for column in sa.inspect(connection).get_columns(table)]

    async with store.reading() as connection:
        for table in (IDENTITIES, EVENTS):
            assert await connection.run_sync(columns, table.name) == [each.name for each in table.columns]


async def test_the_database_itself_refuses_doubles(identities: IdentityMap, store: Store) -> None:
    await identities.learn([known(20, 1), known(21, 2)])
    for double in ({"old_id": "20"}, {"number": "1"}, {"extension_id": str(FIRST)}, {"old_id": None}):
        with pytest.raises(ShimError, match="failed"):
            async with store.writing() as connection:
                await connection.execute(
                    sa.update(IDENTITIES).where(IDENTITIES.c.user_id == "21").values(**double)
                )


async def test_what_was_seen_lately_is_read_and_not_written_again(tmp_path: Path) -> None:
    """Also by a process that has just started: while the store is locked, lists of extensions go on."""
    url = f"sqlite:///{tmp_path}/shim.db"
    seen = [known(20, 1), known(21, 2)]
    before = await Store.open(url)
    expected = await IdentityMap(before, Identities()).learn(seen)
    await before.close()
    after = await Store.open(url)
    with closing(sqlite3.connect(tmp_path / "shim.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with asyncio.timeout(5):
            assert await IdentityMap(after, Identities()).learn(seen) == expected
    await after.close()
