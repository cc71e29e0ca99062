"""Every operation of the protocol that names a thread, and how a finding tells it.

Must not know who may do what.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from graders.engine.harness import Chat, Reply, Stream
from graders.lesson06.people import Sending, Thread


@dataclass(frozen=True)
class Target:
    """The ids that a request names."""

    thread_id: str
    message_id: str
    answer_id: str

    @classmethod
    def of(cls, thread: Thread) -> Target:
        """Return the ids of a thread."""
        return cls(thread.id, thread.message_id, thread.answer_id)


@dataclass(frozen=True)
class Operation:
    """One request of the protocol; ``told`` goes on after a user's name, ``{}`` is the thread.

    ``write`` gets the ids and a word that is new in the request. ``names_items``: the request holds
    ids of items too, so an answer that repeats them tells nothing.
    """

    kind: str
    told: str
    write: Callable[[Chat, Target, str], Awaitable[Reply | Stream]]
    names_items: bool = False

    def sending(self, target: Target, word: str) -> Sending:
        """Return the request for ``target``."""
        return lambda chat: self.write(chat, target, word)

    def tell(self, who: str, thread: str) -> str:
        """Tell in words that ``who`` does this to ``thread``."""
        return f"{who} {self.told.format(thread)} (`{self.kind}`)"


_PAGE = 100


def message_about(word: str) -> str:
    """Return the text of a message that is about ``word``."""
    return f"Please tell me about {word}."


async def _tool_output(chat: Chat, target: Target, word: str) -> Stream:
    return await chat.client_tool_output(target.thread_id, {"found": word})


async def _structured_input(chat: Chat, target: Target, word: str) -> Stream:
    params = {
        "thread_id": target.thread_id,
        "item_id": target.answer_id,
        "input": {"status": "answered", "answers": {"q1": {"values": [word]}}},
    }
    return await chat.stream("threads.add_structured_input", params)


async def _custom_action(chat: Chat, target: Target, word: str) -> Stream:
    return await chat.custom_action(target.thread_id, "note_context", {"text": word})


async def _sync_action(chat: Chat, target: Target, word: str) -> Reply:
    action = {"type": "note_context", "payload": {"text": word}}
    params = {"thread_id": target.thread_id, "action": action}
    return await chat.ask("threads.sync_custom_action", params)


GET = Operation("threads.get_by_id", "loads {}", lambda chat, target, _: chat.get(target.thread_id))
ITEMS = Operation(
    "items.list",
    "asks for the items of {}",
    lambda chat, target, _: chat.items(target.thread_id, limit=_PAGE),
)
MESSAGE = Operation(
    "threads.add_user_message",
    "says something in {}",
    lambda chat, target, word: chat.say(target.thread_id, message_about(word)),
)
UPDATE = Operation(
    "threads.update",
    "renames {}",
    lambda chat, target, word: chat.update(target.thread_id, f"About {word}"),
)
DELETE = Operation(
    "threads.delete", "deletes {}", lambda chat, target, _: chat.delete(target.thread_id)
)
RETRY = Operation(
    "threads.retry_after_item",
    "asks for another answer in {}",
    lambda chat, target, _: chat.retry(target.thread_id, target.message_id),
    names_items=True,
)
FEEDBACK = Operation(
    "items.feedback",
    "rates the answer in {}",
    lambda chat, target, _: chat.feedback(target.thread_id, [target.answer_id], "negative"),
    names_items=True,
)
CUSTOM_ACTION = Operation("threads.custom_action", "starts an action in {}", _custom_action)
SYNC_ACTION = Operation("threads.sync_custom_action", "starts an action in {}", _sync_action)
TOOL_OUTPUT = Operation(
    "threads.add_client_tool_output", "hands in the output of a client tool in {}", _tool_output
)
STRUCTURED_INPUT = Operation(
    "threads.add_structured_input",
    "answers a form in {}",
    _structured_input,
    names_items=True,
)

OPERATIONS = (
    *(GET, ITEMS, MESSAGE, UPDATE, DELETE, RETRY, FEEDBACK),
    *(CUSTOM_ACTION, SYNC_ACTION, TOOL_OUTPUT, STRUCTURED_INPUT),
)
