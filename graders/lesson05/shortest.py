"""Walks of random shape, shrunk to the shortest that fails.

Hypothesis makes the plans and shrinks them; it knows nothing of servers.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException

from graders.engine.harness import Finding, Talk, Trace, attempt
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
    search = _Search(talk, trace, walk, asyncio.get_running_loop())
    shortest = await asyncio.to_thread(_shortest_failing, search.fails, talk.canary.seed, more)
    if shortest is None:
        return
    finding = search.findings[shortest]
    restarted = await attempt(talk.student.restart())
    if restarted.finding is None:
        finding = await search.finding_of(shortest) or finding
    raise finding


@dataclass
class _Search:
    """Plays plans for Hypothesis, which asks from a thread of its own."""

    talk: Talk
    trace: Trace
    walk: Walk
    loop: asyncio.AbstractEventLoop
    plays: int = 0
    findings: dict[Plan, Finding] = field(default_factory=dict)

    def fails(self, plan: Plan) -> bool:
        """Whether this walk fails; not to be called in the event loop."""
        if self.plays >= _MOST_PLAYS:
            return False
        playing = asyncio.run_coroutine_threadsafe(self.finding_of(plan), self.loop)
        return playing.result() is not None

    async def finding_of(self, plan: Plan) -> Finding | None:
        """Play a plan up to the page that is wrong."""
        self.plays += 1
        self.trace.forget()
        try:
            await self.walk(self.talk, plan, self.plays)
        except Finding as finding:
            self.findings[plan] = finding
            return finding
        return None


class _FailedError(Exception):
    """Tells Hypothesis that a walk fails."""


def _shortest_failing(
    fails: Callable[[Plan], bool], run_seed: int, more: Sequence[Plan]
) -> Plan | None:
    failing: list[Plan] = []

    def search(plan: Plan) -> None:
        if fails(plan):
            failing.append(plan)
            raise _FailedError

    for plan in (*_ALWAYS, *more):
        if fails(plan):
            failing.append(plan)
            break
    searching = seed(run_seed)(
        settings(
            max_examples=_EXAMPLES,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )(given(_PLANS)(search))
    )
    # Hypothesis keeps notes in a folder, which is not to appear where the student works.
    with tempfile.TemporaryDirectory() as notes:
        set_hypothesis_home_dir(notes)
        # A server that fails only now and then has failed all the same.
        with contextlib.suppress(_FailedError, HypothesisException):
            searching()
        set_hypothesis_home_dir(None)
    return min(failing, key=lambda plan: plan.size, default=None)
