"""A greeting that comes word by word, and a thread that gets a title."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from chatkit.server import ChatKitServer
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)

from .store import Context

WORDS = ("Hello, ", "nice ", "to ", "meet ", "you!")


class GreetingServer(ChatKitServer[Context]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        thread.title = thread.title or "A greeting"
        item = AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(UTC),
            content=[],
        )
        yield ThreadItemAddedEvent(item=item)
        empty, whole = AssistantMessageContent(text=""), AssistantMessageContent(text="".join(WORDS))
        yield self.update(item, AssistantMessageContentPartAdded(content_index=0, content=empty))
        for word in WORDS:
            await asyncio.sleep(0.05)
            yield self.update(item, AssistantMessageContentPartTextDelta(content_index=0, delta=word))
        yield self.update(item, AssistantMessageContentPartDone(content_index=0, content=whole))
        yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [whole]}))

    @staticmethod
    def update(item, update):
        return ThreadItemUpdatedEvent(item_id=item.id, update=update)
