"""What the store does not take is spooled and follows later: once, whatever is killed in between."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from shim.core.errors import StoreUnavailable
from shim.core.message import Element
from shim.edge.deprecation import delivery, spool, writer
from shim.edge.deprecation.batch import Batch, from_line, to_line
from shim.edge.deprecation.spool import Spool
from shim.edge.deprecation.tables import BATCHES
from shim.edge.deprecation.writer import write
from shim.edge.settings.model import Config
from tests.edge.deprecation.log_fixture import Killed, LogFixture, finding, seen

pytest_plugins = ["tests.support.postgres"]


@pytest.fixture(params=["sqlite", "postgresql"])
def fixture(request: pytest.FixtureRequest, tmp_path: Path) -> LogFixture:
    if request.param == "postgresql":
        return LogFixture(request.getfixturevalue("postgres")(), tmp_path)
    return LogFixture(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}", tmp_path)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BUSY", 0.05)


@pytest.fixture
def small(tmp_path: Path) -> LogFixture:
    return LogFixture(f"sqlite+aiosqlite:///{tmp_path / 'shim.db'}", tmp_path)


async def counted(fixture: LogFixture) -> tuple[int, int]:
    """Calls and findings in the store, by their totals."""
    calls = sum(each for each, _ in (await fixture.calls()).values())
    return calls, sum(row["count"] for row in (await fixture.findings()).values())


def spooled(fixture: LogFixture) -> list[Path]:
    return sorted((fixture.folder / "spool").glob("*"))


def call(*paths: str) -> Any:
    return seen("Client.GetClients", *(paths or ("a",)))


def value(log: Any, name: str) -> float | None:
    found: float | None = log.metrics.registry.get_sample_value(name)
    return found


# ---- the store is away ----


async def test_what_the_store_does_not_take_is_spooled_and_follows(small: LogFixture, capsys: Any) -> None:
    async with small.process() as log:
        with small.locked():
            for _ in range(3):
                log.called(call())
                await log.flush()
            assert value(log, "shim_store_down") == 1
            assert (value(log, "shim_deprecation_spool_bytes") or 0) > 0
            assert value(log, "shim_deprecation_waiting_calls") == 0
            [file] = spooled(small)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
            assert len(file.read_bytes().splitlines()) == 3
        log.called(call())
        await log.flush()
        assert value(log, "shim_store_down") == 0
        assert value(log, "shim_deprecation_spool_bytes") == 0
        assert (value(log, "shim_deprecation_flush_failures_total") or 0) >= 3
    assert await counted(small) == (4, 4)
    assert spooled(small) == []
    assert await small.rows(BATCHES) == []
    said = "".join(capsys.readouterr())
    assert said.count("deprecation log not written") == 1
    assert said.count("deprecation log written again") == 1


async def test_what_is_spooled_at_the_end_is_taken_in_at_the_next_start(small: LogFixture) -> None:
    with ExitStack() as after:
        async with small.process() as log:
            log.called(call())
            after.enter_context(small.locked())
        assert len(spooled(small)) == 1
    async with small.process() as log:
        log.called(call("b"))
    assert await counted(small) == (2, 2)
    assert spooled(small) == []


async def test_nothing_waits_for_a_store_that_is_slow(
    small: LogFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write beyond the patience is spooled as well, and counts once all the same."""
    late = asyncio.Event()

    async def slow(*arguments: Any) -> bool:
        await late.wait()
        return await write(*arguments)

    small.settings = {"patience": 0.05}
    async with small.process() as log:
        monkeypatch.setattr(delivery, "write", slow)
        log.called(call())
        await log.flush()
        log.called(call())
        await log.flush()
        assert len(spooled(small)[0].read_bytes().splitlines()) == 2
        monkeypatch.setattr(delivery, "write", write)
        late.set()
        while await counted(small) != (2, 2):  # the write that was late ends in its own time
            await asyncio.sleep(0.01)
            await log.flush()
    assert await counted(small) == (2, 2)
    assert spooled(small) == []


