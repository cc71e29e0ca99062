"""The checks of lessonNN, with recordings that no server has made."""

from __future__ import annotations

from typing import cast

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import Finding
from graders.engine.harness import Outcome, Said, Scene, ScriptedModel, Student
from tests.grading.empty_recordings import NoServer, at_once
from tests.harness.test_stream import finished
from tests.lesson_checks import checks_of
from tests.protocol.stories import raw

pytestmark = pytest.mark.usefixtures("criterion_marker")
SCENE = Scene(cast("Student", NoServer()), ScriptedModel(api_key="sk-test"), Canaries(seed=1))


def judge(answer: str) -> None:
    """Let the check judge a first message that was answered so."""
    done = raw("thread.item.done/assistant_message", id="1", texts=[answer])
    stream = at_once(finished(done))
    first = Said(SCENE, "first", SCENE.script("first"), Outcome(result=stream))
    at_once(checks_of("lessonNN", "answers").test_first_message_is_answered(first))


def test_answer_of_the_model_is_right() -> None:
    judge(SCENE.answer("first"))


def test_changed_answer_is_told_as_changed() -> None:
    with pytest.raises(Finding, match="From character 1 on") as found:
        judge(f" {SCENE.answer('first')}")
    assert found.value.hint == "changed"
