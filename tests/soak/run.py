"""Generated messages of one operation after the other, each judged."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterable

from tests.soak.fixture import Sent, ShimFixture
from tests.soak.judge import wrong
from tests.soak.likely import Likely

FRESH = 20
"""Messages after which everything is as it was; after some verbs nothing is left to do at once."""
_AT_ONCE = ("Del", "Assign", "Unassign")


async def messages(
    fixture: ShimFixture, name: str, numbers: Iterable[int], seed: int = 0
) -> AsyncIterator[tuple[int, Sent, str | None]]:
    """Each message by its number, what became of it, and what is wrong with that."""
    translation = fixture.catalogue.translations[name]
    await fixture.learn()
    fresh = 1 if translation.old.name.startswith(_AT_ONCE) else FRESH
    for count, number in enumerate(numbers):
        if count % fresh == 0:
            await fixture.restore()
        source = random.Random(f"{seed} {name} {number}")
        request = Likely(source, translation.old, fixture).message(translation.old.input)
        sent = await fixture.send(translation, request)
        yield number, sent, wrong(sent)


def as_text(sent: Sent) -> str:
    """A message on one line, for those who look for what went wrong: made up, so nobody's."""
    return " ".join(f"{path}={text!r}" for path, text in sent.request.leaves())
