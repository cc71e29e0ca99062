"""The TaskManager agent for many users: each signs in with a token and sees only what is theirs."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from agents import Agent, RunContextWrapper, Runner
from auth import RequestContext, signed_in
from chatkit.agents import AgentContext, ThreadItemConverter, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    Action,
    Attachment,
    FeedbackKind,
    HiddenContextItem,
    SyncCustomActionResponse,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai.types.responses import ResponseInputTextParam
from pydantic import ValidationError
from store import Attachments, RowSecurityStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

ChatContext = AgentContext[RequestContext]


def instructions(context: RunContextWrapper[ChatContext], agent: Agent[ChatContext]) -> str:
    """One agent serves all users, so who it talks to comes from the context of each run."""
    return (
        "You help people to plan their day. "
        f"You talk to the user {context.context.request_context.user_id}."
    )


agent = Agent[ChatContext](name="TaskManager", instructions=instructions, model="gpt-5-mini")


class Converter(ThreadItemConverter):
    """Tells the agent the names of the files that a user has attached."""

    async def attachment_to_message_content(self, attachment: Attachment) -> ResponseInputTextParam:
        return ResponseInputTextParam(type="input_text", text=f"[file {attachment.name}]")


class TaskManagerServer(ChatKitServer[RequestContext]):
    """Answers each message with the agent, which sees the newest items of the thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=HISTORY_ITEMS, order="desc", context=context
        )
        agent_input = await Converter().to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type == "note_context":
            yield ThreadItemDoneEvent(item=self.note(thread, action, context))

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> SyncCustomActionResponse:
        if action.type == "note_context":
            note = self.note(thread, action, context)
            await self.store.add_thread_item(thread.id, note, context)
        return SyncCustomActionResponse()

    def note(
        self, thread: ThreadMetadata, action: Action[str, Any], context: RequestContext
    ) -> HiddenContextItem:
        return HiddenContextItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=action.payload["text"],
        )

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: RequestContext
    ) -> None:
        # The SDK asks nobody whose these items are.
        for item_id in item_ids:
            await self.store.load_item(thread_id, item_id, context)


store = RowSecurityStore(os.environ["DATABASE_URL"])


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await store.open()
    yield
    await store.close()


app = FastAPI(lifespan=lifespan)
server = TaskManagerServer(store, Attachments(store))


@app.post("/chatkit")
async def chatkit(
    request: Request, context: Annotated[RequestContext, Depends(signed_in)]
) -> Response:
    try:
        result = await server.process(await request.body(), context)
        if isinstance(result, StreamingResult):
            # The first event shows whether the thread is there: after it, no status can be sent.
            events = aiter(result)
            first = await anext(events, b"")
            return StreamingResponse(
                joined(first, events), media_type="text/event-stream", headers=SSE_HEADERS
            )
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    except NotFoundError:
        return JSONResponse({"error": "not found"}, status_code=404)
    return Response(result.json, media_type="application/json")


async def joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for event in rest:
        yield event