async def test_a_store_that_is_locked_does_not_hold_up_the_end(small: LogFixture) -> None:
    """The write that SQLite is busy with is given up; its batch is in the spool."""
    small.settings = {"patience": 0.2}
    with ExitStack() as after:
        async with small.process() as log:
            writing = [asyncio.create_task(log._store.remember("20", {"x": Element("x")})) for _ in range(3)]
            log.called(call())
            after.enter_context(small.locked())
            await asyncio.wait_for(log.stop(), 60)  # the store is locked until the next line
            after.close()
            await asyncio.gather(*writing)
    async with small.process():
        pass
    assert await counted(small) == (1, 1)


# ---- once ----


async def test_a_commit_whose_end_was_not_seen_counts_once(
    fixture: LogFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut(*arguments: Any) -> bool:
        await write(*arguments)
        raise StoreUnavailable("store-unavailable", "The connection broke.")

    async with fixture.process() as log:
        monkeypatch.setattr(delivery, "write", cut)
        log.called(call())
        await log.flush()
        assert await counted(fixture) == (1, 1)
        assert len(spooled(fixture)) == 1
        monkeypatch.setattr(delivery, "write", write)
        log.called(call())
    assert await counted(fixture) == (2, 2)
    assert spooled(fixture) == []


async def test_killed_between_the_commit_and_the_removal_of_the_spool(
    fixture: LogFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any) -> bool:
        raise StoreUnavailable("store-unavailable", "Away.")

    def killed(*_: Any) -> None:
        raise OSError

    async with fixture.process() as log:
        with monkeypatch.context() as patch:
            patch.setattr(delivery, "write", away)
            for _ in range(3):
                log.called(call())
                await log.flush()
        with monkeypatch.context() as patch:
            patch.setattr(Spool, "remove", killed)
            await log.flush()
        assert await counted(fixture) == (3, 3)
        assert len(spooled(fixture)) == 1
        raise Killed
    async with fixture.process() as log:
        log.called(call())
    assert await counted(fixture) == (4, 4)
    assert spooled(fixture) == []
    assert await fixture.rows(BATCHES) == []


async def test_two_commits_of_one_batch_at_once_count_once(fixture: LogFixture) -> None:
    """A retry may come while the first commit is still under way."""
    batch = Batch()
    now = fixture.clock()
    batch.use(("billing", "old", "Client.GetClients"), False, now, "2026-03-01")
    batch.find(("billing", "Client.GetClients", "x", "y"), finding("y"), now, "2026-03-01")
    async with fixture.process() as log:
        wrote = await asyncio.gather(*(write(log._store, batch) for _ in range(4)))
    assert sorted(wrote) == [False, False, False, True]
    assert await counted(fixture) == (1, 1)


async def test_killed_before_anything_was_written_loses_what_was_in_memory_only(small: LogFixture) -> None:
    """One flush interval: that is what a kill costs, and no more."""
    async with small.process() as log:
        log.called(call())
        await log.flush()
        log.called(call())
        raise Killed
    assert await counted(small) == (1, 1)


# ---- the spool ----


async def test_what_another_process_holds_is_left_to_it(small: LogFixture) -> None:
    with ExitStack() as after:
        async with small.process() as one, small.process() as other:
            after.enter_context(small.locked())
            one.called(call())
            await one.flush()
            assert other.spool.segments() == []
            other.called(call())
            await other.flush()
            assert len(spooled(small)) == 2
    async with small.process():
        pass
    assert await counted(small) == (2, 2)


async def test_a_line_that_was_cut_off_is_put_aside_and_told(small: LogFixture, capsys: Any) -> None:
    batch = Batch()
    batch.use(("billing", "old", "Client.GetClients"), False, small.clock(), "2026-03-01")
    folder = small.folder / "spool"
    folder.mkdir()
    (folder / "left.jsonl").write_bytes(to_line(batch) + b'{"id": "torn')
    async with small.process():
        pass
    assert (await counted(small))[0] == 1
    assert [each.name for each in spooled(small)] == ["unreadable"]
    assert (folder / "unreadable").read_bytes() == b'{"id": "torn\n'
    assert "deprecation batch put aside" in "".join(capsys.readouterr())


async def test_a_full_spool_is_told_loudly_and_loses_nothing(small: LogFixture, capsys: Any) -> None:
    small.settings = {"spool_bytes": 500}
    async with small.process() as log:
        with small.locked():
            for _ in range(5):
                log.called(call())
                await log.flush()
            assert (value(log, "shim_deprecation_waiting_calls") or 0) > 0
            assert sum(each.stat().st_size for each in spooled(small)) <= 500
        await log.flush()
    assert await counted(small) == (5, 5)
    assert "".join(capsys.readouterr()).count("deprecation spool refused") == 1


async def test_what_is_lost_in_the_end_is_told(small: LogFixture, capsys: Any) -> None:
    small.settings = {"spool_bytes": 1}
    with ExitStack() as after:
        async with small.process() as log:
            log.called(call())
            after.enter_context(small.locked())
    said = "".join(capsys.readouterr())
    assert "deprecation log lost" in said
    assert "calls=1" in said


async def test_a_batch_that_the_store_will_never_take_does_not_hold_up_the_rest(
    small: LogFixture, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    async def defect(*_: Any) -> bool:
        raise UnicodeError

    async with small.process() as log:
        with monkeypatch.context() as patch:
            patch.setattr(delivery, "write", defect)
            log.called(call())
            await log.flush()
        log.called(call())
    assert await counted(small) == (1, 1)
    [aside] = spooled(small)
    assert from_line(aside.read_bytes()).calls == 1
    assert "UnicodeError" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("store", "spool"),
    [
        ("sqlite+aiosqlite:////var/lib/shim/shim.db", "/var/lib/shim/shim.db.spool"),
        ("sqlite+aiosqlite:///shim.db", Path("shim.db.spool").absolute()),
        ("sqlite+aiosqlite://", "shim.spool"),
        ("postgresql+asyncpg://user:secret@host/db", "shim.spool"),
    ],
)
def test_the_spool_is_beside_the_store(store: str, spool: str | Path) -> None:
    from shim.edge.deprecation.log import spool_folder

    given = {"backend": {"url": "http://v3.example"}, "store": {"url": store}}
    assert spool_folder(Config.model_validate(given)) == Path(spool)


async def test_a_long_spool_does_not_hold_up_the_end(
    small: LogFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not taken in when the time is up is left to the next start, with what was counted last."""
    written: list[None] = []

    async def away(*_: Any) -> bool:
        raise StoreUnavailable("store-unavailable", "Away.")

    async def until_time_is_up(*arguments: Any) -> bool:
        written.append(None)
        if len(written) == 3:
            log._delivery._until = 0.0
        return await write(*arguments)

    small.settings = {"flush": 60}
    async with small.process() as log:
        monkeypatch.setattr(delivery, "write", away)
        for _ in range(10):
            log.called(call())
            await log.flush()
        monkeypatch.setattr(delivery, "write", until_time_is_up)
        log.called(call())
        await log.stop()
        assert log._delivery.held == 0, "what was counted last is spooled"
        assert await counted(small) == (3, 3)
    monkeypatch.setattr(delivery, "write", write)
    async with small.process():
        pass
    assert await counted(small) == (11, 11)


async def test_what_may_not_be_read_is_told_once_and_stays(
    small: LogFixture, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rights that another user left behind; asked through the system, since root may read everything."""
    (small.folder / "spool").mkdir(mode=0o700)
    left = small.folder / "spool" / "left.jsonl"
    left.write_bytes(b"")
    opened = os.open

    def refusing(path: Any, *arguments: Any) -> int:
        if Path(path) == left:
            raise PermissionError(13, "no")
        return opened(path, *arguments)

    monkeypatch.setattr(spool.os, "open", refusing)
    async with small.process() as log:
        await log.flush()
        log.called(call())
        await log.flush()
    told = capsys.readouterr()
    assert (told.out + told.err).count("deprecation spool unreadable") == 1
    assert await counted(small) == (1, 1), "what can be written is"
    assert left.exists()
