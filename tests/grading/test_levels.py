"""A correct server gets full marks however well it is isolated."""

from __future__ import annotations

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import IsolationLevel
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import grade
from graders.engine.harness.server_factory import open_factory
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.fork_client import ForkLauncher
from graders.engine.submissions.submission import find_submission

NAMESPACES = frozenset({Layer.PROCESSES})
"""What is left off to be as on a machine that gives none."""


@pytest.mark.parametrize("without", [frozenset(), NAMESPACES])
def test_correct_server_gets_full_marks_at_every_level(without: frozenset[Layer]) -> None:
    lesson = Catalogue(REPOSITORY).lesson("lesson02")
    submission = find_submission(lesson.solutions_dir / "solution")
    launcher = ForkLauncher(without=without)
    try:
        with open_factory(
            submission, launcher, limits=lesson.info.limits, env=lesson.info.env
        ) as factory:
            request = GradingRequest(lesson, submission.root, seed=1)
            result = grade(request, submission.root, factory)
    finally:
        launcher.close()
    assert result.full_marks
    namespaced = Layer.PROCESSES in result.isolation.layers
    expected = IsolationLevel.FULL if namespaced else IsolationLevel.STRONG
    assert result.isolation.level is expected
    assert not namespaced or without != NAMESPACES
