"""The sequences of ``lifecycle.yaml`` against what the installed SDK really sends."""

from __future__ import annotations

from collections.abc import Sequence

from graders.engine.harness import Finding, criterion, expect, found
from graders.lesson01.lifecycle import Conversations, Pair, aligned, folded, is_known, share_of
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


def compare(written: Sequence[str], sent: Sequence[str]) -> None:
    """Raise a finding that shows both sequences side by side, unless they are equal."""
    steps = folded(written)
    if not steps:
        found("You have not written this conversation yet.", hint="empty")
    pairs = aligned(steps, sent)
    right, of = share_of(pairs, steps, sent)
    if right == of:
        return
    raise Finding(
        f"{right} of {of} steps are right:\n{drawn(pairs)}\n"
        "`+` is a step that you left out, `-` one that does not come there.",
        hint="unknown" if not all(is_known(step) for step in steps) else None,
        share=(right, of),
    )


def drawn(pairs: Sequence[Pair]) -> str:
    """Draw an alignment, one step a line."""
    return "\n".join(_line(pair) for pair in pairs)


def _line(pair: Pair) -> str:
    if pair.sent is None:
        unknown = "" if is_known(pair.written or "") else "   (no event of ChatKit)"
        return f"- {(pair.written or '')[:70]}{unknown}"
    return f"{' ' if pair.written else '+'} {pair.sent}"
