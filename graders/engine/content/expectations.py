"""What a conversation script expects of one turn.

Must not know how it is checked. Whatever is left out is not checked, but for two things: that the
server answers with status 200, and that no `error` event comes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from graders.engine.content.actions import Done
from graders.engine.content.fields import (
    Chunks,
    ContentModel,
    Name,
    Sentence,
    Truth,
    WholeNumber,
    did_you_mean,
    flaw,
)

EVENTS = (
    "thread.created",
    "thread.updated",
    "thread.item.added",
    "thread.item.updated",
    "thread.item.done",
    "thread.item.removed",
    "thread.item.replaced",
    "stream_options",
    "progress_update",
    "client_effect",
    "error",
    "notice",
)
"""The events of the protocol. What stands behind a slash says more of one, and is not checked."""


def _known_event(text: str) -> str:
    name = text.partition("/")[0]
    if name not in EVENTS:
        raise flaw(f"There is no event `{name[:100]}`.", cure=did_you_mean(name, EVENTS))
    return text


EventName = Annotated[Sentence, AfterValidator(_known_event)]


class Message(ContentModel):
    """A message of a thread as the client sees it."""

    role: Literal["user", "assistant"]
    text: str


class WidgetExpectation(ContentModel):
    """What a widget shows, and the texts beside its buttons."""

    shows: Chunks = ()
    hides: Chunks = ()
    buttons: tuple[Sentence, ...] | None = None


class Expectation(ContentModel):
    """What must be seen after one turn."""

    status: Annotated[WholeNumber, Field(ge=100, le=599)] | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    refused: Done | None = None
    any_outcome: Done | None = None
    nothing_of: tuple[Name, ...] = ()
    events: tuple[EventName, ...] = ()
    text: str | None = None
    error: Truth = False
    progress: Done | None = None
    client_tool: Sentence | None = None
    widget: WidgetExpectation | None = None
    model_saw: Chunks = ()
    model_did_not_see: Chunks = ()
    model_asked: Truth | None = None
    items: tuple[Message, ...] | None = None
    title: str | None = None
    titles: tuple[str, ...] | None = None
    threads: tuple[Name, ...] | None = None
    more: Truth | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is expected, beside that the server answers."""
        return self == Expectation()
