"""Those who wait: woken by a change, told that it is in vain, or gone by themselves."""

from __future__ import annotations

import asyncio

import pytest

from graders.engine.model.waiters import Waiters


async def waiting(waiters: Waiters, reached: list[int], goal: int) -> asyncio.Task[None]:
    """Return somebody who already waits until ``goal`` is reached."""
    task = asyncio.create_task(waiters.wait_for(lambda: goal in reached))
    await asyncio.sleep(0)
    return task


async def test_all_look_again_when_woken_and_those_who_see_it_go_on() -> None:
    waiters, reached = Waiters(), list[int]()
    first, second = await waiting(waiters, reached, 1), await waiting(waiters, reached, 2)
    reached.append(1)
    waiters.wake()
    waiters.wake()
    await first
    assert not second.done()
    assert waiters
    reached.append(2)
    waiters.wake()
    await second
    assert not waiters


async def test_what_holds_already_is_not_waited_for() -> None:
    waiters = Waiters()
    await waiters.wait_for(lambda: True)
    assert not waiters


async def test_an_error_reaches_who_waits_now_and_nobody_who_comes_later() -> None:
    waiters, reached = Waiters(), list[int]()
    before = await waiting(waiters, reached, 1)
    waiters.fail(LookupError("in vain"))
    waiters.fail(ZeroDivisionError("too late"))
    with pytest.raises(LookupError, match="in vain"):
        await before
    after = await waiting(waiters, reached, 1)
    reached.append(1)
    waiters.wake()
    await after


async def test_who_gives_up_waits_no_longer() -> None:
    waiters = Waiters()
    task = await waiting(waiters, [], 1)
    task.cancel()
    await asyncio.wait({task})
    assert not waiters
