"""A pure ASGI middleware signs users in; a context variable carries who it is; Chat Completions.

What each user has is a drawer of its own in memory, so there is nothing of others to be filtered.
A request that streams and names a foreign thread breaks off, as the SDK lets it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable
from contextvars import ContextVar
from typing import Any

import jwt
from agents import Agent, OpenAIChatCompletionsModel, Runner, TResponseInputItem
from chatkit.agents import AgentContext, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    AssistantMessageItem,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai import AsyncOpenAI
from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from drawers import DrawerStore

current_user: ContextVar[str] = ContextVar("current_user")
PUBLIC_PATHS = {"/health"}
MODEL = OpenAIChatCompletionsModel(model="gpt-4o-mini", openai_client=AsyncOpenAI())


class SignIn:
    """Refuses everything that bears no good token; sets the user for what lies inside."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in PUBLIC_PATHS:
            await self.app(scope, receive, send)
            return
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        try:
            current_user.set(user_of(header))
        except jwt.PyJWTError as error:
            refusal = JSONResponse(
                {"error": "invalid_token"},
                status_code=401,
                headers={
                    "WWW-Authenticate": f'Bearer realm="chatkit", error="{type(error).__name__}"'
                },
            )
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)


def user_of(header: str) -> str:
    parts = header.split(None, 1)
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise jwt.InvalidTokenError("no bearer token")
    claims = jwt.decode(
        parts[1],
        os.environ["JWT_SECRET"],
        algorithms=["HS256"],
        audience="chatkit",
        leeway=59,
        options={"require": ["exp"]},
    )
    user = claims.get("sub")
    if not user:
        raise jwt.InvalidTokenError("no user")
    return str(user)


class ChatServer(ChatKitServer[str]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: str
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 30, "desc", context)
        agent = Agent[AgentContext[str]](
            name="Helper", instructions=f"Be brief. The user's id is {context}.", model=MODEL
        )
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        messages = to_messages(reversed(page.data))
        result = Runner.run_streamed(agent, messages, context=agent_context)
        async for event in self.with_own_ids(stream_agent_response(agent_context, result), thread):
            yield event

    async def with_own_ids(
        self, events: AsyncIterator[ThreadStreamEvent], thread: ThreadMetadata
    ) -> AsyncIterator[ThreadStreamEvent]:
        """The same events, each assistant message under a new id of the store."""
        own_id = ""
        async for event in events:
            match event:
                case ThreadItemAddedEvent(item=AssistantMessageItem()):
                    own_id = self.store.generate_item_id("message", thread, current_user.get())
                    event.item.id = own_id
                case ThreadItemDoneEvent(item=AssistantMessageItem()):
                    event.item.id = own_id
                case ThreadItemUpdatedEvent():
                    event.item_id = own_id
            yield event


def to_messages(items: Iterable[ThreadItem]) -> list[TResponseInputItem]:
    messages: list[TResponseInputItem] = []
    for item in items:
        if isinstance(item, UserMessageItem):
            messages.append({"role": "user", "content": "".join(c.text for c in item.content)})
        elif isinstance(item, AssistantMessageItem):
            messages.append({"role": "assistant", "content": "".join(c.text for c in item.content)})
    return messages


app = FastAPI()
app.add_middleware(SignIn)
server = ChatServer(DrawerStore())


@app.exception_handler(NotFoundError)
async def not_found(request: Request, error: NotFoundError) -> Response:
    return JSONResponse({"error": "there is no such thing"}, status_code=404)


@app.exception_handler(ValidationError)
async def malformed(request: Request, error: ValidationError) -> Response:
    return JSONResponse({"error": "malformed"}, status_code=400)


@app.get("/health")
async def health() -> dict[str, Any]:
    return {"ok": True}


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    result = await server.process(await request.body(), current_user.get())
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
