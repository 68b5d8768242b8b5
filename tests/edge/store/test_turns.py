"""Turns: in the order of the asking, whoever gives up meanwhile."""

from __future__ import annotations

import asyncio

import pytest

from shim.edge.store.turns import Turns


async def test_turns_come_one_after_the_other_in_the_order_of_the_asking() -> None:
    turns, had = Turns(), list[str]()

    async def one(name: str) -> None:
        await turns.wait(None)
        had.append(name)
        await asyncio.sleep(0)
        assert had[-1] == name
        turns.end()

    await asyncio.gather(*(one(name) for name in "abc"))
    assert had == ["a", "b", "c"]


async def test_one_that_gives_up_leaves_the_turn_to_the_next() -> None:
    turns, had = Turns(), list[str]()
    await turns.wait(None)
    with pytest.raises(TimeoutError):
        await turns.wait(0.001)
    cancelled = asyncio.create_task(turns.wait(None))
    await asyncio.sleep(0)
    turns.ask(lambda: had.append("next"))
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    turns.end()
    assert had == ["next"]


async def test_one_that_is_cancelled_when_its_turn_has_come_does_not_keep_it() -> None:
    turns, had = Turns(), list[str]()
    await turns.wait(None)
    late = asyncio.create_task(turns.wait(None))
    await asyncio.sleep(0)
    turns.end()
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    turns.ask(lambda: had.append("next"))
    assert had == ["next"]
