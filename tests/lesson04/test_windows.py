"""What is said of a window of the conversation that is too small, too large, or of the oldest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import Finding
from graders.engine.harness import Outcome, RecordedCall, Said, Scene, ScriptedModel, Student
from graders.engine.model.calls import InputItem
from graders.lesson04.scenarios import MESSAGES, OneThread
from tests.grading.empty_recordings import NoServer, at_once
from tests.harness.test_stream import finished
from tests.lesson_checks import checks_of
from tests.protocol.stories import raw

pytestmark = pytest.mark.usefixtures("criterion_marker")
Window = Callable[[list[str]], Sequence[str]]


def conversation(window: Window) -> OneThread:
    """Return a long conversation in which the model gets this window of it."""
    scene = Scene(cast("Student", NoServer()), ScriptedModel(api_key="sk-test"), Canaries(seed=1))
    texts: list[str] = []
    asked: list[Said] = []
    for number in range(1, MESSAGES + 1):
        name = f"long {number}"
        texts.append(scene.message(name))
        items = [InputItem(kind="message", role="user", text=text) for text in window(texts)]
        call = RecordedCall(number, "responses", input=items)
        turn = scene.script(name)
        turn.played.requests.append(call)
        done = raw("thread.item.done/assistant_message", id=name, texts=[scene.answer(name)])
        asked.append(Said(scene, name, turn, Outcome(result=at_once(finished(done))), (call,)))
        texts.append(scene.answer(name))
    return OneThread(asked)


def found_in(check: str, window: Window) -> Finding | None:
    """Return what a check finds wrong with such a conversation."""
    try:
        at_once(getattr(checks_of("lesson04", "long"), check)(conversation(window)))
    except Finding as finding:
        return finding
    return None


@pytest.mark.parametrize("size", [10, 11, 50, 120])
def test_window_of_ten_or_more_keeps_the_newest_items(size: int) -> None:
    assert found_in("test_newest_ten_items_are_kept", lambda texts: texts[-size:]) is None


def test_window_of_nine_is_too_small() -> None:
    finding = found_in("test_newest_ten_items_are_kept", lambda texts: texts[-9:])
    assert finding is not None
    assert finding.hint == "few"
    assert "oldest" not in finding.seen


@pytest.mark.parametrize(
    "window",
    [
        pytest.param(lambda texts: texts[:20], id="without the newest message"),
        pytest.param(lambda texts: [*texts[:20], texts[-1]], id="with the newest message"),
    ],
)
def test_window_of_the_oldest_is_told_as_such(window: Window) -> None:
    finding = found_in("test_newest_ten_items_are_kept", window)
    assert finding is not None
    assert finding.hint == "oldest"
    assert "holds the oldest 10" in finding.seen


@pytest.mark.parametrize(("size", "right"), [(50, True), (51, True), (52, False), (120, False)])
def test_window_of_more_than_fifty_items_is_too_large(size: int, *, right: bool) -> None:
    finding = found_in("test_old_items_are_left_out", lambda texts: texts[-size:])
    assert (finding is None) is right
