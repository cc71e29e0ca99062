"""Three users in turns, at random: the shortest story in which something leaks."""

from __future__ import annotations

from graders.engine.harness import Scene, Trace, criterion
from graders.engine.harness.search import Plays, judge_sequences
from graders.lesson06.stories import KNOWN, STORIES, Step, Story

_EXAMPLES = 4
_MOST_PLAYS = 50


@criterion("no-story-leaks")
async def test_no_story_leaks(scene: Scene, trace: Trace) -> None:
    async def play(steps: tuple[Step, ...], number: int) -> None:
        scene.model.turns.clear()
        await Story(scene, number).play(steps)

    plays: Plays[tuple[Step, ...]] = Plays(scene.student, trace, play)
    await judge_sequences(plays, STORIES, examples=_EXAMPLES, most_plays=_MOST_PLAYS, known=KNOWN)
