"""Walks of random shape, shrunk to the shortest that fails.

Hypothesis makes the plans and shrinks them; it knows nothing of servers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from hypothesis import strategies as st

from graders.engine.harness import Scene, Trace
from graders.engine.harness.search import Plays, failing_examples
from graders.lesson05.walks import (
    ADD,
    DELETE_READ,
    DELETE_UNREAD,
    NOTHING,
    RENAME_UNREAD,
    SAY_READ,
    SAY_UNREAD,
    Plan,
)

Walk = Callable[[Scene, Plan, int], Awaitable[None]]
"""Plays a plan, as the play of this number; raises a :class:`Finding` when a page is wrong."""
_EXAMPLES = 2
_MOST_PLAYS = 30
"""Plays of one search, with those that shrink: a slow server must not be asked for ever."""
_ALWAYS = (
    Plan(4, 2, "desc", (ADD,)),
    Plan(5, 2, "asc", (DELETE_READ, ADD)),
    Plan(5, 2, "desc", (DELETE_UNREAD,)),
)
WITH_CHANGES = (
    Plan(6, 2, "desc", (SAY_UNREAD, SAY_READ)),
    Plan(4, 1, "asc", (SAY_READ,)),
    Plan(4, 2, "desc", (RENAME_UNREAD,)),
)
"""Walks through threads, in which messages and titles come in between."""
_PLANS: st.SearchStrategy[Plan] = st.builds(
    Plan,
    count=st.integers(2, 6),
    limit=st.integers(1, 3),
    order=st.sampled_from(["asc", "desc"]),
    between=st.lists(
        st.sampled_from([NOTHING, ADD, DELETE_READ, DELETE_UNREAD, SAY_READ, SAY_UNREAD]),
        min_size=1,
        max_size=3,
    ).map(tuple),
)


async def judge_walks(scene: Scene, trace: Trace, walk: Walk, *more: Plan) -> None:
    """Raise the finding of the shortest walk that fails, if one does; ``more`` are played too.

    It is played once more on the server just started, and ``trace`` then tells of it only.
    """
    plays: Plays[Plan] = Plays(scene.student, trace, lambda plan, number: walk(scene, plan, number))
    failing: list[Plan] = []
    for plan in (*_ALWAYS, *more):
        if await plays.fails(plan):
            failing.append(plan)
            break
    failing += await failing_examples(
        _PLANS,
        plays.fails,
        examples=_EXAMPLES,
        most_plays=_MOST_PLAYS - plays.count,
    )
    if failing:
        raise await plays.retold(min(failing, key=lambda plan: plan.size))
