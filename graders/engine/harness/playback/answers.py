"""Requests of a script as they are sent, and all that came back for one.

Must not know what is expected.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graders.engine.content.conversation import ConversationTurn
from graders.engine.core.errors import Finding
from graders.engine.core.text import quote
from graders.engine.harness.chat import Chat, Reply
from graders.engine.harness.pages import Page
from graders.engine.harness.playback.stage import KnownThread, Participant, Stage, strings_in
from graders.engine.harness.rate_limits import within_limits
from graders.engine.harness.stream import Stream
from graders.engine.model import RecordedCall
from graders.engine.protocol import ChatKitEvent
from graders.engine.server.link.transport import AppCrashed

_ITEMS = 100
_OK = 200
_FAILED = 400


@dataclass
class TurnAnswer:
    """What came for one turn; a status of 0 is none, ``crashed`` says what the app raised."""

    status: int
    mark: int | None
    stream: Stream | None = None
    reply: Reply | None = None
    crashed: str = ""
    calls: Sequence[RecordedCall] = ()
    widget: Any = None
    page: Page | None = None
    events: list[ChatKitEvent] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All deltas together."""
        return self.stream.text if self.stream is not None else ""

    @property
    def error(self) -> ChatKitEvent | None:
        """The `error` event, if one came."""
        return self.stream.error if self.stream is not None else None

    @property
    def broke(self) -> bool:
        """Whether it broke off, or never began."""
        return bool(self.crashed) or (self.stream is not None and self.stream.broke is not None)

    @property
    def headers(self) -> Any:
        """The headers; empty where there was no answer."""
        got = self.stream if self.stream is not None else self.reply
        return got.headers if got is not None else {}

    @property
    def shown(self) -> frozenset[str]:
        """Every text that a client could read in it."""
        if self.stream is not None and self.status == _OK:
            body: object = [event.raw for event in self.events]
        else:
            body = _json(self.body)
        return frozenset((*strings_in(body), *self.headers.values()))

    @property
    def body(self) -> bytes:
        """The bytes that came."""
        if self.reply is not None:
            return self.reply.body
        return bytes(self.stream.body) if self.stream is not None else b""

    @property
    def refused(self) -> bool:
        """Whether nothing was done: an error of HTTP or of the stream, and nothing before it."""
        if self.crashed or self.status >= _FAILED:
            return True
        if self.stream is None:
            return False
        told = [each for each in self.events if each.type not in ("error", "stream_options")]
        return not told and (self.error is not None or self.broke or not self.events)

    @property
    def how(self) -> str:
        """What came, in a few words."""
        if self.crashed:
            return self.crashed
        if self.status != _OK:
            return f"status {self.status}"
        if self.error is not None:
            return "an `error` event"
        return f"status {self.status} and an answer"


async def ask(stage: Stage, turn: ConversationTurn) -> Reply | Stream | AppCrashed:
    """Send the request of a turn; return as soon as an answer begins, or what the app raised."""

    async def send() -> Reply | Stream:
        return await _send(stage, turn, stage.chat(turn))

    try:
        return await within_limits(stage.student, send)
    except AppCrashed as crash:
        return crash


async def _send(stage: Stage, turn: ConversationTurn, chat: Chat) -> Reply | Stream:
    match turn.action:
        case "say":
            return await _say(stage, turn, chat)
        case "list_threads":
            return await _list_threads(turn, stage.speaker(turn), chat)
        case "press":
            return await _press(turn, stage.begun(turn), chat)
        case "act":
            return await _act(stage, turn, stage.begun(turn), chat)
        case action:
            return await _REQUESTS[action](stage, turn, stage.begun(turn), chat)


async def _say(stage: Stage, turn: ConversationTurn, chat: Chat) -> Stream:
    said = turn.say or ""
    thread = stage.thread(turn)
    if turn.of is not None and not thread.id:
        thread = stage.begun(turn)
    return await (chat.say(thread.id, said) if thread.id else chat.create(said))


