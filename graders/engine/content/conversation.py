"""Conversation scripts: who does what, what the model does, what must come of it.

Must not know how a script is played. `docs/conversations.md` has every key with an example, made
from :mod:`graders.engine.content.grammar`. A short one::

    format_version: 1
    name: remembers-a-colour
    description: The second question can only be answered from the first message.
    users: [alice]                  # [user] if left out
    turns:
      - user: alice                 # the first user if left out
        thread: main                # main if left out; its first message creates it
        say: "My colour is {canary.colour}."
        model:                      # the steps of the scripted model, in order
          - call_tool: {name: save, arguments: {colour: "{canary.colour}", sure: true}}
          - say: ["I will ", "remember."]
        expect:
          text: I will remember.    # all deltas together
      - load: true                  # any other request of the protocol
        expect:
          items:                    # all messages of the thread
            - {role: user, text: "My colour is {canary.colour}."}
            - {role: assistant, text: I will remember.}

A turn has one action. The steps are those of :mod:`graders.engine.content.steps`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from graders.engine.content.actions import (
    CustomAction,
    Done,
    Json,
    Listed,
    TokenKind,
    Wait,
)
from graders.engine.content.binding import read
from graders.engine.content.canaries import Canaries, misspelt_placeholder
from graders.engine.content.expectations import Expectation, Message, WidgetExpectation
from graders.engine.content.fields import (
    ContentModel,
    Count,
    FormatVersion,
    Location,
    Name,
    Sentence,
    Slug,
    did_you_mean,
    flaw,
    not_empty,
)
from graders.engine.content.steps import Step
from graders.engine.core.text import quote

__all__ = [
    "ACTIONS",
    "OF_THE_GRADER",
    "Conversation",
    "ConversationTurn",
    "Expectation",
    "Message",
    "WidgetExpectation",
    "load_conversation",
]

MOST_TURNS = 200
"""Turns of one script, those at the same time counted one by one."""
NOBODY = "nobody"
"""In place of a user: a thread that does not exist."""

_OF_A_USER = (
    "say",
    "retry",
    "tool_output",
    "read_on",
    "list_threads",
    "load",
    "list_items",
    "rename",
    "delete",
    "feedback",
    "press",
    "act",
)
OF_THE_GRADER = ("wait", "restart", "kill", "together")
ACTIONS = (*_OF_A_USER, *OF_THE_GRADER)
"""What a turn can do; each turn does one of these."""
_WITH_MODEL = ("say", "retry", "tool_output")
_STREAMED = ("say", "retry", "tool_output", "read_on", "press", "act")
_LISTS = ("list_threads",)
_SINGLE = ("load", "rename")
_OF_ITEMS = (*_STREAMED, "load", "list_items")

# What can only be seen in the answers to some actions.
_SEEN_IN = {
    "events": _STREAMED,
    "text": _STREAMED,
    "error": _STREAMED,
    "progress": _STREAMED,
    "client_tool": _STREAMED,
    "widget": _OF_ITEMS,
    "items": _OF_ITEMS,
    "title": _SINGLE,
    "titles": _LISTS,
    "threads": _LISTS,
    "more": (*_LISTS, "list_items"),
}


def _distinct(users: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(users)) != len(users):
        raise flaw("A user is named twice.", cure="Remove one of the two.")
    return users


class ConversationTurn(ContentModel):
    """One thing that a user or the grader does, and everything that follows from it."""

    given: Sentence | None = None
    when: Sentence | None = None
    then: Sentence | None = None
    user: Name | None = None
    token: TokenKind = "good"  # noqa: S105 - a kind of token
    thread: Name = "main"
    of: Name | None = None
    say: str | None = None
    leave_after: Count | None = None
    pause_after: Count | None = None
    read_on: Done | None = None
    retry: Done | None = None
    tool_output: Json = None
    list_threads: Listed | None = None
    load: Done | None = None
    list_items: Listed | None = None
    rename: Sentence | None = None
    delete: Done | None = None
    feedback: Literal["positive", "negative"] | None = None
    press: Sentence | None = None
    act: CustomAction | None = None
    wait: Wait | None = None
    restart: Done | None = None
    kill: Done | None = None
    together: tuple[ConversationTurn, ...] = ()
    model: tuple[Step, ...] = ()
    expect: Expectation = Expectation()

    @property
    def action(self) -> str:
        """The name of what is done."""
        return next(self._actions())

    @property
    def prose(self) -> Iterator[tuple[str, str]]:
        """What the author tells of the turn, each with its word."""
        told = (("given", self.given), ("when", self.when), ("then", self.then))
        return ((word, text) for word, text in told if text is not None)

    def _actions(self) -> Iterator[str]:
        return (each for each in ACTIONS if each in self.model_fields_set and self._has(each))

    def _has(self, action: str) -> bool:
        return action == "tool_output" or getattr(self, action) not in (None, ())

    @model_validator(mode="after")
    def _one_action(self) -> ConversationTurn:
        found = list(self._actions())
        if not found:
            raise flaw(
                "`say` is missing.",
                cure="Add `say: ...`, or another action: docs/conversations.md.",
            )
        if len(found) > 1:
            raise flaw(
                f"A turn does one thing: `{found[0]}` or `{found[1]}`.",
                at=(found[1],),
                cure="Write a turn for each.",
            )
        _require_fitting(self, found[0])
        return self


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
        """Return the user who acts in this turn."""
        return turn.user or self.users[0]

    def owner(self, turn: ConversationTurn) -> str:
        """Return the user whose thread it is about."""
        return turn.of or self.speaker(turn)

    @property
    def all_turns(self) -> Iterator[tuple[Location, ConversationTurn]]:
        """Every turn with its place in the script, also those at the same time."""
        for index, turn in enumerate(self.turns):
            yield ("turns", index), turn
            for number, part in enumerate(turn.together):
                yield ("turns", index, "together", number), part

    def filled(self, canaries: Canaries) -> Conversation:
        """Return the same script with the run's words in place of the placeholders."""
        given = self.model_dump(exclude_unset=True)
        return type(self).model_validate(_fill(given, canaries))

    @model_validator(mode="after")
    def _consistent(self) -> Conversation:
        _require_bounded(self)
        for place, turn in self.all_turns:
            _require_users(self, place, turn)
        for place, text in _texts(self.model_dump(exclude_unset=True), ()):
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


