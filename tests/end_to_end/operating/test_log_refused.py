"""Calls are answered whatever becomes of the log: its disk is full, its reader is gone, or does not read."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.journal.test_kill import backend, config, ports, post, started, world

__all__ = ["backend", "config", "world"]  # fixtures
CALLS = 60


async def _metric(admin: int, reason: str) -> float:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{admin}/metrics") as answer:
        text = await answer.text()
    lines = [each for each in text.splitlines() if each.startswith("shim_log_dropped") and reason in each]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def _quick(config: Path, **log: object) -> None:
    settings = yaml.safe_load(config.read_text())
    settings["log"].update(log)
    config.write_text(yaml.safe_dump(settings))


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["full", "closed", "unread"])
async def test_calls_are_answered_without_a_log(config: Path, trouble: str) -> None:
    _quick(config, queue=5, level="debug")
    reader = None
    if trouble == "full":
        stderr = os.open("/dev/full", os.O_WRONLY)
    else:
        reader, stderr = os.pipe()
    if trouble == "closed" and reader is not None:
        os.close(reader)
    if trouble == "unread":
        os.set_blocking(stderr, False)
        with suppress(BlockingIOError):
            while True:
                os.write(stderr, b"x" * 4096)
        os.set_blocking(stderr, True)
    with started(config, stderr) as process:
        os.close(stderr)
        public, admin = await ports(process)
        async with asyncio.timeout(120):
            first = await post(public)
            assert first[0] == 200
            for _ in range(CALLS):
                assert (await post(public))[0] == 500  # the login is taken: an answer of v3
        assert await _metric(admin, "full" if trouble == "unread" else "failed") > CALLS / 2
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
    if trouble == "unread" and reader is not None:
        os.close(reader)


@pytest.mark.slow
async def test_the_log_goes_to_its_file_and_is_rotated(config: Path) -> None:
    _quick(config, file="logs.jsonl", file_bytes=2000, files=3)
    with started(config) as process:
        public, _ = await ports(process)
        for _ in range(8):
            await post(public)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
    files = sorted(each.name for each in config.parent.glob("logs.jsonl*"))
    assert files == ["logs.jsonl", "logs.jsonl.1", "logs.jsonl.2", "logs.jsonl.3"]
    assert "stopped" in (config.parent / "logs.jsonl").read_text()
    assert all((config.parent / each).stat().st_size <= 2000 for each in files)
    assert (config.parent / "log").read_text() == ""
