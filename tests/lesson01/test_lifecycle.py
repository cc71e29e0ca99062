"""Sequences as students write them: spellings, and how near two sequences are."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graders.engine.core.errors import ContentError, Finding
from graders.lesson01.lifecycle import (
    Conversations,
    Pair,
    aligned,
    compare,
    folded,
    is_known,
    load_lifecycle,
    share_of,
    step_named,
)

DELTA = "thread.item.updated text_delta"
sequences = st.lists(st.sampled_from("abc"), max_size=8)


def load_text(folder: Path, conversations: str) -> Conversations:
    path = folder / "lifecycle.yaml"
    path.write_text(f"format_version: 1\nconversations:\n{conversations}", encoding="utf-8")
    return load_lifecycle(path)


@pytest.mark.parametrize(
    ("step", "spellings"),
    [
        ("thread.created", ["thread.created", "ThreadCreatedEvent", "thread.created / thread"]),
        (
            "thread.item.done user_message",
            [
                "thread.item.done user_message",
                "thread.item.done/user_message",
                "thread.item.done: user",
                "thread.item.done (user_message)",
                "thread.item.done -> user message",
                "THREAD_ITEM_DONE, User-Message",
                "ThreadItemDoneEvent UserMessageItem",
            ],
        ),
        ("progress_update", ['progress_update "Searching..."', "ProgressUpdateEvent"]),
        ("stream_options", ["stream_options", "StreamOptions", "stream-options allow_cancel"]),
        (
            DELTA,
            [
                "thread.item.updated text_delta",
                "thread.item.updated/assistant_message.content_part.text_delta",
                "thread.item.updated assistant_message text_delta",
                "thread.item.updated content_part.text_delta",
                "thread.item.updated delta",
                "assistant_message.content_part.text_delta",
                "ThreadItemUpdatedEvent AssistantMessageContentPartTextDelta",
            ],
        ),
        (
            "thread.item.updated content_part.done",
            ["thread.item.updated done", "content_part.done"],
        ),
        ("thread.item.updated", ["thread.item.updated"]),
        ("thread.item.added client_tool_call", ["thread.item.added client_tool_call"]),
    ],
)
def test_spellings_of_a_step_mean_the_same(step: str, spellings: list[str]) -> None:
    assert [step_named(text) for text in spellings] == [step] * len(spellings)
    assert is_known(step)


@pytest.mark.parametrize("text", ["item.delta", "done", "delta", "added", "message", "item.done x"])
def test_names_from_the_web_stay_unknown(text: str) -> None:
    assert step_named(text) == text
    assert not is_known(step_named(text))


def test_run_of_deltas_is_one_step_and_other_runs_are_not() -> None:
    steps = ["a", DELTA, DELTA, "progress_update", "progress_update", DELTA]
    assert folded(steps) == ["a", DELTA, "progress_update", "progress_update", DELTA]


def test_steps_may_be_texts_or_keys_and_values(tmp_path: Path) -> None:
    told = load_text(
        tmp_path,
        """\
  first_message:
    - thread.created
    - thread.item.done: user_message
    - {event: thread.item.done, item: user_message}
    - {event: thread.created}
    - "thread.item.done:user"
""",
    )
    done = "thread.item.done user_message"
    assert told.first_message == ("thread.created", done, done, "thread.created", done)
    assert told.follow_up == ()


@pytest.mark.parametrize(
    ("conversations", "line", "says"),
    [
        ("  followup: []", 3, "not a known key"),
        ("  follow_up:\n    - a\n    - [b]", 5, "one event and one item"),
        ("  follow_up:\n    - {a: b, c: d}", 4, "one event and one item"),
        ("  follow_up: thread.created", 3, "must be a list"),
        (f"  follow_up: [{', '.join(['a'] * 61)}]", 3, "More than 60 steps"),
    ],
)
def test_mistake_is_told_with_its_line(
    tmp_path: Path, conversations: str, line: int, says: str
) -> None:
    with pytest.raises(ContentError) as raised:
        load_text(tmp_path, conversations)
    assert raised.value.line == line
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("written", "sent", "pairs", "share"),
    [
        ("abc", "abc", [("a", "a"), ("b", "b"), ("c", "c")], (3, 3)),
        ("ac", "abc", [("a", "a"), (None, "b"), ("c", "c")], (2, 3)),
        ("abxc", "abc", [("a", "a"), ("b", "b"), ("x", None), ("c", "c")], (3, 4)),
        ("ba", "ab", [("b", None), ("a", "a"), (None, "b")], (1, 2)),
        ("", "a", [(None, "a")], (0, 1)),
        ("", "", [], (0, 1)),
    ],
)
def test_sequences_are_laid_side_by_side(
    written: str, sent: str, pairs: list[Pair], share: tuple[int, int]
) -> None:
    found = aligned(written, sent)
    assert found == pairs
    assert share_of(found, written, sent) == share


@given(sequences, sequences)
def test_alignment_keeps_both_sequences(written: list[str], sent: list[str]) -> None:
    pairs = aligned(written, sent)
    assert [pair.written for pair in pairs if pair.written] == written
    assert [pair.sent for pair in pairs if pair.sent] == sent
    assert all(pair.written == pair.sent for pair in pairs if pair.written and pair.sent)


@given(sequences, sequences)
def test_share_is_whole_only_for_equal_sequences(written: list[str], sent: list[str]) -> None:
    right, of = share_of(aligned(written, sent), written, sent)
    assert 0 <= right <= of
    assert (right == of) == (written == sent != [])


@given(sequences, st.sampled_from("abc"))
def test_step_too_many_costs(sent: list[str], extra: str) -> None:
    written = [*sent, extra]
    right, of = share_of(aligned(written, sent), written, sent)
    assert (right, of) == (len(sent), len(sent) + 1)


@pytest.mark.parametrize(
    ("written", "sent", "seen"),
    [
        ("axc", "abc", "2 of 3 steps are right. Step 2, `x`, does not come there (it is no event"),
        ("ac", "abc", "2 of 3 steps are right. Before step 2, `c`, something is missing."),
        ("abxd", "abcd", "3 of 4 steps are right. The first 2 are. Step 3, `x`, does not come"),
        ("ab", "abc", "2 of 3 steps are right. The first 2 are. After your last step something"),
        ("x", "abc", "0 of 3 steps are right. Step 1, `x`, does not come there"),
        ("", "abc", "You have not written this conversation yet."),
    ],
)
def test_finding_tells_how_much_is_right_and_where_it_first_differs(
    written: str, sent: str, seen: str
) -> None:
    with pytest.raises(Finding) as raised:
        compare(written, sent)
    assert raised.value.seen.startswith(seen)


STEPS = ("thread.created", "stream_options", "notice", "error", "client_effect")
step_lists = st.lists(st.sampled_from(STEPS), max_size=8)


@given(step_lists, step_lists)
def test_finding_names_no_step_that_the_student_has_not_written(
    written: list[str], sent: list[str]
) -> None:
    try:
        compare(written, sent)
    except Finding as finding:
        named = [step for step in STEPS if f"`{step}`" in finding.seen]
        assert len(named) <= 1
        assert set(named) <= set(written)
    else:
        assert written == sent != []
