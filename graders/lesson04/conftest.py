"""The fixtures of lesson04: a talk with a server of its own, and recorded scenarios."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from graders.engine.content.canaries import Canaries
from graders.engine.harness import ScriptedModel, Student, Talk
from graders.lesson04 import scenarios
from graders.lesson04.scenarios import Conversation, Hidden, Preferences, TooLong

Recorded = Callable[[Callable[[Talk], Awaitable[Any]]], Awaitable[Any]]


@pytest.fixture
def talk(student: Student, model: ScriptedModel, canary: Canaries) -> Talk:
    """Give a user's talk with a pristine server of this check's own."""
    return Talk(student, model, canary)


@pytest_asyncio.fixture
async def conversation(recorded: Recorded) -> Conversation:
    """Give the recording of four messages in one thread."""
    recording: Conversation = await recorded(scenarios.play_conversation)
    return recording


@pytest_asyncio.fixture
async def long(recorded: Recorded) -> Conversation:
    """Give the recording of sixty messages in one thread."""
    recording: Conversation = await recorded(scenarios.play_long_conversation)
    return recording


@pytest_asyncio.fixture
async def too_long(recorded: Recorded) -> TooLong:
    """Give the recording of an input that was refused until it was shorter."""
    recording: TooLong = await recorded(scenarios.play_too_long)
    return recording


@pytest_asyncio.fixture
async def always_too_long(recorded: Recorded) -> TooLong:
    """Give the recording of an input that was refused whatever was sent."""
    recording: TooLong = await recorded(scenarios.play_always_too_long)
    return recording


@pytest_asyncio.fixture
async def preferences(recorded: Recorded) -> Preferences:
    """Give the recording of a thread with preferences, over a restart."""
    recording: Preferences = await recorded(scenarios.play_preferences)
    return recording


@pytest_asyncio.fixture
async def hidden(recorded: Recorded) -> Hidden:
    """Give the recording of a thread with hidden context."""
    recording: Hidden = await recorded(scenarios.play_hidden)
    return recording
