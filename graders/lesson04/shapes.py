"""Conversations of random shape, each message in some thread, shrunk to the shortest that fails.

Hypothesis makes the shapes and shrinks them; it knows nothing of servers. A shape is played on one
server, in threads of its own, so that no play stands in the way of another.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException

from graders.engine.harness import Finding, Talk, Trace
from graders.lesson04.scenarios import Asked, ask

Shape = tuple[int, ...]
_EXAMPLES = 3
_MOST_PLAYS = 40
"""Plays of one search, with those that shrink: a slow server must not be asked for ever."""


def _comes_back(shape: Shape) -> bool:
    """Whether some thread goes on after another one did: others tell too little."""
    runs = [thread for i, thread in enumerate(shape) if i == 0 or shape[i - 1] != thread]
    return len(set(runs)) < len(runs)


_SHAPES: st.SearchStrategy[Shape] = (
    st.lists(st.integers(0, 2), min_size=3, max_size=6).map(tuple).filter(_comes_back)
)


@dataclass(frozen=True)
class Played:
    """One message of a play: where it was said, and all that was said before it."""

    thread: int
    asked: Asked
    own: list[Asked]
    foreign: list[Asked]


Judge = Callable[[list[Played]], None]
"""Raises a :class:`Finding` when something is wrong with a play."""


async def judge_shapes(talk: Talk, trace: Trace, judge: Judge) -> None:
    """Raise the finding of the shortest conversation that fails, if one of random shape does.

    ``trace`` then tells of this conversation only.
    """
    plays = 0

    async def finding_of(shape: Shape) -> Finding | None:
        nonlocal plays
        plays += 1
        trace.forget()
        try:
            judge(await _play(talk, shape, plays))
        except Finding as finding:
            return finding
        return None

    loop = asyncio.get_running_loop()

    def fails(shape: Shape) -> bool:
        if plays >= _MOST_PLAYS:
            return False
        return asyncio.run_coroutine_threadsafe(finding_of(shape), loop).result() is not None

    shortest = await asyncio.to_thread(_shortest_failing, fails, talk.canary.seed)
    if shortest is not None and (finding := await finding_of(shortest)) is not None:
        raise finding


class _FailedError(Exception):
    """Tells Hypothesis that a shape fails."""


def _shortest_failing(fails: Callable[[Shape], bool], run_seed: int) -> Shape | None:
    failing: list[Shape] = []

    @seed(run_seed)
    @settings(
        max_examples=_EXAMPLES,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(_SHAPES)
    def search(shape: Shape) -> None:
        if fails(shape):
            failing.append(shape)
            raise _FailedError

    # Hypothesis keeps notes in a folder, which is not to appear where the student works.
    with tempfile.TemporaryDirectory() as notes:
        set_hypothesis_home_dir(notes)
        # A server that fails only now and then has failed all the same.
        with contextlib.suppress(_FailedError, HypothesisException):
            search()
        set_hypothesis_home_dir(None)
    return min(failing, key=lambda shape: (len(shape), shape), default=None)


async def _play(talk: Talk, shape: Shape, play: int) -> list[Played]:
    """Say a message for each entry of ``shape``; stop after one that was not answered."""
    said: list[tuple[int, Asked]] = []
    played: list[Played] = []
    ids: dict[int, str] = {}
    for number, thread in enumerate(shape, 1):
        asked = await ask(talk, ids.get(thread), f"play {play} number {number}")
        own = [earlier for where, earlier in said if where == thread]
        foreign = [earlier for where, earlier in said if where != thread]
        played.append(Played(thread, asked, own, foreign))
        said.append((thread, asked))
        if not asked.answered:
            break
        if thread not in ids:
            ids[thread] = asked.stream.thread_id
    return played


def told(played: list[Played], last: Played) -> str:
    """Tell a conversation up to ``last``: the thread of each message, A being the first."""
    played = played[: played.index(last) + 1]
    order = list(dict.fromkeys(each.thread for each in played))
    names = {thread: "ABC"[index] for index, thread in enumerate(order)}
    return ", ".join(
        f"message {n} in thread {names[each.thread]}" for n, each in enumerate(played, 1)
    )
