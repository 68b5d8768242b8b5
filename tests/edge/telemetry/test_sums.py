"""What strangers cause is logged once at once, and then in sums."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from shim.edge.telemetry import sums
from shim.edge.telemetry.sums import Sums


async def test_the_first_comes_at_once_and_the_rest_as_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as lines:
        monkeypatch.setattr(sums, "log", sums.structlog.get_logger())
        told = Sums("connection refused", every=0.01)
        for number in range(1_000):
            told.add("too-many", open=number)
        told.add("other")
        assert [(each["reason"], each["count"]) for each in lines] == [("too-many", 1), ("other", 1)]
        async with asyncio.timeout(60):
            while len(lines) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert lines[2]["count"] == 999
        assert lines[2]["open"] == 999
        async with asyncio.timeout(60):
            while told._sums:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert len(lines) == 3, "nothing came, so nothing is told"
        told.add("too-many")
        assert len(lines) == 4


async def test_what_was_not_told_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as lines:
        monkeypatch.setattr(sums, "log", sums.structlog.get_logger())
        told = Sums("bad http", every=3_600)
        for _ in range(3):
            told.add("NoHttp", status=400)
        told.close()
    assert [(each["event"], each["count"]) for each in lines] == [("bad http", 1), ("bad http", 2)]
