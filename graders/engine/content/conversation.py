"""Conversation scripts: who says what, what the model does, what must come of it.

Must not know how a script is played. The format, with every key::

    format_version: 1
    name: remembers-a-colour
    description: The second question can only be answered from the first message.
    users: [alice]                  # [user] if left out
    turns:
      - user: alice                 # the first user if left out
        thread: main                # main if left out; its first turn creates it
        say: "My colour is {canary.colour}."
        model:                      # the steps of the scripted model, in order
          - call_tool: {name: save, arguments: {colour: "{canary.colour}", sure: true}}
          - say: ["I will ", "remember."]
        expect:
          events: [thread.created, thread.item.done]    # these, in this order; others between
          text: I will remember.                        # all deltas together
          error: false                                  # whether an error event comes
          model_saw: ["{canary.colour}"]                # in the requests of this turn
          model_did_not_see: ["{canary.other}"]
          items:                                        # all messages of the thread afterwards
            - {role: user, text: "My colour is {canary.colour}."}
            - {role: assistant, text: I will remember.}

Steps: ``say`` (a text or a list of chunks), ``hold`` (chunks of which each waits until the client
has received the one before), ``call_tool`` (``name``, ``arguments``, ``malformed``), ``reason`` (a
text), ``fail`` (``status``, ``code``, ``message``, ``after``), ``drop`` (``true``, or ``after``
with the chunks that come before the connection breaks). ``arguments`` are read as JSON would be:
a number, ``true`` or ``null`` without quotes is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from graders.engine.content.binding import read
from graders.engine.content.canaries import Canaries, misspelt_placeholder
from graders.engine.content.fields import (
    Arguments,
    Chunks,
    ContentModel,
    FormatVersion,
    Location,
    Name,
    Sentence,
    Slug,
    Truth,
    WholeNumber,
    did_you_mean,
    flaw,
)
from graders.engine.content.nodes import Plain
from graders.engine.core.text import quote


class ToolCall(ContentModel):
    """A call of one of the agent's tools; ``malformed`` sends arguments that are not JSON."""

    name: Annotated[str, Field(min_length=1)]
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


class Say(ContentModel):
    """The model says these chunks, one after the other."""

    say: Chunks


class Hold(ContentModel):
    """The model says these chunks, each only when the client has received the one before."""

    hold: Chunks


class CallTool(ContentModel):
    """The model calls a tool."""

    call_tool: ToolCall


class Reason(ContentModel):
    """The model thinks aloud; this is not part of its answer."""

    reason: str


class Fail(ContentModel):
    """The model answers with an error."""

    fail: Failure


def _shorthand_drop(value: object) -> object:
    return {} if value is True or (isinstance(value, Plain) and value == "true") else value


class Drop(ContentModel):
    """The connection to the model breaks."""

    drop: Annotated[BrokenConnection, BeforeValidator(_shorthand_drop)]


STEP_KINDS: dict[str, type[ContentModel]] = {
    "say": Say,
    "hold": Hold,
    "call_tool": CallTool,
    "reason": Reason,
    "fail": Fail,
    "drop": Drop,
}


def _one_key(value: object) -> object:
    """Refuse what is not one step, before pydantic gives a message about unions."""
    if isinstance(value, ContentModel):
        return value
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


def _kind_of(value: object) -> str:
    key = next(iter(value if isinstance(value, dict) else type(value).model_fields))  # type: ignore[attr-defined]
    return f"step {key}"


Step = Annotated[
    Annotated[Say, Tag("step say")]
    | Annotated[Hold, Tag("step hold")]
    | Annotated[CallTool, Tag("step call_tool")]
    | Annotated[Reason, Tag("step reason")]
    | Annotated[Fail, Tag("step fail")]
    | Annotated[Drop, Tag("step drop")],
    Discriminator(_kind_of),
    BeforeValidator(_one_key),
]


class Message(ContentModel):
    """A message of a thread as the client sees it."""

    role: Literal["user", "assistant"]
    text: str


class Expectation(ContentModel):
    """What must be seen; whatever is left out is not checked, but for an unexpected error."""

    events: tuple[Sentence, ...] = ()
    text: str | None = None
    error: Truth = False
    model_saw: Chunks = ()
    model_did_not_see: Chunks = ()
    items: tuple[Message, ...] | None = None


class Turn(ContentModel):
    """One user message and everything that follows from it."""

    user: Name | None = None
    thread: Name = "main"
    say: str
    model: tuple[Step, ...] = ()
    expect: Expectation = Expectation()


def _distinct(users: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(users)) != len(users):
        raise flaw("A user is named twice.", cure="Remove one of the two.")
    return users


class Conversation(ContentModel):
    """A script; see the module's text for the format."""

    format_version: FormatVersion
    name: Slug
    description: Sentence
    users: Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(_distinct)] = ("user",)
    turns: Annotated[tuple[Turn, ...], Field(min_length=1)]

    def speaker(self, turn: Turn) -> str:
        """Return the user who says this turn."""
        return turn.user or self.users[0]

    def filled(self, canaries: Canaries) -> Conversation:
        """Return the same script with the run's words in place of the placeholders."""
        return Conversation.model_validate(_fill(self.model_dump(), canaries))

    @model_validator(mode="after")
    def _consistent(self) -> Conversation:
        for index, turn in enumerate(self.turns):
            if self.speaker(turn) not in self.users:
                raise flaw(
                    f"There is no user `{turn.user}`.",
                    at=("turns", index, "user"),
                    cure=did_you_mean(self.speaker(turn), self.users),
                )
        for place, text in _texts(self.model_dump(), ()):
            if wrong := misspelt_placeholder(text):
                raise flaw(
                    f"`{quote(wrong)}` is not a placeholder.",
                    at=place,
                    cure="Write `{canary.name}`, the name in small letters.",
                )
        return self


def load_conversation(path: Path) -> Conversation:
    """Read a conversation script."""
    return read(path, Conversation)


def _fill(value: object, canaries: Canaries) -> object:
    match value:
        case str():
            return canaries.fill(value)
        case dict():
            return {key: _fill(item, canaries) for key, item in value.items()}
        case list() | tuple():
            return [_fill(item, canaries) for item in value]
        case _:
            return value


def _texts(value: object, place: Location) -> Iterator[tuple[Location, str]]:
    """Yield every text within ``value`` with the place where it stands."""
    match value:
        case str():
            yield place, value
        case dict():
            for key, item in value.items():
                yield from _texts(item, (*place, key))
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _texts(item, (*place, index))
