"""The in-memory identity map does what the real one does, and the driver is quick enough for histories."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shim.core.commands.extensions import Known
from shim.edge.identities.map import IdentityMap
from shim.edge.settings.model import Identities
from shim.edge.store.database import Store
from tests.account_model.driver import MemoryMap

_WAYS = ("old_id", "extension_id", "user_id", "identifier", "number")


async def test_the_map_in_memory_does_what_the_real_one_does(tmp_path: Path) -> None:
    source = random.Random(4711)
    store = await Store.open(f"sqlite:///{tmp_path}/shim.db")
    real = IdentityMap(store, Identities(issued_from=50, confirm_after=10))
    ours = MemoryMap(50, confirm_after=10)
    start = datetime(2026, 3, 1, tzinfo=UTC)
    store._clock = lambda: start + timedelta(seconds=ours.now)
    try:
        for _ in range(200):
            ours.now += source.choice((0, 0, 4, 12))
            await _same_change(source, real, ours)
            for by in _WAYS:
                live = [str(getattr(each, by)) for each in ours.live()]
                values = {str(source.randrange(40, 75)), f"0020*{source.randrange(9)}", *live}
                theirs = await real.find(by, values)  # type: ignore[arg-type]
                assert theirs == ours.find(by, values), by
                if by in ("old_id", "extension_id", "number"):
                    assert await real.ended(by, values) == ours.ended(by, values), by  # type: ignore[arg-type]
    finally:
        await store.close()


async def _same_change(source: random.Random, real: IdentityMap, ours: MemoryMap) -> None:
    """One random change of both, which answer the same. Account IDs and issued ones get in each other's way."""
    numbers = [f"0020*{number}" for number in source.sample(range(9), source.randrange(1, 4))]
    what = source.choices(("learn", "forget", "renumber", "deny", "doubt"), (6, 2, 1, 3, 1))[0]
    if what == "learn":
        seen = []
        for number in numbers:
            user = source.randrange(45, 60)
            said = source.choice((None, f"i{user}", f"j{user}"))
            seen.append(Known(str(user), number, said, source.choice(("created", "discovered"))))
        assert await real.learn(seen) == ours.learn(seen)
    elif what == "forget":
        await real.forget(dict.fromkeys(numbers, ""))
        ours.forget(dict.fromkeys(numbers, ""))
    elif what == "deny":
        await real.deny(numbers)
        ours.deny(numbers)
    elif what == "doubt":
        await real.doubt(numbers)
        ours.doubt(numbers)
    else:
        to = [f"0020*{number}" for number in source.sample(range(9), len(numbers))]
        pairs = dict(zip(numbers, to, strict=True))
        await real.renumber_all(pairs)
        ours.renumber(pairs)
