"""What leaves the student's process for the model, as it came and as it was understood.

A call is frozen once it is read; what becomes of it stands beside it, in its :class:`CallState`.
Must not know scripts or how a call is answered. Everything in a call was written by the student's
side: it is data to be shown and compared, never trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Api = Literal["responses", "chat_completions"]
ItemKind = Literal["message", "function_call", "function_call_output", "reasoning", "other"]


@dataclass(frozen=True)
class OutgoingCall:
    """One HTTP request that left the student's process; ``id`` is unique among open calls."""

    id: int
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """Return the first value of a header, its name in any case; empty if there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


@dataclass(frozen=True)
class InputItem:
    """One item of the model's input, the same for both APIs.

    ``text`` is a message's text, a call's arguments or a tool's output. ``call_id`` and ``name``
    belong to tool calls and their outputs. ``raw`` is the item as it was sent.
    """

    kind: ItemKind
    role: str = ""
    text: str = ""
    call_id: str = ""
    name: str = ""
    raw: object = None


@dataclass
class CallState:
    """What becomes of a call; ``scripted`` alone writes it.

    ``side_purpose`` is what a side call seems to be for (``title``, ``check``, ``classification``,
    ``summary``, ``structured``, ``other``), and empty while the call carries the conversation.
    ``finished``: the whole answer was sent. ``cancelled``: the student's side gave up before that.
    """

    side_purpose: str = ""
    finished: bool = False
    cancelled: bool = False


@dataclass(frozen=True, eq=False)
class RecordedCall:
    """One call of the model, as plain data; each is only equal to itself.

    ``input`` is what the model sees: the items that were sent (``sent``), after those that
    ``previous_response_id`` or ``conversation`` stand for. ``instructions`` is the Responses API's
    field or the first system message. ``problem`` says why a call could not be read.
    """

    id: int
    api: Api
    streaming: bool = False
    model: str = ""
    instructions: str = ""
    input: Sequence[InputItem] = ()
    sent: Sequence[InputItem] = ()
    tools: Sequence[str] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    schema: Mapping[str, Any] | None = None
    previous: str = ""
    conversation: str = ""
    wants_usage: bool = False
    retry: bool = False
    problem: str = ""
    state: CallState = field(default_factory=CallState)

    @property
    def side(self) -> bool:
        """Whether the call does not carry the conversation."""
        return bool(self.state.side_purpose)

    @property
    def purpose(self) -> str:
        """What the call is for: ``conversation``, a side call's purpose, or ``unreadable``."""
        return "unreadable" if self.problem else self.state.side_purpose or "conversation"

    @property
    def cancelled(self) -> bool:
        """Whether the student's side gave up before the answer was complete."""
        return self.state.cancelled

    def text_of(self, role: str) -> str:
        """Return all text of one role, items joined by a newline.

        ``system`` includes instructions.
        """
        texts = [item.text for item in self.input if item.role == role]
        if role == "system" and self.instructions:
            texts.insert(0, self.instructions)
        return "\n".join(texts)

    def contains(self, text: str) -> bool:
        """Return whether the text reached the model anywhere, also inside JSON."""
        forms = (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        places = [self.instructions, *(item.text for item in self.input)]
        return any(form in place for place in places for form in forms)

    @property
    def user_texts(self) -> list[str]:
        """The texts of the user's messages, in order."""
        return [item.text for item in self.input if item.kind == "message" and item.role == "user"]

    @property
    def outputs(self) -> list[str]:
        """The ids of the tool calls whose outputs are in the input, in order."""
        return [item.call_id for item in self.input if item.kind == "function_call_output"]

    @property
    def json(self) -> str:
        """The request's body, indented, for a person to read."""
        return json.dumps(self.raw, indent=2, ensure_ascii=False)
