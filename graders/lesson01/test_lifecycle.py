"""The sequences of ``lifecycle.yaml`` against what the installed SDK really sends."""

from __future__ import annotations

from graders.engine.harness import criterion, expect
from graders.lesson01.lifecycle import Conversations, compare
from graders.lesson01.scenarios import Lifecycles


@criterion("lifecycle-file")
def test_lifecycle_can_be_read(written: Conversations) -> None:
    expect(
        bool(written.first_message or written.follow_up or written.progress),
        "`lifecycle.yaml` holds no step yet.",
        hint="empty",
    )


@criterion("lifecycle-first-message")
def test_first_message(written: Conversations, sent: Lifecycles) -> None:
    compare(written.first_message, sent.first_message)


@criterion("lifecycle-follow-up")
def test_follow_up(written: Conversations, sent: Lifecycles) -> None:
    compare(written.follow_up, sent.follow_up)


@criterion("lifecycle-progress")
def test_progress(written: Conversations, sent: Lifecycles) -> None:
    compare(written.progress, sent.progress)
