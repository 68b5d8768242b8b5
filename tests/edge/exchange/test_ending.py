"""The end of each part is bounded, so that the end of the shim is."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from shim.edge.app import CLOSING, within
from shim.edge.serve import PATIENCE
from shim.edge.settings.deprecation import DeprecationSettings
from shim.edge.settings.model import Listen

GRACE = 75.0


async def test_what_does_not_end_in_time_is_given_up_and_told() -> None:
    with capture_logs() as told:
        await within(0.01, "a part", asyncio.Event().wait)()
    assert told == [{"event": "not ended in time", "log_level": "error", "what": "a part", "seconds": 0.01}]


async def test_what_ends_in_time_is_waited_for() -> None:
    ended = []

    async def close() -> None:
        await asyncio.sleep(0)
        ended.append(True)

    with capture_logs() as told:
        await within(5, "a part", close)()
    assert ended
    assert not told


def test_the_whole_end_stays_below_the_grace() -> None:
    assert Listen().drain + PATIENCE + 3 * CLOSING + 2 * DeprecationSettings().patience <= GRACE
