"""Which event may come where: three small tables, in which a missing entry *is* the violation.

A stream as a whole, each assistant message in it and each content part of such a message go
through states of their own; a table says for each state which label leads to which state next.
The rules are what openai-chatkit 1.6 really emits (``chatkit/server.py``, ``chatkit/agents.py``),
which a test plays for real, and what lesson02 asks.

Labels that no table knows (types that the SDK does not have) are nobody's business here.

Must not know how events are walked through; pure data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

END = "the end of the stream"
"""Stands in the tables for the stream's end, as if it were one more event."""

CREATED = "thread.created"
ERROR = "error"
THREAD_UPDATED = "thread.updated"
REMOVED = "thread.item.removed"
USER_DONE = "thread.item.done/user_message"
MESSAGE_ADDED = "thread.item.added/assistant_message"
MESSAGE_DONE = "thread.item.done/assistant_message"
MESSAGE_REPLACED = "thread.item.replaced/assistant_message"
PART_PREFIX = "thread.item.updated/assistant_message.content_part."
PART_ADDED = f"{PART_PREFIX}added"
TEXT_DELTA = f"{PART_PREFIX}text_delta"
ANNOTATION_ADDED = f"{PART_PREFIX}annotation_added"
PART_DONE = f"{PART_PREFIX}done"
PART_UPDATES = (PART_ADDED, TEXT_DELTA, ANNOTATION_ADDED, PART_DONE)

ANY_TIME = (THREAD_UPDATED, "stream_options", "progress_update", "client_effect", "notice")
"""Events that change nothing about what may come next."""

ANSWER_ITEMS = (
    "assistant_message",
    "client_tool_call",
    "widget",
    "generated_image",
    "structured_input",
    "workflow",
    "task",
    "end_of_turn",
    "hidden_context_item",
    "sdk_hidden_context",
)
"""Items that an answer may consist of. That hidden ones must not be shown is another matter."""

OTHER_UPDATES = (
    "widget.streaming_text.value_delta",
    "widget.root.updated",
    "widget.component.updated",
    "workflow.task.added",
    "workflow.task.updated",
    "generated_image.updated",
)
"""Updates of items other than messages; the item may also come from an earlier turn."""


@dataclass(frozen=True, slots=True)
class State:
    """One state: ``place`` says in a sentence where we are, ``usual`` what a good server sends."""

    place: str
    usual: tuple[str, ...]
    next: Mapping[str, str]


Table = Mapping[str, State]

_ANSWER = (
    *(f"thread.item.{verb}/{item}" for verb in ("added", "done") for item in ANSWER_ITEMS),
    *(f"thread.item.replaced/{item}" for item in (*ANSWER_ITEMS, "user_message")),
    *(f"thread.item.updated/{update}" for update in OTHER_UPDATES),
    *PART_UPDATES,
    REMOVED,
    END,
)


def _stay(state: str, labels: tuple[str, ...] = ANY_TIME) -> dict[str, str]:
    return dict.fromkeys(labels, state)


STREAM: Table = {
    "new thread": State(
        "before `thread.created`",
        (CREATED,),
        {CREATED: "thread created", ERROR: "failed"},
    ),
    "thread created": State(
        "before the user's message was confirmed",
        (USER_DONE,),
        {**_stay("thread created"), USER_DONE: "answering", ERROR: "failed"},
    ),
    "follow-up": State(
        "before the user's message was confirmed",
        (USER_DONE,),
        {**_stay("follow-up"), USER_DONE: "answering", ERROR: "failed"},
    ),
    "answering": State(
        "after the user's message was confirmed",
        ("an item of the answer", END),
        {**_stay("answering", (*ANY_TIME, *_ANSWER)), ERROR: "failed"},
    ),
    "failed": State(
        "after `error`",
        (END,),
        {THREAD_UPDATED: "failed", END: "failed"},
    ),
}

