"""The TaskManager without the Agents SDK: a loop over the model's calls, written by hand."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from auth import RequestContext, signed_in
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    Action,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ClientToolCallItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
    WidgetRootUpdated,
)
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import Response, StreamingResponse
from openai import AsyncOpenAI
from pydantic import ValidationError
from store import Database, SqliteStore
from tools import SCHEMAS, Call, Returned, Toolbox

MOST_ROUNDS = 10


class HandServer(ChatKitServer[RequestContext]):
    def __init__(self, store: SqliteStore) -> None:
        super().__init__(store)
        self.model = AsyncOpenAI()
        self.tools = Toolbox(store.database, self.store.generate_item_id)

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 10, "desc", context)
        items = list(input_of(reversed(page.data)))
        for _ in range(MOST_ROUNDS):
            calls: list[Call] = []
            async for event in self.ask(items, calls, thread, context):
                yield event
            if not calls:
                return
            for call in calls:
                output: str | None = None
                async for step in self.tools.run(call, thread, context):
                    if isinstance(step, Returned):
                        output = step.output
                    else:
                        yield step
                if output is None:
                    return  # goes on when the client has answered
                items += call_with(call.id, call.name, call.arguments, output)

    async def ask(
        self,
        items: list[Any],
        calls: list[Call],
        thread: ThreadMetadata,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Ask the model once: text goes to the client, calls into ``calls``."""
        stream = await self.model.responses.create(
            model="gpt-5-mini",
            instructions=f"You keep the tasks of the user {context.user_id}.",
            input=items,
            tools=SCHEMAS,
            stream=True,
            store=False,
        )
        item: AssistantMessageItem | None = None
        async for event in stream:
            if event.type == "response.output_text.delta":
                if item is None:
                    item = self.message(thread, context)
                    yield ThreadItemAddedEvent(item=item.model_copy(update={"content": []}))
                    part = AssistantMessageContentPartAdded(
                        content_index=0, content=AssistantMessageContent(text="")
                    )
                    yield ThreadItemUpdatedEvent(item_id=item.id, update=part)
                item.content[0].text += event.delta
                delta = AssistantMessageContentPartTextDelta(content_index=0, delta=event.delta)
                yield ThreadItemUpdatedEvent(item_id=item.id, update=delta)
            elif event.type == "response.output_item.done" and event.item.type == "function_call":
                arguments = json.loads(event.item.arguments or "{}")
                calls.append(Call(event.item.call_id, event.item.name, arguments))
            elif event.type in {"response.failed", "error"}:
                raise RuntimeError("the model has failed")
        if item is not None:
            done = AssistantMessageContentPartDone(content_index=0, content=item.content[0])
            yield ThreadItemUpdatedEvent(item_id=item.id, update=done)
            yield ThreadItemDoneEvent(item=item)

    def message(self, thread: ThreadMetadata, context: RequestContext) -> AssistantMessageItem:
        return AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[AssistantMessageContent(text="")],
        )

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        task_id = action.payload.get("task_id") if isinstance(action.payload, dict) else None
        if action.type != "complete_task" or not self.tools.finish(context.user_id, str(task_id)):
            return
        if sender is not None:
            sender.widget = self.tools.widget(context.user_id)
            # An update is not stored by the SDK.
            await self.store.save_item(thread.id, sender, context)
            update = WidgetRootUpdated(widget=sender.widget)
            yield ThreadItemUpdatedEvent(item_id=sender.id, update=update)


def input_of(items: Iterable[ThreadItem]) -> Iterable[Any]:
    for item in items:
        if isinstance(item, UserMessageItem):
            yield {"role": "user", "content": "".join(part.text for part in item.content)}
        elif isinstance(item, AssistantMessageItem):
            yield {"role": "assistant", "content": "".join(part.text for part in item.content)}
        elif isinstance(item, ClientToolCallItem) and item.status == "completed":
            output = json.dumps(item.output)
            yield from call_with(item.call_id, item.name, item.arguments, output)


def call_with(call_id: str, name: str, arguments: Any, output: str) -> list[Any]:
    written = json.dumps(arguments)
    return [
        {"type": "function_call", "call_id": call_id, "name": name, "arguments": written},
        {"type": "function_call_output", "call_id": call_id, "output": output},
    ]


path = Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "by-hand.sqlite"
ttl = timedelta(hours=float(os.environ.get("SESSION_TTL_HOURS", "24")))
app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=[each.strip() for each in os.environ.get("ALLOWED_ORIGINS", "").split(",")],
    allow_methods=["POST"],
    allow_headers=["*"],
)
server = HandServer(SqliteStore(Database(path, ttl)))


@app.post("/chatkit")
async def chatkit(
    request: Request, context: Annotated[RequestContext, Depends(signed_in)]
) -> Response:
    try:
        result = await server.process(await request.body(), context)
    except ValidationError as error:
        raise HTTPException(400, "not a ChatKit request") from error
    except (NotFoundError, NotImplementedError) as error:
        raise HTTPException(404, "not found") from error
    if isinstance(result, StreamingResult):
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(result, media_type="text/event-stream", headers=headers)
    return Response(result.json, media_type="application/json")
