"""What leaves the student's process for the model, as it came and as it was understood.

Must not know scripts or how a call is answered. Everything in a call was written by the student's
side: it is data to be shown and compared, never trusted.
"""

from __future__ import annotations

import json
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


@dataclass(eq=False)
class RecordedCall:
    """One call of the model, as plain data.

    ``input`` is what the model sees: the items that were sent (``sent``), after those that
    ``previous_response_id`` or ``conversation`` stand for. ``instructions`` is the Responses API's
    field or the first system message. ``side`` says that the call does not carry the conversation;
    ``purpose`` is ``conversation``, or what a side call seems to be for (``title``, ``check``,
    ``classification``, ``summary``, ``structured``, ``other``), or ``unreadable`` with the reason
    in ``problem``. ``cancelled``: the student's side gave up before the answer was complete.
    """

    id: int
    api: Api
    streaming: bool = False
    model: str = ""
    instructions: str = ""
    input: list[InputItem] = field(default_factory=list)
    sent: list[InputItem] = field(default_factory=list)
    tools: list[str] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    key: str = ""
    schema: dict[str, Any] | None = None
    previous: str = ""
    conversation: str = ""
    wants_usage: bool = False
    retry: bool = False
    side: bool = False
    purpose: str = "conversation"
    problem: str = ""
    cancelled: bool = False
    finished: bool = False

    def text_of(self, role: str) -> str:
        """All text of one role, items joined by a newline; ``system`` includes instructions."""
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
