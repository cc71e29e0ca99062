"""A tiny real ChatKitServer with a store in memory, whose ``respond()`` a test hands in."""

# The signatures are the SDK's; what they mean stands there.
# ruff: noqa: D102, ARG002

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from agents import Agent, Runner
from agents.run import RunConfig
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    Attachment,
    Page,
    ThreadItem,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from graders.engine.protocol import ChatKitEvent, SseDecoder, parse_event

Context = dict[str, Any]
Respond = Callable[["TinyServer", ThreadMetadata], AsyncIterator[ThreadStreamEvent]]


class MemoryStore(Store[Context]):
    """Just enough of a store for one conversation at a time."""

    def __init__(self) -> None:
        self.threads: dict[str, ThreadMetadata] = {}
        self.items: dict[str, dict[str, ThreadItem]] = {}

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(thread_id)
        return self.threads[thread_id].model_copy(deep=True)

    async def save_thread(self, thread: ThreadMetadata, context: Context) -> None:
        self.threads[thread.id] = ThreadMetadata(**thread.model_dump(exclude={"items"}))

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        items = list(self.items.get(thread_id, {}).values())
        ordered = items if order == "asc" else items[::-1]
        return Page(data=[item.model_copy(deep=True) for item in ordered[:limit]])

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        self.items.setdefault(thread_id, {})[item.id] = item

    async def save_item(self, thread_id: str, item: ThreadItem, context: Context) -> None:
        await self.add_thread_item(thread_id, item, context)

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        return self.items[thread_id][item_id]

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Context) -> None:
        self.items[thread_id].pop(item_id, None)

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        raise NotImplementedError

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        raise NotImplementedError

    async def save_attachment(self, attachment: Attachment, context: Context) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Context) -> Attachment:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: Context) -> None:
        raise NotImplementedError


class TinyServer(ChatKitServer[Context]):
    """Plays whatever ``respond()`` it is given, for messages and for custom actions alike."""

    def __init__(self, answer: Respond) -> None:
        super().__init__(MemoryStore())
        self.answer = answer

    def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        return self.answer(self, thread)

    def action(
        self, thread: ThreadMetadata, action: Any, sender: Any, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        return self.answer(self, thread)

    async def run_agent(
        self, thread: ThreadMetadata, agent: Agent[Any], text: str = "hi"
    ) -> AsyncIterator[ThreadStreamEvent]:
        context: AgentContext[Context] = AgentContext(
            thread=thread, store=self.store, request_context={}
        )
        config = RunConfig(tracing_disabled=True)
        result = Runner.run_streamed(agent, text, context=context, run_config=config)
        async for event in stream_agent_response(context, result):
            yield event

    async def play(self, kind: str, params: dict[str, Any]) -> list[ChatKitEvent]:
        """Send one streaming request and read the events back from its bytes."""
        result = await self.process(json.dumps({"type": kind, "params": params}), {})
        assert isinstance(result, StreamingResult)
        decoder = SseDecoder()
        events: list[ChatKitEvent] = []
        async for chunk in result:
            events += [parse_event(event.data) for event in decoder.feed(chunk)]
        assert not decoder.unfinished
        return events

    async def create(self) -> list[ChatKitEvent]:
        return await self.play("threads.create", {"input": user_input()})

    async def say(self, thread_id: str) -> list[ChatKitEvent]:
        params = {"thread_id": thread_id, "input": user_input()}
        return await self.play("threads.add_user_message", params)


def user_input() -> dict[str, Any]:
    content = [{"type": "input_text", "text": "hi"}]
    return {"content": content, "attachments": [], "inference_options": {}}
