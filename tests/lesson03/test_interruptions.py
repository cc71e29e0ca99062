"""What is found of an answer that a newer message interrupted."""

from __future__ import annotations

from typing import cast

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.core.errors import Finding
from graders.engine.harness import Scene, ScriptedModel, Student
from graders.lesson03.interruptions import Held, Superseded
from graders.lesson03.streaming import long_chunks
from tests.grading.empty_recordings import NoServer, at_once, empty_stream
from tests.lesson_checks import checks_of

pytestmark = pytest.mark.usefixtures("criterion_marker")


def superseded(tokens: int, *, ends: bool, added: str = "") -> Superseded:
    """Return an answer of which the client got so many tokens in all; it had heard three.

    ``added`` are words of the server's own.
    """
    scene = Scene(cast("Student", NoServer()), ScriptedModel(api_key="sk-test"), Canaries(seed=1))
    chunks = long_chunks(scene, "first")
    turn = scene.script("first")
    held = Held("first", turn, empty_stream(), "thr_1", chunks, "".join(chunks[:3]))
    return Superseded(held, ends, given_up=ends, got="".join(chunks[:tokens]) + added)


@pytest.mark.parametrize(
    ("tokens", "ends", "hint"),
    [
        pytest.param(3, True, "right", id="it ends, and no more of it came"),
        pytest.param(3, False, None, id="no more of it came, and it does not end"),
        pytest.param(4, True, "more", id="it ends one token too late"),
        pytest.param(8, False, "goes-on", id="it goes on to its end"),
    ],
)
def test_old_answer(tokens: int, hint: str | None, *, ends: bool) -> None:
    check = checks_of("lesson03", "side_by_side").test_second_interrupted_stream_ends
    try:
        at_once(check(superseded(tokens, ends=ends)))
    except Finding as finding:
        found = finding.hint
    else:
        found = "right"
    assert found == hint


def test_words_of_the_server_are_no_more_of_the_answer() -> None:
    assert not superseded(3, ends=True, added=" (interrupted)").got_more
    assert superseded(4, ends=True, added=" (interrupted)").got_more


def test_whole_answer_wastes_no_tokens_of_the_model() -> None:
    assert superseded(8, ends=False).whole
    assert not superseded(4, ends=True).whole
