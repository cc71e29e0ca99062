"""The fixtures of lesson01 that need no server: the files that were handed in, and their truth."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from graders.engine.content.quiz_sheet import read_answers
from graders.engine.harness import Scene
from graders.engine.submissions.handed_in import read_handed_in
from graders.lesson01.lifecycle import Conversations, load_lifecycle
from graders.lesson01.questions import QUESTIONS
from graders.lesson01.scenarios import REFERENCE, Lifecycles, play_lifecycles
from graders.lesson01.sealed import SEALED_FILE, load_sealed

Scenario = Callable[[Scene], Awaitable[Any]]


@pytest.fixture
def answers(submission: Path) -> Mapping[str, frozenset[str]]:
    """Return the student's answers: letters by question."""
    known = {question.id: tuple(question.texts) for question in QUESTIONS}
    return read_handed_in(submission, "quiz.yaml", partial(read_answers, known=known))


@pytest.fixture
def written(submission: Path) -> Conversations:
    """Return the sequences that the student wrote."""
    return read_handed_in(submission, "lifecycle.yaml", load_lifecycle)


@pytest_asyncio.fixture
async def sent(
    of_reference: Callable[[Scenario, Path], Awaitable[Any]], written: Conversations
) -> Lifecycles:
    """Return the sequences that the installed SDK sends; in a copy for students, the sealed ones.

    Of these, only steps that the student has written can be told from others.
    """
    if not REFERENCE.is_dir():
        return load_sealed(SEALED_FILE).opened(written)
    lifecycles: Lifecycles = await of_reference(play_lifecycles, REFERENCE)
    return lifecycles
