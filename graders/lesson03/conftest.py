"""The fixtures of lesson03: the recording of each scenario."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest_asyncio

from graders.engine.harness import Outcome, Talk
from graders.lesson03 import scenarios
from graders.lesson03.scenarios import (
    Burst,
    FailedHalfWay,
    Interrupted,
    Left,
    LockStep,
    Plain,
    SlowTool,
)

Recorded = Callable[[Callable[[Talk], Awaitable[Any]]], Awaitable[Any]]


@pytest_asyncio.fixture
async def plain(recorded: Recorded) -> Plain:
    """Give the recording of a first answer without pauses."""
    recording: Plain = await recorded(scenarios.play_plain)
    return recording


@pytest_asyncio.fixture
async def lock_step(recorded: Recorded) -> LockStep:
    """Give the recording of an answer whose tokens were released one by one."""
    recording: LockStep = await recorded(scenarios.play_lock_step)
    return recording


@pytest_asyncio.fixture
async def awkward(recorded: Recorded) -> Mapping[str, LockStep]:
    """Give the recordings of answers of awkward tokens, by case."""
    recording: Mapping[str, LockStep] = await recorded(scenarios.play_awkward)
    return recording


@pytest_asyncio.fixture
async def slow_tool(recorded: Recorded) -> SlowTool:
    """Give the recording of a tool that takes ten seconds."""
    recording: SlowTool = await recorded(scenarios.play_slow_tool)
    return recording


@pytest_asyncio.fixture
async def left(recorded: Recorded) -> Left:
    """Give the recording of a client that went away, under ASGI 2.3."""
    recording: Left = await recorded(scenarios.play_left)
    return recording


@pytest_asyncio.fixture
async def left_2_4(recorded: Recorded) -> Left:
    """Give the recording of a client that went away, under ASGI 2.4."""
    recording: Left = await recorded(scenarios.play_left_2_4)
    return recording


@pytest_asyncio.fixture
async def interrupted(recorded: Recorded) -> Interrupted:
    """Give the recording of a message into an answer."""
    recording: Interrupted = await recorded(scenarios.play_interrupted)
    return recording


@pytest_asyncio.fixture
async def burst(recorded: Recorded) -> Burst:
    """Give the recording of five messages at once."""
    recording: Burst = await recorded(scenarios.play_burst)
    return recording


@pytest_asyncio.fixture
async def failures(recorded: Recorded) -> Mapping[str, Outcome[FailedHalfWay]]:
    """Give the recordings of a model that fails half-way, by the way in which it fails."""
    recording: Mapping[str, Outcome[FailedHalfWay]] = await recorded(scenarios.play_failures)
    return recording
