"""A ChatKit server without the Agents SDK: own memory, own tool loop, events made by hand.

What the model is told is kept in a list for each thread, outside the ChatKit store. Threads and
items are JSON files; the preferences are in the thread's metadata.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    Action,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    HiddenContextItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from openai import AsyncOpenAI
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from files import FileStore

NEWEST = 20
SAVE_PREFERENCE: Any = {
    "type": "function",
    "name": "save_preference",
    "description": "Remember what the user prefers.",
    "parameters": {
        "type": "object",
        "properties": {"key": {"type": "string"}, "value": {"type": "string"}},
        "required": ["key", "value"],
        "additionalProperties": False,
    },
    "strict": True,
}
client = AsyncOpenAI(max_retries=0)
memory: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)


class HandMadeServer(ChatKitServer[None]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        said = memory[thread.id]
        if input_user_message is not None:
            text = "".join(part.text for part in input_user_message.content)
            said.append({"role": "user", "content": text})
        steps: list[Any] = []
        while True:
            calls: list[Any] = []
            stream = await client.responses.create(
                model="gpt-4.1",
                instructions=instructions(thread),
                input=[*said[-NEWEST:], *steps],
                tools=[SAVE_PREFERENCE],
                stream=True,
            )
            answer = ""
            item = self.new_message(thread)
            async for event in stream:
                if event.type == "response.output_text.delta":
                    if not answer:
                        yield ThreadItemAddedEvent(item=item)
                        yield added(item)
                    answer += event.delta
                    yield delta(item, event.delta)
                elif event.type == "response.output_item.done":
                    if event.item.type == "function_call":
                        calls.append(event.item)
            if answer:
                content = AssistantMessageContent(text=answer)
                yield done(item, content)
                said.append({"role": "assistant", "content": answer})
                yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [content]}))
            if not calls:
                return
            for call in calls:
                wish = json.loads(call.arguments)
                thread.metadata = {**thread.metadata, wish["key"]: wish["value"]}
                steps += [
                    {
                        "type": "function_call",
                        "call_id": call.call_id,
                        "name": call.name,
                        "arguments": call.arguments,
                    },
                    {"type": "function_call_output", "call_id": call.call_id, "output": "ok"},
                ]

    def new_message(self, thread: ThreadMetadata) -> AssistantMessageItem:
        return AssistantMessageItem(
            id=str(uuid4()), thread_id=thread.id, created_at=datetime.now(), content=[]
        )

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: None,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type == "note_context":
            text = action.payload["text"]
            memory[thread.id].append({"role": "developer", "content": text})
            yield ThreadItemDoneEvent(
                item=HiddenContextItem(
                    id=str(uuid4()), thread_id=thread.id, created_at=datetime.now(), content=text
                )
            )


def instructions(thread: ThreadMetadata) -> str:
    return "Be helpful. Preferences:\n" + json.dumps(thread.metadata, indent=2)


def added(item: AssistantMessageItem) -> ThreadItemUpdatedEvent:
    part = AssistantMessageContentPartAdded(
        content_index=0, content=AssistantMessageContent(text="")
    )
    return ThreadItemUpdatedEvent(item_id=item.id, update=part)


def delta(item: AssistantMessageItem, text: str) -> ThreadItemUpdatedEvent:
    update = AssistantMessageContentPartTextDelta(content_index=0, delta=text)
    return ThreadItemUpdatedEvent(item_id=item.id, update=update)


def done(item: AssistantMessageItem, content: AssistantMessageContent) -> ThreadItemUpdatedEvent:
    update = AssistantMessageContentPartDone(content_index=0, content=content)
    return ThreadItemUpdatedEvent(item_id=item.id, update=update)


server = HandMadeServer(FileStore(Path(os.environ.get("CHATKIT_DATA_DIR", "."))))


async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), None)
    except ValidationError as error:
        return JSONResponse({"errors": error.error_count()}, status_code=400)
    if isinstance(result, StreamingResult):
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(result, headers=headers, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")


app = Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])
