"""Old answers stay readable for parsers of the simple kind, and small where one thing was asked for.

Parsers like XML::Simple know prefixes as parts of names, and fold what is not prefixed by its `name`; .NET
clients commonly take answers of at most 64 KiB.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest
from lxml import etree

from shim.core.schema.interface import ElementDecl, Operation, Simple, paths
from shim.interfaces.load import old
from tests.soak.fixture import Sent, ShimFixture, fixture
from tests.soak.likely import Likely
from tests.soak.pairs import NAMED, pairs

pytestmark = pytest.mark.slow

MOST = 64 << 10
TRIES = 12
"""Messages of which one at least has to be answered."""
_ONE = re.compile(
    r"(Add|Edit|Set|Setup|Del|Update|Assign|Unassign|Move|Link)\w+|Get\w+(Details|Settings|PL)|Ping"
)
LONGEST = {"notes": 1024, "name": 255, "company": 255, "address": 255, "city": 255}
"""How long the texts of an account may be, in characters; the longest of UTF-8 have four bytes."""


class Long(Likely):
    """Messages with texts as long as they may be, of characters that need most bytes."""

    def text(self, simple: Simple) -> str:
        return ("\U0001f4de" * 255)[: simple.max_length]


async def answers(at: ShimFixture, name: str) -> Iterator[Sent]:
    """Those of a dozen messages that were answered, half of them with long texts."""
    translation = at.catalogue.translations[name]
    found = []
    for number in range(TRIES):
        await at.restore()
        kind = Long if number % 2 else Likely
        request = kind(random.Random(f"{name} {number}"), translation.old, at).message(translation.old.input)
        sent = await at.send(translation, request)
        found += [sent] if sent.outcome.answer is not None else []
    return iter(found)


def unreadable(answer: bytes) -> list[str]:
    """What a simple parser would trip over."""
    root = etree.fromstring(answer)
    wrong = [f"{each.tag} has no prefix" for each in root.iter(etree.Element) if each.prefix is None]
    return wrong + ["there is a default namespace"] * (b" xmlns=" in answer)


def asks_for_one(operation: Operation) -> bool:
    """Whether an operation is about one thing only."""
    return _ONE.fullmatch(operation.name) is not None


@pytest.mark.parametrize("service", sorted(old().services))
async def test_every_element_of_an_answer_has_a_prefix_and_one_thing_fits_into_64_kib(service: str) -> None:
    wrong, seen = [], set()
    async with fixture() as at:
        for name, operation in old().operations.items():
            for sent in await answers(at, name) if operation.service == service else ():
                assert sent.outcome.answer is not None
                seen.add(name)
                wrong += [f"{name}: {each}" for each in unreadable(sent.outcome.answer)]
                if asks_for_one(operation) and len(sent.outcome.answer) >= MOST:
                    wrong.append(f"{name}: {len(sent.outcome.answer)} bytes")
    assert not wrong
    assert seen == {f"{service}.{each}" for each in old().services[service].operations}


async def test_what_is_read_of_one_thing_is_small_with_every_text_as_long_as_it_may_be() -> None:
    """Each text that a pair of operations shares is written as long as v3 takes it, and read again."""
    sizes = {}
    async with fixture() as at:
        for pair in pairs(old()):
            named = NAMED[pair.write.full_name]
            texts = "".join(_long_texts(pair.write))
            if isinstance(named, tuple) or pair.item or not texts or not asks_for_one(pair.read):
                continue
            await at.call(pair.write.full_name, named.write.format(**at.things) + texts)
            sent = await at.call(pair.read.full_name, named.read.format(**at.things))
            sizes[pair.read.full_name] = len(sent.outcome.answer or b"")
    assert max(sizes.values()) < MOST
    assert sizes["Client.GetClientDetails"] > 4 * sum(LONGEST.values())


def _long_texts(operation: Operation) -> Iterator[str]:
    for name, decl in paths(operation.input):
        if name in LONGEST and isinstance(decl, ElementDecl):
            yield f"<{name}>{chr(0x1F4DE) * LONGEST[name]}</{name}>"


@pytest.mark.parametrize(
    "answer",
    [b'<a:x xmlns:a="u"><y xmlns="u"/></a:x>', b'<a:x xmlns:a="u"><y/></a:x>', b'<x xmlns="u"/>'],
)
def test_what_is_unreadable_is_found(answer: bytes) -> None:
    assert unreadable(answer)