def _require_fitting(turn: ConversationTurn, action: str) -> None:
    """Refuse keys that mean nothing beside this action."""
    if turn.model and action not in _WITH_MODEL:
        raise flaw(
            f"`{action}` does not ask the model.",
            at=("model",),
            cure="`model` stands beside `say`, `retry` or `tool_output`.",
        )
    for key in ("leave_after", "pause_after"):
        if getattr(turn, key) is not None and action != "say":
            raise flaw(f"`{key}` stands beside `say` only.", at=(key,), cure="Remove it.")
    if turn.leave_after and turn.pause_after:
        raise flaw("A client leaves or pauses.", at=("pause_after",), cure="Remove one of the two.")
    if action in OF_THE_GRADER:
        _require_bare(turn, action)
    for key, actions in _SEEN_IN.items():
        if key in turn.expect.model_fields_set and action not in actions:
            raise flaw(
                f"`{key}` cannot be seen in the answer to `{action}`.",
                at=("expect", key),
                cure=f"It can after: {', '.join(f'`{each}`' for each in actions)}.",
            )
    outcomes = {"status", "refused", "any_outcome", "error"} & turn.expect.model_fields_set
    if len(outcomes) > 1 and not (outcomes == {"status", "error"} and turn.expect.status == 200):
        one, other = sorted(outcomes)[:2]
        raise flaw(
            f"Only one of `{one}` and `{other}` can be expected.",
            at=("expect", other),
            cure="Remove one of the two.",
        )


def _require_bare(turn: ConversationTurn, action: str) -> None:
    for key in ("user", "token", "thread", "of", "expect"):
        if key in turn.model_fields_set:
            raise flaw(
                f"`{key}` means nothing beside `{action}`.",
                at=(key,),
                cure="Remove it; what you expect stands beside the requests that follow.",
            )
    for index, part in enumerate(turn.together):
        if part.action in OF_THE_GRADER or part.pause_after:
            raise flaw(
                "Only requests of users, read to their ends, can be sent at the same time.",
                at=("together", index),
                cure="Write it as a turn of its own, before or after.",
            )


def _require_bounded(script: Conversation) -> None:
    places = [place for place, _ in script.all_turns]
    if len(places) > MOST_TURNS:
        raise flaw(
            f"The conversation has more than {MOST_TURNS} turns.",
            at=places[MOST_TURNS],
            cure="Write several conversations, each about one thing.",
        )


def _require_users(script: Conversation, place: Location, turn: ConversationTurn) -> None:
    named = [("user", script.speaker(turn), script.users)]
    if turn.of is not None:
        named.append(("of", turn.of, (*script.users, NOBODY)))
    named += [("expect", user, script.users) for user in turn.expect.nothing_of]
    for key, user, known in named:
        if user not in known:
            below = (key, "nothing_of") if key == "expect" else (key,)
            raise flaw(
                f"There is no user `{user}`.",
                at=(*place, *below),
                cure=did_you_mean(user, known),
            )


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
