"""The record of a check, and what a reader is shown of it."""

from __future__ import annotations

import itertools

from graders.engine.core.results import TranscriptLine
from graders.engine.harness import Trace


def new_trace() -> Trace:
    """Return a record whose clock ticks a second at each look."""
    ticks = itertools.count()
    return Trace(now=lambda: float(next(ticks)))


def test_serial_numbers_count_from_one_and_times_from_the_beginning() -> None:
    trace = new_trace()
    assert trace.add("client", "request", "first") == 1
    assert trace.add("server", "reply", "second") == 2
    assert [(entry.serial, entry.at_ms) for entry in trace.entries] == [(1, 1_000), (2, 2_000)]


def test_an_empty_record_has_no_lines() -> None:
    assert new_trace().lines() == ()


def test_a_line_has_all_of_its_entry() -> None:
    trace = new_trace()
    trace.add("model", "said", "Hel\x1b[1mlo")
    assert trace.lines(1) == (
        TranscriptLine(
            serial=1, actor="model", kind="said", text="Hel\\x1b[1mlo", at_ms=1_000, marked=True
        ),
    )


def test_runs_of_one_kind_are_folded() -> None:
    trace = new_trace()
    for word in "abcdefgh":
        trace.add("server", "delta", word)
    trace.add("server", "done", "abcdefgh")
    first, second = trace.lines()
    assert first.text == "abcdef … (8 times)"
    assert second.serial == 9


def test_a_short_run_is_shown_whole() -> None:
    trace = new_trace()
    for word in "ab":
        trace.add("server", "delta", word)
    assert [line.text for line in trace.lines()] == ["ab (2 times)"]


def test_another_actor_of_the_same_kind_begins_a_new_line() -> None:
    trace = new_trace()
    trace.add("client", "text", "a")
    trace.add("server", "text", "b")
    assert [line.text for line in trace.lines()] == ["a", "b"]


def test_the_marked_entry_stands_alone_in_its_run() -> None:
    trace = new_trace()
    for word in "abcde":
        trace.add("server", "delta", word)
    lines = trace.lines(3)
    assert [(line.text, line.marked) for line in lines] == [
        ("ab (2 times)", False),
        ("c", True),
        ("de (2 times)", False),
    ]


def test_a_long_text_is_cut() -> None:
    trace = new_trace()
    trace.add("server", "reply", "x" * 1_000)
    assert trace.lines()[0].text == "x" * 300 + "... [700 characters more]"


def _of_many(count: int) -> Trace:
    trace = new_trace()
    for number in range(count):
        trace.add("server", f"kind{number}", str(number))
    return trace


def test_of_a_long_record_the_end_is_shown() -> None:
    lines = _of_many(100).lines()
    assert [line.text for line in lines] == [str(number) for number in range(40, 100)]


def test_of_a_long_record_what_is_around_the_mark_is_shown() -> None:
    lines = _of_many(200).lines(100)
    shown = [line.text for line in lines]
    assert len(shown) == 60
    assert shown[-1] == "109"
    assert [line.text for line in lines if line.marked] == ["99"]


def test_a_mark_near_the_beginning_is_never_cut_off() -> None:
    lines = _of_many(200).lines(2)
    assert lines[0].text == "0"
    assert lines[1].marked
    assert len(lines) == 60


def test_past_the_cap_only_the_numbers_go_on() -> None:
    trace = _of_many(5_001)
    assert len(trace.entries) == 5_000
    assert trace.add("client", "request", "late") == 5_002


def test_the_record_ends_with_what_is_read_then_unless_it_is_empty() -> None:
    trace = new_trace()
    trace.add("client", "request", "hello")
    printed = [""]
    trace.ends_with("printed", lambda: printed[0])
    assert len(trace.lines()) == 1
    printed[0] = "ValueError: no"
    last = trace.lines()[-1]
    assert (last.kind, last.text, last.actor, last.serial) == (
        "printed",
        "ValueError: no",
        "server",
        2,
    )


def test_a_record_that_forgets_counts_on() -> None:
    trace = new_trace()
    trace.add("client", "says", "one")
    trace.forget()
    assert trace.add("client", "says", "two") == 2
    assert [line.text for line in trace.lines()] == ["two"]


def test_pieces_of_a_text_are_joined_as_they_are_and_exceptions_stand_alone() -> None:
    trace = new_trace()
    for piece in ("It is", " apple", ", I say."):
        trace.add("server", "assistant_message.content_part.text_delta", piece)
    for error in ("KeyError", "ValueError"):
        trace.add("server", "raised", error)
    assert [line.text for line in trace.lines()] == [
        "It is apple, I say. (3 times)",
        "KeyError",
        "ValueError",
    ]
