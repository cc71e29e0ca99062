"""Looks for the shortest sequence of steps at which a server fails.

Known sequences are tried first and shortened step by step; then Hypothesis makes others, of steps
or of any shape that a lesson has.
The examples are the same ones in every search over the same strategy, so that two servers alike get
the same verdict; only the words in them, which are not made here, are new each time.
The search is synchronous, as Hypothesis is, and runs in a thread of its own; each sequence is
played in the event loop, where the server's wire is. Must not know what a step is.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Generic, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import HypothesisException

from graders.engine.core.errors import Finding
from graders.engine.harness.outcome import attempt
from graders.engine.harness.student import Student
from graders.engine.server.trace import Trace

_T = TypeVar("_T")
_Step = TypeVar("_Step")
_Example = TypeVar("_Example", bound=Hashable)
Steps = tuple[_Step, ...]


_SEED = 0
"""Where Hypothesis begins; any number is as good as another."""


class _FailedError(Exception):
    """Tells Hypothesis that an example fails."""


async def shortest_failing(
    sequences: st.SearchStrategy[Steps[_Step]],
    fails: Callable[[Steps[_Step]], Awaitable[bool]],
    *,
    examples: int,
    most_plays: int,
    known: Iterable[Steps[_Step]] = (),
) -> Steps[_Step] | None:
    """Return the shortest sequence that ``fails``, of those tried and what they shrink to.

    Tried are the ``known`` ones, and if none of them fails, ``examples`` at random. At most
    ``most_plays`` are played after the known ones: a slow server must not be asked for ever.
    """
    for steps in known:
        if await fails(steps):
            return await _shortened(steps, fails, most_plays)
    failing = await failing_examples(sequences, fails, examples=examples, most_plays=most_plays)
    return min(failing, key=len, default=None)


async def failing_examples(
    strategy: st.SearchStrategy[_T],
    fails: Callable[[_T], Awaitable[bool]],
    *,
    examples: int,
    most_plays: int,
) -> list[_T]:
    """Return all that failed of ``examples`` at random, and of what Hypothesis shrank them to.

    At most ``most_plays`` are played. An error of ours ends the search and is raised.
    """
    loop = asyncio.get_running_loop()
    failing: list[_T] = []
    broken: list[Exception] = []
    plays = 0

    def play(example: _T) -> None:
        nonlocal plays
        plays += 1
        if plays > most_plays or broken:
            return
        try:
            failed = asyncio.run_coroutine_threadsafe(_awaited(fails(example)), loop).result()
        except Exception as error:  # noqa: BLE001 - ours; Hypothesis would try it again, and lose it
            broken.append(error)
            return
        if failed:
            failing.append(example)
            raise _FailedError

    await asyncio.to_thread(_search, strategy, play, examples)
    if broken:
        raise broken[0]
    return failing


class Plays(Generic[_Example]):
    """Plays examples on one server, one after the other, and keeps what was found in them.

    ``play`` plays one, given the number of this play, and raises a :class:`Finding` where it fails;
    ``trace`` then tells of the last play only.
    """

    def __init__(
        self, student: Student, trace: Trace, play: Callable[[_Example, int], Awaitable[None]]
    ) -> None:
        self._student = student
        self._trace = trace
        self._play = play
        self._findings: dict[_Example, Finding] = {}
        self.count = 0

    async def fails(self, example: _Example) -> bool:
        """Play ``example``; return whether it fails."""
        return await self._finding_of(example) is not None

    async def retold(self, example: _Example) -> Finding:
        """Return the finding of one that failed, as it is on the server just started."""
        finding = self._findings[example]
        restarted = await attempt(self._student.restart())
        if restarted.finding is not None:
            return finding
        return await self._finding_of(example) or finding

    async def _finding_of(self, example: _Example) -> Finding | None:
        self.count += 1
        self._trace.forget()
        try:
            await self._play(example, self.count)
        except Finding as finding:
            self._findings[example] = finding
            return finding
        return None


async def judge_sequences(
    plays: Plays[Steps[_Step]],
    sequences: st.SearchStrategy[Steps[_Step]],
    *,
    examples: int,
    most_plays: int,
    known: Iterable[Steps[_Step]],
) -> None:
    """Raise the finding of :func:`shortest_failing`, if a sequence fails.

    It is played once more on the server just started, and the trace then tells of it only.
    """
    shortest = await shortest_failing(
        sequences, plays.fails, examples=examples, most_plays=most_plays, known=known
    )
    if shortest is not None:
        raise await plays.retold(shortest)


async def _shortened(
    steps: Steps[_Step], fails: Callable[[Steps[_Step]], Awaitable[bool]], most_plays: int
) -> Steps[_Step]:
    """Leave out steps, the last ones first, one at a time, as long as the rest still fails."""
    plays = 0
    place = len(steps) - 1
    while place >= 0 and plays < most_plays:
        shorter = (*steps[:place], *steps[place + 1 :])
        plays += 1
        if shorter and await fails(shorter):
            steps = shorter
            place = len(steps)
        place -= 1
    return steps


async def _awaited(answer: Awaitable[bool]) -> bool:
    return await answer


def _search(
    strategy: st.SearchStrategy[_T],
    play: Callable[[_T], None],
    examples: int,
) -> None:
    @seed(_SEED)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def search(example: _T) -> None:
        play(example)

    # Hypothesis keeps notes in a folder, which is not to appear where the student works.
    with tempfile.TemporaryDirectory() as notes:
        set_hypothesis_home_dir(notes)
        # A server that fails only now and then has failed all the same.
        with contextlib.suppress(_FailedError, HypothesisException):
            search()
        set_hypothesis_home_dir(None)
