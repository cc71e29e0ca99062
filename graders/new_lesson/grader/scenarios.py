"""The scenarios of lessonNN, each played once on a pristine server; checks judge the record."""

from __future__ import annotations

from graders.engine.harness import Said, Scene, recorded_as


@recorded_as("first")
async def play_first_message(scene: Scene) -> Said:
    """Say a first message and read the answer."""
    return await scene.say("first")
