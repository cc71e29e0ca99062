"""Sequences of events as students write them in ``lifecycle.yaml``, and how near two of them are.

Must not know what really happens: that is what a reference server sends. A file::

    format_version: 1
    conversations:
      first_message:
        - thread.created
        - thread.item.done user_message
      follow_up: []
      progress: []

A step is an event and, after it, what it is about. Many spellings mean the same: see
:func:`step_named`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, takewhile
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BeforeValidator

from graders.engine.content.binding import read
from graders.engine.content.fields import ContentModel, FormatVersion, flaw
from graders.engine.harness import Finding, found

MAX_BYTES = 50_000
MAX_STEPS = 60
UPDATED = "thread.item.updated"
_WITH_ITEM = ("thread.item.added", "thread.item.done", "thread.item.replaced")
_ALONE = (
    *("thread.created", "thread.updated", "thread.item.removed", "stream_options"),
    *("progress_update", "client_effect", "error", "notice"),
)
_UPDATES = {
    "added": "content_part.added",
    "textdelta": "text_delta",
    "delta": "text_delta",
    "done": "content_part.done",
}


_UPDATE = re.compile("(assistantmessage)?contentpart|textdelta")


def _squashed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


_EVENTS = {_squashed(name): name for name in (UPDATED, *_WITH_ITEM, *_ALONE)}
_ITEMS = {
    "user": "user_message",
    "assistant": "assistant_message",
    "usermessage": "user_message",
    "assistantmessage": "assistant_message",
}


def step_named(text: str) -> str:
    """Return a step in the one spelling in which steps are compared.

    Capitals, dots, underscores and hyphens make no difference, nor does what separates event and
    item. The SDK's class names mean their events. An unknown name stays as it is.
    """
    plain = " ".join(text.split())
    event, _, rest = re.sub(r"[\s/,:;()|>]+", " ", plain).strip().partition(" ")
    name = _EVENTS.get(_squashed(event).removesuffix("event"))
    if name is None:
        update = _update(event) if _UPDATE.match(_squashed(event)) else ""
        return f"{UPDATED} {update}" if update in _UPDATES.values() else plain
    if name in _ALONE:
        return name
    item = _update(rest) if name == UPDATED else _item(rest)
    return f"{name} {item}".strip()


def _update(text: str) -> str:
    """Return what an update changes: ``text_delta`` for all longer names of it."""
    short = re.sub(r"^(assistant(message)?)?(content)?(part)?", "", _squashed(text))
    return _UPDATES.get(short, text.strip())


def _item(text: str) -> str:
    return _ITEMS.get(_squashed(text).removesuffix("item"), text.strip())


def is_known(step: str) -> bool:
    """Return whether the step's event is one of ChatKit's."""
    return step.partition(" ")[0] in _EVENTS.values()


def folded(steps: Iterable[str]) -> list[str]:
    """Return the steps with each run of text deltas as one."""
    return [
        step
        for name, run in groupby(steps)
        for step in ([name] if name == f"{UPDATED} text_delta" else run)
    ]


def _as_text(value: object) -> object:
    """Accept ``event: item`` and ``{event: ..., item: ...}`` in the place of a text."""
    if isinstance(value, str):
        return value
    parts = list(value.items()) if isinstance(value, dict) else []
    match parts:
        case [("event", str(event))]:
            return event
        case [("event", str(event)), ("item", str(item))] | [(str(event), str(item))]:
            return f"{event} {item}"
    raise flaw("A step is one event and one item.", cure="Write `thread.item.done user_message`.")


def _not_too_many(steps: tuple[str, ...]) -> tuple[str, ...]:
    if len(steps) > MAX_STEPS:
        raise flaw(f"More than {MAX_STEPS} steps.", cure="A run of text deltas counts once.")
    return steps


StepText = Annotated[str, BeforeValidator(_as_text), AfterValidator(step_named)]
Steps = Annotated[tuple[StepText, ...], AfterValidator(_not_too_many)]


class Conversations(ContentModel):
    """What the student wrote for each conversation; empty where nothing was written yet."""

    first_message: Steps = ()
    follow_up: Steps = ()
    progress: Steps = ()


class Lifecycle(ContentModel):
    """A ``lifecycle.yaml``."""

    format_version: FormatVersion
    conversations: Conversations


def load_lifecycle(path: Path) -> Conversations:
    """Read a ``lifecycle.yaml``; whatever is wrong is a ContentError with its line."""
    return read(path, Lifecycle, max_bytes=MAX_BYTES).conversations


class Pair(NamedTuple):
    """A place of an alignment; ``None`` where one of the two sequences has nothing."""

    written: str | None
    sent: str | None


def aligned(written: Sequence[str], sent: Sequence[str]) -> list[Pair]:
    """Lay two sequences side by side so that as many steps as possible are in pairs."""
    return list(_walked(written, sent, _common(written, sent)))


def _common(written: Sequence[str], sent: Sequence[str]) -> list[list[int]]:
    """Return the lengths of the longest common subsequences of all the ends of both."""
    best = [[0] * (len(sent) + 1) for _ in range(len(written) + 1)]
    for i in reversed(range(len(written))):
        for j in reversed(range(len(sent))):
            same = written[i] == sent[j]
            best[i][j] = best[i + 1][j + 1] + 1 if same else max(best[i + 1][j], best[i][j + 1])
    return best


def _walked(
    written: Sequence[str], sent: Sequence[str], best: Sequence[Sequence[int]]
) -> Iterator[Pair]:
    i = j = 0
    while i < len(written) and j < len(sent):
        if written[i] == sent[j]:
            yield Pair(written[i], sent[j])
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            yield Pair(written[i], None)
            i += 1
        else:
            yield Pair(None, sent[j])
            j += 1
    yield from (Pair(step, None) for step in written[i:])
    yield from (Pair(None, step) for step in sent[j:])


def share_of(pairs: Sequence[Pair], written: Sequence[str], sent: Sequence[str]) -> tuple[int, int]:
    """Return how much is right: the pairs, of the steps in the longer of the two sequences.

    So a step too many costs as much as one that is missing.
    """
    right = sum(pair.written == pair.sent for pair in pairs)
    return right, max(len(written), len(sent), 1)


def compare(written: Sequence[str], sent: Sequence[str]) -> None:
    """Raise a finding that says how much is right and where it first differs, unless all is right.

    It names no step that the student has not written: who copies what comes learns nothing.
    """
    steps = folded(written)
    if not steps:
        found("You have not written this conversation yet.", hint="empty")
    pairs = aligned(steps, sent)
    right, of = share_of(pairs, steps, sent)
    if right == of:
        return
    raise Finding(
        f"{right} of {of} steps are right. {first_deviation(pairs)}",
        hint="unknown" if not all(is_known(step) for step in steps) else None,
        share=(right, of),
    )


def first_deviation(pairs: Sequence[Pair]) -> str:
    """Say where an alignment first differs, in the student's own steps."""
    same = list(takewhile(lambda pair: pair.written == pair.sent, pairs))
    rest = [pair.written for pair in pairs[len(same) :] if pair.written is not None]
    begin = f"The first {len(same)} are. " if len(same) > 1 else ""
    if pairs[len(same)].sent is None:
        unknown = "" if is_known(rest[0]) else " (it is no event of ChatKit)"
        return f"{begin}Step {len(same) + 1}, `{rest[0][:70]}`, does not come there{unknown}."
    if rest:
        return f"{begin}Before step {len(same) + 1}, `{rest[0][:70]}`, something is missing."
    return f"{begin}After your last step something is missing."
