"""The steps of the scripted model as a conversation script writes them.

Must not know how they are played. Each is one key:

- ``say``: a text, or a list of chunks
- ``hold``: chunks of which each waits until the client has received the one before
- ``call_tool``: ``name``, ``arguments``, ``malformed``
- ``reason``: a text
- ``fail``: ``status``, ``code``, ``message``, and ``after``, the chunks that come before it
- ``drop``: ``true``, or ``after`` with the chunks that come before the connection breaks

``arguments`` are read as JSON would be: a number, ``true`` or ``null`` without quotes is one.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, Tag

from graders.engine.content.fields import (
    Arguments,
    Chunks,
    ContentModel,
    Sentence,
    Truth,
    WholeNumber,
    did_you_mean,
    flaw,
)
from graders.engine.content.nodes import PlainText
from graders.engine.core.text import quote


class ScriptedToolCall(ContentModel):
    """A call of one of the agent's tools; ``malformed`` sends arguments that are not JSON."""

    name: Sentence
    arguments: Arguments = Field(default_factory=dict)
    malformed: Truth = False


class Failure(ContentModel):
    """An HTTP error of the model; with ``after`` it comes in the stream, after those chunks."""

    status: Annotated[WholeNumber, Field(ge=400, le=599)] = 500
    code: str | None = None
    message: str = "The model failed."
    after: Chunks = ()


class BrokenConnection(ContentModel):
    """The connection breaks, after these chunks."""

    after: Chunks = ()


class SayStep(ContentModel):
    """The model says these chunks, one after the other."""

    say: Chunks


class HoldStep(ContentModel):
    """The model says these chunks, each only when the client has received the one before."""

    hold: Chunks


class CallToolStep(ContentModel):
    """The model calls a tool."""

    call_tool: ScriptedToolCall


class ReasonStep(ContentModel):
    """The model thinks aloud; this is not part of its answer."""

    reason: str


class FailStep(ContentModel):
    """The model answers with an error."""

    fail: Failure


def _shorthand_drop(value: object) -> object:
    return {} if value is True or (isinstance(value, PlainText) and value == "true") else value


class DropStep(ContentModel):
    """The connection to the model breaks."""

    drop: Annotated[BrokenConnection, BeforeValidator(_shorthand_drop)]


STEP_KINDS: dict[str, type[ContentModel]] = {
    "say": SayStep,
    "hold": HoldStep,
    "call_tool": CallToolStep,
    "reason": ReasonStep,
    "fail": FailStep,
    "drop": DropStep,
}


def _one_key(value: object) -> object:
    """Refuse what is not one step, before pydantic gives a message about unions."""
    if not isinstance(value, dict) or len(value) != 1:
        raise flaw(
            "A step has exactly one key.",
            cure="Write a line of its own for each, such as `- say: Hello`.",
        )
    (key,) = value
    if key not in STEP_KINDS:
        cure = did_you_mean(key, STEP_KINDS)
        raise flaw(f"`{quote(key)}` is not a step.", at=(key,), cure=cure)
    return value


def _kind_of(value: dict[str, object] | ContentModel) -> str:
    keys = value if isinstance(value, dict) else type(value).model_fields
    return f"step {next(iter(keys))}"


Step = Annotated[
    Annotated[SayStep, Tag("step say")]
    | Annotated[HoldStep, Tag("step hold")]
    | Annotated[CallToolStep, Tag("step call_tool")]
    | Annotated[ReasonStep, Tag("step reason")]
    | Annotated[FailStep, Tag("step fail")]
    | Annotated[DropStep, Tag("step drop")],
    Discriminator(_kind_of),
    BeforeValidator(_one_key),
]
