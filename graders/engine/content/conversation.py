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

The steps are those of :mod:`graders.engine.content.steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from graders.engine.content.binding import read
from graders.engine.content.canaries import Canaries, misspelt_placeholder
from graders.engine.content.fields import (
    Chunks,
    ContentModel,
    FormatVersion,
    Location,
    Name,
    Sentence,
    Slug,
    Truth,
    did_you_mean,
    flaw,
    not_empty,
)
from graders.engine.content.steps import Step
from graders.engine.core.text import quote


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


class ConversationTurn(ContentModel):
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
    users: Annotated[tuple[Name, ...], AfterValidator(not_empty), AfterValidator(_distinct)] = (
        "user",
    )
    turns: Annotated[tuple[ConversationTurn, ...], AfterValidator(not_empty)]

    def speaker(self, turn: ConversationTurn) -> str:
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
