"""The fixtures of lesson02: a talk with a server of its own, and recorded scenarios."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
import pytest_asyncio

from graders.engine.content.canaries import Canaries
from graders.engine.harness import ScriptedModel, Student, Talk
from graders.lesson02 import scenarios
from graders.lesson02.scenarios import (
    FailedThread,
    FirstMessage,
    Malformed,
    OddWords,
    ThreeTurns,
    TwoThreads,
)

Recorded = Callable[[Callable[[Talk], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
def talk(student: Student, model: ScriptedModel, canary: Canaries) -> Talk:
    """Give a user's talk with a pristine server of this check's own."""
    return Talk(student, model, canary)


@pytest_asyncio.fixture
async def first(recorded: Recorded) -> FirstMessage:
    """Give the recording of a first message."""
    recording: FirstMessage = await recorded(scenarios.play_first_message)
    return recording


@pytest_asyncio.fixture
async def odd(recorded: Recorded) -> OddWords:
    """Give the recording of messages and an answer with odd characters."""
    recording: OddWords = await recorded(scenarios.play_odd_words)
    return recording


@pytest_asyncio.fixture
async def malformed(recorded: Recorded) -> Mapping[str, Malformed]:
    """Give the recording of malformed requests, by case."""
    recording: Mapping[str, Malformed] = await recorded(scenarios.play_malformed)
    return recording


@pytest_asyncio.fixture
async def three(recorded: Recorded) -> ThreeTurns:
    """Give the recording of three messages in one thread."""
    recording: ThreeTurns = await recorded(scenarios.play_three_turns)
    return recording


@pytest_asyncio.fixture
async def two(recorded: Recorded) -> TwoThreads:
    """Give the recording of two threads."""
    recording: TwoThreads = await recorded(scenarios.play_two_threads)
    return recording


@pytest_asyncio.fixture
async def failed(recorded: Recorded) -> FailedThread:
    """Give the recording of a thread in which the model failed."""
    recording: FailedThread = await recorded(scenarios.play_failure)
    return recording
