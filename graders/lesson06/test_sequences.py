"""Three users in turns, at random: the shortest sequence in which something leaks."""

from __future__ import annotations

from graders.engine.harness import Scene, Trace, criterion
from graders.engine.harness.search import Plays, judge_sequences
from graders.lesson06.sequences import KNOWN, SEQUENCES, Play, Step

_EXAMPLES = 4
_MOST_PLAYS = 50


@criterion("no-story-leaks")
async def test_no_sequence_leaks(scene: Scene, trace: Trace) -> None:
    async def play(steps: tuple[Step, ...], number: int) -> None:
        scene.model.turns.clear()
        await Play(scene, number).run(steps)

    plays: Plays[tuple[Step, ...]] = Plays(scene.student, trace, play)
    await judge_sequences(plays, SEQUENCES, examples=_EXAMPLES, most_plays=_MOST_PLAYS, known=KNOWN)
