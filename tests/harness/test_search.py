"""The search for the shortest sequence that fails: found, shrunk, bounded, and without a trace."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import strategies as st

from graders.engine.harness import Finding
from graders.engine.harness.search import Plays, shortest_failing
from tests.students import Bench

SEQUENCES = st.lists(st.integers(0, 9), max_size=20).map(tuple)


async def searched(
    fails: list[int], played: list[tuple[int, ...]], *, most_plays: int = 200
) -> tuple[int, ...] | None:
    """Search for sequences that hold all of ``fails`` in this order; note what was played."""

    async def play(steps: tuple[int, ...]) -> bool:
        played.append(steps)
        rest = iter(steps)
        return all(number in rest for number in fails)

    return await shortest_failing(SEQUENCES, play, examples=60, most_plays=most_plays)


async def test_failing_sequence_is_shrunk_to_what_it_needs() -> None:
    assert await searched([3, 1], []) == (3, 1)


async def test_known_sequence_is_tried_first_and_shortened() -> None:
    tried: list[tuple[int, ...]] = []

    async def play(steps: tuple[int, ...]) -> bool:
        tried.append(steps)
        return 70 in steps and 50 in steps

    found = await shortest_failing(
        SEQUENCES,
        play,
        examples=5,
        most_plays=50,
        known=[(1, 2), (5, 70, 6, 50, 7, 8)],
    )
    assert found == (70, 50)
    assert tried[:2] == [(1, 2), (5, 70, 6, 50, 7, 8)]


async def test_nothing_is_found_where_nothing_fails() -> None:
    played: list[tuple[int, ...]] = []
    assert await searched([10], played) is None
    assert 10 < len(played) <= 60


async def test_no_more_is_played_than_allowed() -> None:
    played: list[tuple[int, ...]] = []
    assert await searched([0], played, most_plays=5) is not None
    assert len(played) <= 5


async def test_every_search_tries_the_same() -> None:
    one: list[tuple[int, ...]] = []
    two: list[tuple[int, ...]] = []
    await searched([10], one)
    await searched([10], two)
    assert one == two


async def test_error_of_a_play_is_not_taken_for_a_failure() -> None:
    async def breaks(_steps: tuple[int, ...]) -> bool:
        raise RuntimeError("the grader broke")

    with pytest.raises(RuntimeError, match="the grader broke"):
        await shortest_failing(SEQUENCES, breaks, examples=5, most_plays=5)


async def test_no_notes_are_left_where_the_student_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await searched([3, 1], [])
    assert os.listdir() == []  # noqa: PTH208 - the folder that we are in


# Fails at a number that it was asked for before: not as it stands after a new start.
COUNTS = """
    seen = 0

    async def app(scope, receive, send):
        global seen
        if scope["type"] != "http":
            return
        seen += 1
        headers = [(b"x-seen", str(seen).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
"""


async def test_failing_example_is_told_as_on_a_server_that_has_seen_nothing_else(
    bench: Bench,
) -> None:
    student = await bench.serve(COUNTS)

    async def play(number: int, play: int) -> None:
        reply = await student.http.get("/")
        bench.trace.add("grader", "play", f"play {play}")
        if number > 2:
            raise Finding(f"{number}: request {reply.headers['x-seen']} of the server")

    plays: Plays[int] = Plays(student, bench.trace, play)
    assert [await plays.fails(number) for number in (1, 2, 3)] == [False, False, True]
    assert (await plays.retold(3)).seen == "3: request 1 of the server"
    assert plays.count == 4
    assert [entry.text for entry in bench.trace.entries] == ["play 4"]
