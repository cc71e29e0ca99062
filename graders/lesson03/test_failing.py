"""A model that fails in the middle of an answer, and the retry."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from graders.engine.harness import criterion, expect, texts_of
from graders.lesson03.failures import FAILURES, FailedHalfWay

Failures = Mapping[str, FailedHalfWay]


@criterion("failure-half-way")
@pytest.mark.parametrize("case", FAILURES)
async def test_failure_half_way_shows_an_error_event(case: str, failures: Failures) -> None:
    said = failures[case].said
    stream, error = said.stream, said.stream.error
    expect(
        error is not None,
        f"The model failed half-way ({case}), and no `error` event came.",
        at=stream.last_serial,
        hint="no-error",
    )
    expect(
        error is not None and error.raw.get("allow_retry") is True,
        "The `error` event says that the client may not try again.",
        at=stream.mark_of(error),
        hint="no-retry",
    )
    expect(
        said.ends,
        f"The model failed half-way ({case}), and the stream did not end.",
        at=stream.last_serial,
        hint="no-end",
    )


@criterion("retry-answers", case="the answer")
async def test_retry_gives_the_whole_answer(failures: Failures) -> None:
    for name in FAILURES:
        failed = failures[name]
        stream, answer = failed.retried.value, failed.said.answer
        expect(
            answer == stream.finished_text,
            f"After {name} the retry got {stream.finished_text!r} instead of the model's "
            f"{answer!r}.",
            at=stream.mark_of(stream.error),
            hint="no-answer",
        )


@criterion("retry-answers", case="the thread's items")
async def test_retry_doubles_nothing(failures: Failures) -> None:
    for name in FAILURES:
        failed = failures[name]
        reply = failed.items.value
        asked = texts_of(reply, "user_message")
        expect(
            len(asked) == 1,
            f"After the retry `items.list` holds the user's message {len(asked)} times.",
            at=reply.serial,
            hint="doubled" if asked else None,
        )
        answers = texts_of(reply, "assistant_message")
        expect(
            answers != [] or not _was_answered(failed),
            "The retry was answered, but `items.list` does not hold the answer.",
            at=reply.serial,
        )
        expect(
            len(answers) <= 1,
            f"After the retry `items.list` holds {len(answers)} answers: "
            f"{', '.join(repr(text) for text in answers)}.",
            at=reply.serial,
            hint="half" if failed.said.answer in answers else None,
        )


def _was_answered(failed: FailedHalfWay) -> bool:
    stream = failed.retried.result
    return stream is not None and stream.assistant_item is not None
