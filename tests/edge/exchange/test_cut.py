"""A block that is cut off raises TimeoutError where it waits; nothing else becomes one."""

from __future__ import annotations

import asyncio

import pytest

from shim.edge.exchange.cut import Cut


async def test_a_block_that_is_cut_off_raises_and_its_task_goes_on() -> None:
    cut = Cut()
    asyncio.get_running_loop().call_soon(cut.end)
    with pytest.raises(TimeoutError), cut:
        await asyncio.Event().wait()
    assert cut.ended
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
    await asyncio.sleep(0)


async def test_a_block_that_is_over_is_not_cut_off() -> None:
    with Cut() as cut:
        await asyncio.sleep(0)
    cut.end()
    await asyncio.sleep(0)
    assert not cut.ended


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    begun = asyncio.Event()

    async def waiting() -> None:
        with Cut():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_both_at_once_are_a_cancellation() -> None:
    begun, cut = asyncio.Event(), Cut()

    async def waiting() -> None:
        with cut:
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await begun.wait()
    cut.end()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_inner_one_of_two_is_told_from_the_outer() -> None:
    outer, inner = Cut(), Cut()
    with outer:
        asyncio.get_running_loop().call_soon(inner.end)
        with pytest.raises(TimeoutError), inner:
            await asyncio.Event().wait()
        await asyncio.sleep(0)
    assert inner.ended
    assert not outer.ended


async def test_another_error_within_stays_what_it_is() -> None:
    async def failing(cut: Cut) -> None:
        with cut:
            cut.end()
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                raise ValueError("own") from None

    with pytest.raises(ValueError, match="own"):
        await failing(Cut())
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()
