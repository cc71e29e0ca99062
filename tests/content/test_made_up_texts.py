"""No made-up text hangs on what nobody sees, unless a criterion is about just that.

White space at the ends and letters in two parts are taken away by much right code.
"""

from __future__ import annotations

import unicodedata
from typing import cast

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.content.conversation import load_conversation
from graders.engine.core.places import REPOSITORY
from graders.engine.harness import Scene, Student
from graders.engine.model import ScriptedModel
from graders.lesson02.scenarios import ASKED
from graders.lesson03.awkward import CASES
from graders.lesson06.operations import message_about

SAMPLES = sorted(REPOSITORY.glob("assignments/*/conversations/*.yaml"))
ABOUT_CHARACTERS = {"odd characters"}
"""What the criterion `awkward-tokens` names: the client must get these as they are."""


class _NoServer:
    def chat(self, **_how: object) -> None:
        """Return no client: only texts are asked for."""


def scene(seed: int) -> Scene:
    return Scene(cast("Student", _NoServer()), ScriptedModel(), Canaries(seed))


def as_seen(text: str) -> str:
    """Return what is left of a text where nobody sees a difference."""
    return unicodedata.normalize("NFC", text.strip())


MADE_UP = [
    *(turn.say for sample in SAMPLES for turn in load_conversation(sample).turns if turn.say),
    *(text for texts in ASKED.values() for text in texts),
    *(case.text for name, case in CASES.items() if name not in ABOUT_CHARACTERS),
    message_about(Canaries(1).word("any")),
    *(text for seed in range(50) for text in (scene(seed).message("a"), scene(seed).answer("a"))),
]


@pytest.mark.parametrize("text", MADE_UP, ids=range(len(MADE_UP)))
def test_made_up_text_is_as_it_is_seen(text: str) -> None:
    assert text == as_seen(text)
