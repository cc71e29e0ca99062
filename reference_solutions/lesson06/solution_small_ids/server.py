"""A server with small ids, whose refusals repeat the request, and which sends whole answers."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator

import jwt
from agents import Agent, RunContextWrapper, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    FeedbackKind,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from ledger import Ledger
from pydantic import ValidationError

HISTORY_ITEMS = 20


def instructions(context: RunContextWrapper[AgentContext[str]], agent: Agent) -> str:
    return f"You help people to plan their day. You serve {context.context.request_context}."


agent = Agent[AgentContext[str]](name="TaskManager", instructions=instructions, model="gpt-5-mini")


class TaskManagerServer(ChatKitServer[str]):
    """Answers with the agent; the context is the id of the user."""

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: str
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, HISTORY_ITEMS, "desc", context)
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        numbers: dict[str, str] = {}
        async for event in stream_agent_response(agent_context, result):
            yield self.numbered(event, thread, context, numbers)

    def numbered(
        self, event: ThreadStreamEvent, thread: ThreadMetadata, user: str, numbers: dict[str, str]
    ) -> ThreadStreamEvent:
        """Put the thread's own number in the place of the id that the model gave to an item."""
        if isinstance(event, ThreadItemAddedEvent | ThreadItemDoneEvent):
            if event.item.id not in numbers:
                numbers[event.item.id] = self.store.generate_item_id("message", thread, user)
            event.item.id = numbers[event.item.id]
        elif isinstance(event, ThreadItemUpdatedEvent):
            event.item_id = numbers.get(event.item_id, event.item_id)
        return event

    async def add_feedback(
        self, thread_id: str, item_ids: list[str], feedback: FeedbackKind, context: str
    ) -> None:
        for item_id in item_ids:
            await self.store.load_item(thread_id, item_id, context)


app = FastAPI()
server = TaskManagerServer(Ledger())


def user_of(request: Request) -> str | None:
    """Return the user whose good token the request bears, or None."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        claims = jwt.decode(
            token.strip(),
            os.environ["JWT_SECRET"],
            algorithms=["HS256"],
            audience="chatkit",
            options={"require": ["sub", "exp", "aud"]},
        )
    except jwt.PyJWTError:
        return None
    return claims["sub"] or None


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    user = user_of(request)
    if user is None:
        challenge = {"WWW-Authenticate": 'Bearer realm="tasks"'}
        return JSONResponse({"error": "sign in first"}, status_code=401, headers=challenge)
    body = await request.body()
    try:
        result = await server.process(body, user)
        if not isinstance(result, StreamingResult):
            return Response(result.json, media_type="application/json")
        # Nothing is sent before the answer is there as a whole, so a status can still be chosen.
        events = [event async for event in result]
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    except NotFoundError as error:
        refused = {"error": str(error), "user": user, "request": json.loads(body)}
        return JSONResponse(refused, status_code=404)
    return Response(b"".join(events), media_type="text/event-stream")
