"""Three users in turns, at random: the shortest story in which something leaks."""

from __future__ import annotations

from collections.abc import Sequence

from graders.engine.harness import Finding, Talk, Trace, criterion
from graders.engine.harness.search import retold, shortest_failing
from graders.lesson06.stories import KNOWN, STORIES, Step, Story

_EXAMPLES = 4
_MOST_PLAYS = 50


@criterion("no-story-leaks")
async def test_no_story_leaks(talk: Talk, trace: Trace) -> None:
    plays = 0
    findings: dict[tuple[Step, ...], Finding] = {}

    async def finding_of(steps: Sequence[Step]) -> Finding | None:
        nonlocal plays
        plays += 1
        trace.forget()
        talk.model.turns.clear()
        try:
            await Story(talk, plays).play(steps)
        except Finding as finding:
            return finding
        return None

    async def fails(steps: tuple[Step, ...]) -> bool:
        finding = await finding_of(steps)
        if finding is not None:
            findings[steps] = finding
        return finding is not None

    shortest = await shortest_failing(
        STORIES,
        fails,
        run_seed=talk.canary.seed,
        examples=_EXAMPLES,
        most_plays=_MOST_PLAYS,
        known=KNOWN,
    )
    if shortest is None:
        return
    # Told once more from the beginning, on a server that has seen nothing else.
    raise await retold(talk.student, findings[shortest], lambda: finding_of(shortest))
