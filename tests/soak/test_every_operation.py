"""For each operation, many generated requests through the whole shim: valid answers or documented faults.

`make soak` sends a hundred thousand of them.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from zlib import crc32

import pytest

from shim.interfaces.load import old
from tests.soak.house import Likely, house, wrong

EACH = 300
FRESH = 20
"""Messages after which what was deleted is there again."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("service", sorted(old().services))
async def test_no_message_ends_in_an_internal_error_or_loses_anything(service: str, tmp_path: Path) -> None:
    ended: Counter[tuple[str, str]] = Counter()
    async with house(tmp_path) as world:
        for name, operation in world.operations.items():
            if operation.service != service:
                continue
            for number in range(EACH):
                if number % FRESH == 0:
                    world.restore()
                seed = crc32(name.encode()) + number
                request = Likely(random.Random(seed), operation, world.world).message(operation.input)
                sent = await world.send(operation, request)
                assert wrong(sent) is None, f"{name}, seed {seed}: {wrong(sent)}"
                ended[name, "fault" if sent.outcome.fault else "answer"] += 1
    for name in {name for name, _ in ended}:
        print(name, ended[name, "answer"], ended[name, "fault"])
