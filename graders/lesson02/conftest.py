"""What all checks of lesson02 share."""

from __future__ import annotations

import pytest

from graders.engine.content.canaries import Canaries
from graders.engine.harness import ScriptedModel, Student, Talk


@pytest.fixture
def talk(student: Student, model: ScriptedModel, canary: Canaries) -> Talk:
    """Give a user's talk with a pristine server."""
    return Talk(student, model, canary)