MESSAGE: Table = {
    "unknown": State(
        "before {it} was announced",
        (MESSAGE_ADDED,),
        {
            MESSAGE_ADDED: "announced",
            # An item of an earlier turn may be replaced or removed.
            MESSAGE_REPLACED: "done",
            REMOVED: "removed",
        },
    ),
    "announced": State(
        "before any text of {it} was streamed",
        (PART_ADDED, TEXT_DELTA),
        {
            PART_ADDED: "announced",
            ANNOTATION_ADDED: "announced",
            TEXT_DELTA: "streaming",
            PART_DONE: "announced",
            MESSAGE_REPLACED: "done",
            REMOVED: "removed",
        },
    ),
    "streaming": State(
        "while the text of {it} was being streamed",
        (TEXT_DELTA, PART_DONE, MESSAGE_DONE),
        {
            **_stay("streaming", PART_UPDATES),
            MESSAGE_DONE: "done",
            MESSAGE_REPLACED: "done",
            REMOVED: "removed",
        },
    ),
    "done": State(
        "after {it} was done",
        (END,),
        {MESSAGE_REPLACED: "done", REMOVED: "removed", END: "done"},
    ),
    "removed": State(
        "after {it} was removed",
        (END,),
        {END: "removed"},
    ),
}
"""An assistant message whose text must be streamed."""


def _also(table: Table, extra: Mapping[str, Mapping[str, str]]) -> Table:
    return {
        name: State(state.place, state.usual, {**state.next, **extra.get(name, {})})
        for name, state in table.items()
    }


WHOLE_MESSAGE: Table = _also(
    MESSAGE, {"unknown": {MESSAGE_DONE: "done"}, "announced": {MESSAGE_DONE: "done"}}
)
"""The same, for a message that may also come whole."""

CLOSED_PART: Table = {
    "unknown": State(
        "before {it} was announced",
        (PART_ADDED,),
        {PART_ADDED: "open"},
    ),
    "open": State(
        "before any text of {it} was streamed",
        (TEXT_DELTA, PART_DONE),
        {
            PART_ADDED: "open",
            ANNOTATION_ADDED: "open",
            TEXT_DELTA: "growing",
            PART_DONE: "closed",
        },
    ),
    "growing": State(
        "while {it} was being streamed",
        (TEXT_DELTA, PART_DONE),
        {TEXT_DELTA: "growing", ANNOTATION_ADDED: "growing", PART_DONE: "closed"},
    ),
    "closed": State(
        "after {it} was done",
        (MESSAGE_DONE,),
        # Closing a part twice changes nothing for a client, so it is let pass.
        {ANNOTATION_ADDED: "closed", PART_DONE: "closed", MESSAGE_DONE: "closed"},
    ),
}
"""A content part that must be closed before its message is done."""

PART: Table = _also(
    CLOSED_PART, {"open": {MESSAGE_DONE: "closed"}, "growing": {MESSAGE_DONE: "closed"}}
)
"""The same without that duty: over Chat Completions the real SDK never closes a part."""

FIRST_STATE = {"create": "new thread", "follow_up": "follow-up", "resumed": "answering"}
"""Where a stream begins, by the kind of the request."""

KNOWN_LABELS = frozenset(
    {CREATED, ERROR, USER_DONE, "thread.item.added/user_message", *ANY_TIME, *_ANSWER}
) - {END}
"""Every label that some table has an opinion about."""

WHY: Mapping[tuple[str, str], str] = {
    ("thread created", CREATED): "A stream creates at most one thread, at its beginning.",
    ("follow-up", CREATED): "A follow-up goes on in its thread, so no thread is created.",
    ("answering", CREATED): "A stream creates at most one thread, at its beginning.",
    ("answering", USER_DONE): "The user's message is confirmed once, by ChatKitServer itself.",
    ("announced", MESSAGE_DONE): "The whole answer came at once instead of piece by piece.",
    ("unknown", MESSAGE_DONE): "The whole answer came at once instead of piece by piece.",
    ("unknown", TEXT_DELTA): "An update must name an id, and a part, that was announced before.",
    (
        "done",
        MESSAGE_ADDED,
    ): "Each message needs an id of its own, or a store overwrites the first.",
    ("streaming", END): "A message that is never done is not stored.",
    ("announced", END): "A message that is never done is not stored.",
}
"""For a state and a label that does not belong there: what a student should know about it."""
