"""Conversations of any shape, each message in some thread, shrunk to the shortest that fails.

Known shapes first, then some that Hypothesis makes, which knows nothing of servers. A shape is
played on one server, in threads of its own, so that no play disturbs another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from graders.engine.harness import Said, Scene, Trace
from graders.engine.harness.search import Plays, judge_sequences
from graders.lesson04.scenarios import ask, goes_on

Shape = tuple[int, ...]
_EXAMPLES = 2
_MOST_PLAYS = 40
"""Plays of one search, with those that shrink: a slow server must not be asked for ever."""
_KNOWN: tuple[Shape, ...] = ((0, 1, 0, 1), (0, 1, 2, 0))
"""Two threads in turns, and one that goes on after two others: what a memory of the last is for."""


def _comes_back(shape: Shape) -> bool:
    """Return whether some thread goes on after another one did: others tell too little."""
    runs = [thread for i, thread in enumerate(shape) if i == 0 or shape[i - 1] != thread]
    return len(set(runs)) < len(runs)


_SHAPES: st.SearchStrategy[Shape] = (
    st.lists(st.integers(0, 2), min_size=3, max_size=6).map(tuple).filter(_comes_back)
)


@dataclass(frozen=True)
class Played:
    """One message of a play: where it was said, and all that was said before it."""

    thread: int
    asked: Said
    own: list[Said]
    foreign: list[Said]


Judge = Callable[[list[Played]], None]
"""Raises a :class:`Finding` when something is wrong with the last message of those played."""


async def judge_shapes(scene: Scene, trace: Trace, judge: Judge) -> None:
    """Raise the finding of the shortest conversation that fails, if one does."""
    plays: Plays[Shape] = Plays(
        scene.student, trace, lambda shape, number: _play(scene, shape, number, judge)
    )
    await judge_sequences(plays, _SHAPES, examples=_EXAMPLES, most_plays=_MOST_PLAYS, known=_KNOWN)


async def _play(scene: Scene, shape: Shape, play: int, judge: Judge) -> None:
    """Say a message for each entry of ``shape``; stop where the conversation cannot go on."""
    played: list[Played] = []
    ids: dict[int, str] = {}
    for number, thread in enumerate(shape, 1):
        asked = await ask(scene, ids.get(thread), f"play {play} number {number}")
        own = [earlier.asked for earlier in played if earlier.thread == thread]
        foreign = [earlier.asked for earlier in played if earlier.thread != thread]
        played.append(Played(thread, asked, own, foreign))
        judge(played)
        if not goes_on(asked):
            break
        if thread not in ids:
            ids[thread] = asked.stream.thread_id


def told(played: list[Played]) -> str:
    """Tell a conversation in a few words: the thread of each message, A being the first."""
    order = list(dict.fromkeys(each.thread for each in played))
    names = {thread: "ABC"[index] for index, thread in enumerate(order)}
    return ", ".join(
        f"message {n} in thread {names[each.thread]}" for n, each in enumerate(played, 1)
    )