async def _list_threads(turn: ConversationTurn, user: Participant, chat: Chat) -> Reply:
    wanted = turn.list_threads
    assert wanted is not None, "the turn's action"
    after = _after(user.last_page) if wanted.next else None
    return await chat.list(limit=wanted.limit, order=wanted.order, after=after)


def _after(page: Page | None) -> str:
    after = page.next if page is not None else None
    if after is None:
        raise Finding("no page follows: the last one said `has_more: false`, or none came")
    return after


async def _retry(_stage: Stage, _turn: ConversationTurn, thread: KnownThread, chat: Chat) -> Stream:
    return await chat.retry(thread.id, thread.message_id)


async def _tool_output(
    stage: Stage, turn: ConversationTurn, thread: KnownThread, chat: Chat
) -> Stream:
    result = stage.resolved(turn.tool_output, stage.speaker(turn))
    return await chat.client_tool_output(thread.id, result)


async def _load(_stage: Stage, _turn: ConversationTurn, thread: KnownThread, chat: Chat) -> Reply:
    return await chat.get(thread.id)


async def _list_items(
    _stage: Stage, turn: ConversationTurn, thread: KnownThread, chat: Chat
) -> Reply:
    wanted = turn.list_items
    assert wanted is not None, "the turn's action"
    after = _after(thread.last_page) if wanted.next else None
    order = wanted.order or "asc"
    return await chat.items(thread.id, limit=wanted.limit or _ITEMS, order=order, after=after)


async def _rename(_stage: Stage, turn: ConversationTurn, thread: KnownThread, chat: Chat) -> Reply:
    return await chat.update(thread.id, turn.rename or "")


async def _delete(_stage: Stage, _turn: ConversationTurn, thread: KnownThread, chat: Chat) -> Reply:
    return await chat.delete(thread.id)


async def _feedback(
    _stage: Stage, turn: ConversationTurn, thread: KnownThread, chat: Chat
) -> Reply:
    return await chat.feedback(thread.id, [thread.answer_id], turn.feedback or "positive")


_Request = Callable[[Stage, ConversationTurn, KnownThread, Chat], Awaitable[Reply | Stream]]
_REQUESTS: Mapping[str, _Request] = {
    "retry": _retry,
    "tool_output": _tool_output,
    "load": _load,
    "list_items": _list_items,
    "rename": _rename,
    "delete": _delete,
    "feedback": _feedback,
}


async def _press(turn: ConversationTurn, thread: KnownThread, chat: Chat) -> Reply | Stream:
    found = thread.widgets.button(turn.press or "")
    if found is None:
        raise Finding(f"no widget of the thread has a button beside {quote(turn.press or '')}")
    item_id, button = found
    params = _click(thread.id, button.kind, button.payload, item_id)
    return await _sent(chat, params, streams=button.streams)


async def _act(
    stage: Stage, turn: ConversationTurn, thread: KnownThread, chat: Chat
) -> Reply | Stream:
    action = turn.act
    assert action is not None, "the turn's action"
    payload = stage.resolved(action.payload, stage.speaker(turn))
    ever = (button for buttons in thread.widgets.ever for button in buttons)
    known = [each.action for each in ever if each.kind == action.type]
    streams = not known or known[0].get("streaming") is not False
    params = _click(thread.id, action.type, payload, thread.widgets.newest)
    return await _sent(chat, params, streams=streams)


def _click(thread_id: str, kind: str, payload: Any, item_id: str) -> dict[str, Any]:
    item = {"item_id": item_id} if item_id else {}
    return {"thread_id": thread_id, "action": {"type": kind, "payload": payload}, **item}


async def _sent(chat: Chat, params: Mapping[str, Any], *, streams: bool) -> Reply | Stream:
    """Send an action as its widget says: by a request that streams, or by one that does not."""
    if streams:
        return await chat.stream("threads.custom_action", params)
    return await chat.ask("threads.sync_custom_action", params)


def _json(body: bytes) -> object:
    text = body.decode("utf-8", "replace")
    try:
        return [json.loads(text), text]
    except (ValueError, RecursionError):
        return text
