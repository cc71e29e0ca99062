"""The blocking OpenAI client in a thread, which looks at each token whether to go on."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import cache
from typing import Any

from chatkit.agents import simple_to_agent_input
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    AssistantMessageContent,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai import OpenAI
from openai.types.responses import FunctionToolParam, ResponseFunctionToolCall
from pydantic import ValidationError
from starlette.types import Receive, Scope, Send

from store import Context, MemoryStore

TOOL: FunctionToolParam = {
    "type": "function",
    "name": "analyze_documents",
    "description": "Analyze the user's documents about a topic.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"topic": {"type": "string"}},
        "required": ["topic"],
        "additionalProperties": False,
    },
}
Tell = Callable[[Any], None]


@cache
def client() -> OpenAI:
    return OpenAI(max_retries=0)


class Answer:
    """One answer, made in a thread of its own; ``stop`` ends it at the model's next token."""

    def __init__(self, agent_input: list[Any], tell: Tell) -> None:
        self.agent_input = agent_input
        self.tell = tell
        self.stop = threading.Event()

    def run(self) -> None:
        try:
            while (calls := self.ask()) and not self.stop.is_set():
                for call in calls:
                    self.agent_input += [call.to_dict(), self.output_of(call)]
            self.tell(None)
        except Exception as error:
            self.tell(error)

    def ask(self) -> list[ResponseFunctionToolCall]:
        """Tell each event of the model, and give the tools that it called."""
        calls = []
        with client().responses.create(
            model="gpt-5-mini", input=self.agent_input, tools=[TOOL], stream=True
        ) as events:
            for event in events:
                if self.stop.is_set():
                    return []
                if event.type in {"error", "response.failed"}:
                    raise RuntimeError("the model failed")
                if event.type == "response.output_item.done" and event.item.type == "function_call":
                    calls.append(event.item)
                self.tell(event)
        return calls

    def output_of(self, call: ResponseFunctionToolCall) -> dict[str, str]:
        self.tell(ProgressUpdateEvent(text="Analyzing documents..."))
        time.sleep(10)  # stands for the work
        found = f"There are three documents about {json.loads(call.arguments)['topic']}."
        return {"type": "function_call_output", "call_id": call.call_id, "output": found}


class TaskManagerServer(ChatKitServer[Context]):
    """A new message ends the answer that still streams, at its next token."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.running: dict[str, Answer] = {}

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if thread.id in self.running:
            self.running.pop(thread.id).stop.set()
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=20, order="desc", context=context
        )
        told: asyncio.Queue[Any] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        agent_input = list(await simple_to_agent_input(list(reversed(page.data))))
        answer = Answer(agent_input, lambda it: loop.call_soon_threadsafe(told.put_nowait, it))
        self.running[thread.id] = answer
        threading.Thread(target=answer.run, daemon=True).start()
        item: AssistantMessageItem | None = None
        try:
            while (event := await told.get()) is not None:
                if isinstance(event, Exception):
                    raise event
                if isinstance(event, ProgressUpdateEvent):
                    yield event
                elif event.type == "response.output_text.delta":
                    if item is None:
                        item = self.empty_message(thread, context)
                        yield ThreadItemAddedEvent(item=item.model_copy(deep=True))
                    item.content[0].text += event.delta
                    update = AssistantMessageContentPartTextDelta(
                        content_index=0, delta=event.delta
                    )
                    yield ThreadItemUpdatedEvent(item_id=item.id, update=update)
            if item is not None:
                yield ThreadItemDoneEvent(item=item)
        finally:
            answer.stop.set()
            if self.running.get(thread.id) is answer:
                del self.running[thread.id]

    def empty_message(self, thread: ThreadMetadata, context: Context) -> AssistantMessageItem:
        return AssistantMessageItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=[AssistantMessageContent(text="")],
        )


class ChatKitResponse(StreamingResponse):
    """A stream that ends at once when the client goes, whatever the ASGI version is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asgi: dict[str, Any] = {**scope["asgi"], "spec_version": "2.3"}
        await super().__call__({**scope, "asgi": asgi}, receive, send)


app = FastAPI()
server = TaskManagerServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return ChatKitResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
