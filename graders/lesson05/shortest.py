"""Walks of random shape, shrunk to the shortest that fails.

Hypothesis makes the plans and shrinks them; it knows nothing of servers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from graders.engine.harness import Finding, Talk, Trace
from graders.engine.harness.search import failing_examples, retold
from graders.lesson05.walks import ADD, DELETE_READ, DELETE_UNREAD, NOTHING, Plan

Walk = Callable[[Talk, Plan, int], Awaitable[None]]
"""Plays a plan, the how-manieth being told; raises a :class:`Finding` when a page is wrong."""
_EXAMPLES = 2
_MOST_PLAYS = 30
"""Plays of one search, with those that shrink: a slow server must not be asked for ever."""
_ALWAYS = (
    Plan(4, 2, "desc", (ADD,)),
    Plan(5, 2, "asc", (DELETE_READ, ADD)),
    Plan(5, 2, "desc", (DELETE_UNREAD,)),
)
_PLANS: st.SearchStrategy[Plan] = st.builds(
    Plan,
    count=st.integers(2, 6),
    limit=st.integers(1, 3),
    order=st.sampled_from(["asc", "desc"]),
    between=st.lists(st.sampled_from([NOTHING, ADD, DELETE_READ, DELETE_UNREAD]), max_size=3).map(
        tuple
    ),
)


async def judge_walks(talk: Talk, trace: Trace, walk: Walk, *more: Plan) -> None:
    """Raise the finding of the shortest walk that fails, if one does; ``more`` are played too.

    It is played once more on the server just started, and ``trace`` then tells of it only.
    """
    plays = _Plays(talk, trace, walk)
    failing: list[Plan] = []
    for plan in (*_ALWAYS, *more):
        if await plays.fails(plan):
            failing.append(plan)
            break
    failing += await failing_examples(
        _PLANS,
        plays.fails,
        run_seed=talk.canary.seed,
        examples=_EXAMPLES,
        most_plays=_MOST_PLAYS - plays.count,
    )
    if not failing:
        return
    shortest = min(failing, key=lambda plan: plan.size)
    finding = plays.findings[shortest]
    raise await retold(talk.student, finding, lambda: plays.finding_of(shortest))


@dataclass
class _Plays:
    """Plays plans, counts the plays, and keeps what was found."""

    talk: Talk
    trace: Trace
    walk: Walk
    count: int = 0
    findings: dict[Plan, Finding] = field(default_factory=dict)

    async def fails(self, plan: Plan) -> bool:
        """Whether this walk fails."""
        return await self.finding_of(plan) is not None

    async def finding_of(self, plan: Plan) -> Finding | None:
        """Play a plan up to the page that is wrong."""
        self.count += 1
        self.trace.forget()
        try:
            await self.walk(self.talk, plan, self.count)
        except Finding as finding:
            self.findings[plan] = finding
            return finding
        return None
