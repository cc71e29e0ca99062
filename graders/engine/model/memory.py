"""What the model's provider remembers: answers by id, and conversations by id.

A request with ``previous_response_id`` or ``conversation`` carries only what is new; the model
sees the rest as well, so it belongs to a recorded call's input. Must not know scripts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from graders.engine.model.calls import InputItem, RecordedCall
from graders.engine.model.reading import MAX_ITEMS


@dataclass
class Memory:
    """The items that each answer and each conversation stand for."""

    _responses: dict[str, tuple[InputItem, ...]] = field(default_factory=dict)
    _conversations: dict[str, tuple[InputItem, ...]] = field(default_factory=dict)

    def complete(self, call: RecordedCall) -> RecordedCall:
        """Return a call with what was sent after what it stands on.

        An unknown id stands for nothing.
        """
        before = self._responses.get(call.previous, ())
        if call.conversation:
            before = self._conversations.get(call.conversation, ())
        return replace(call, input=[*before, *call.sent][-MAX_ITEMS:])

    def keep(self, call: RecordedCall, answer_id: str, output: list[InputItem]) -> None:
        """Remember a call with its answer."""
        items = (*call.input, *output)
        self._responses[answer_id] = items
        if call.conversation:
            self._conversations[call.conversation] = items
