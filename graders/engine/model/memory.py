"""What the model's provider remembers: responses, conversations, and what compactions stand for.

A request with ``previous_response_id`` or ``conversation``, or one that refers to an item, carries
only what is new. The model sees the rest as well, so it belongs to a recorded call's input. Must
not know scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from graders.engine.model.answer import Answer
from graders.engine.model.calls import InputItem, RecordedCall
from graders.engine.model.ids import Ids
from graders.engine.model.reading import MAX_ITEMS, responses_items
from graders.engine.model.responses_api import output_items
from graders.engine.model.stored_items import StoredItem, is_item, stored_items

KEPT_ITEMS = 48
"""Items that a conversation keeps, the newest: its provider, not the server, must bound it."""
COMPACTED_ITEMS = 20
"""Items that a compaction stands for, the newest: it is shorter than what it takes the place of."""


@dataclass(frozen=True)
class StoredResponse:
    """One answer of the Responses API; ``seen`` ends with it, ``before`` is what it answers."""

    answer: Answer
    seen: Sequence[InputItem]
    before: Sequence[InputItem]


@dataclass
class StoredConversation:
    """A conversation at the provider."""

    id: str
    metadata: object = field(default_factory=dict)
    items: list[StoredItem] = field(default_factory=list)


class Memory:
    """Responses and conversations by id."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.responses: dict[str, StoredResponse] = {}
        self.conversations: dict[str, StoredConversation] = {}
        self._items: dict[str, InputItem] = {}
        self._listed: tuple[str, list[StoredItem]] | None = None
        self._compactions: dict[str, Sequence[InputItem]] = {}

    def complete(self, call: RecordedCall) -> RecordedCall:
        """Return a call with what was sent after what it stands on.

        An unknown id stands for nothing.
        """
        before: Sequence[InputItem] = ()
        if call.conversation in self.conversations:
            before = responses_items(self.conversations[call.conversation].items)
        elif call.previous in self.responses:
            before = self.responses[call.previous].seen
        seen = self._expanded([*before, *call.sent])
        return replace(call, input=seen[-MAX_ITEMS:])

    def keep(self, call: RecordedCall, answer: Answer) -> None:
        """Remember a call with its answer."""
        output = output_items(answer)
        if call.conversation:
            conversation = self.conversations.setdefault(
                call.conversation, StoredConversation(call.conversation)
            )
            self.add(conversation, [*_raw_items(call.sent), *output])
        if call.api == "responses" and call.raw.get("store") is not False:
            seen = (*call.input, *responses_items(output))
            self.responses[answer.id] = StoredResponse(answer, seen, call.input)
            self._know(output)

    def add(self, conversation: StoredConversation, given: Sequence[object]) -> list[StoredItem]:
        """Add items at the end of a conversation; return them as they are stored."""
        added = stored_items(given, self._ids, {item["id"] for item in conversation.items})
        conversation.items = [*conversation.items, *added][-KEPT_ITEMS:]
        self._know(added)
        return added

    def input_items(self, response: StoredResponse) -> list[StoredItem]:
        """Return what a response answers, as it is stored.

        Only those of the response that was asked for last are kept: each is a copy of all before.
        """
        if self._listed is None or self._listed[0] != response.answer.id:
            items = stored_items(_raw_items(response.before), self._ids)
            self._listed = (response.answer.id, items)
        return self._listed[1]

    def compact(self, seen: Sequence[InputItem]) -> list[StoredItem]:
        """Return the short form of what the model has seen: the user's messages, one item more."""
        kept = seen[-COMPACTED_ITEMS:]
        token = self._ids.fresh("compacted-")
        self._compactions[token] = kept
        users = _raw_items([item for item in kept if _is_of_user(item)])
        return stored_items([*users, {"type": "compaction", "encrypted_content": token}], self._ids)

    def _expanded(self, items: Sequence[InputItem]) -> list[InputItem]:
        """Put in place of each reference and each compaction what it stands for."""
        seen: list[InputItem] = []
        for item in items:
            raw = item.raw if isinstance(item.raw, dict) else {}
            if raw.get("type") == "item_reference":
                seen.append(self._items.get(_text(raw.get("id")), item))
            elif raw.get("type") == "compaction":
                token = _text(raw.get("encrypted_content"))
                _put_back(seen, self._compactions.get(token, (item,)))
            else:
                seen.append(item)
        return seen

    def _know(self, items: Sequence[StoredItem]) -> None:
        """Remember items by id, for those that refer to them."""
        self._items |= {item["id"]: responses_items([item])[0] for item in items}


def _put_back(seen: list[InputItem], compacted: Sequence[InputItem]) -> None:
    """Add what a compaction stands for, in its own order: the user's messages stand before it.

    Those that a window has cut off stay away.
    """
    users = [item for item in compacted if _is_of_user(item)]
    there = 0
    while there < min(len(users), len(seen)) and _same(seen[-1 - there], users[-1 - there]):
        there += 1
    del seen[len(seen) - there :]
    cut = users[: len(users) - there]
    seen += [item for item in compacted if not any(item is other for other in cut)]


def _same(one: InputItem, other: InputItem) -> bool:
    return _is_of_user(one) and one.text == other.text


def _is_of_user(item: InputItem) -> bool:
    return item.kind == "message" and item.role == "user"


def _raw_items(items: Sequence[InputItem]) -> list[object]:
    """Return items as they were sent; a bare text as the message that it is, garbage not at all."""
    raws = (
        {"role": item.role, "content": item.raw} if isinstance(item.raw, str) else item.raw
        for item in items
    )
    return [raw for raw in raws if is_item(raw)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
