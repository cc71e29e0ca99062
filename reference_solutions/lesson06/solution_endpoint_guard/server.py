"""The endpoint decides before the SDK sees anything: who asks, and whose thread is named.

The check of the token is written by hand. The store knows threads only; who owns what stands in a
table of its own. A thread that is not the user's is answered 403, whether it exists or not.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from agents import Agent, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    Action,
    HiddenContextItem,
    SyncCustomActionResponse,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from owners import OwnedMemoryStore
from signing import user_of

NAME_A_THREAD = {
    "threads.get_by_id",
    "threads.update",
    "threads.delete",
    "threads.add_user_message",
    "threads.retry_after_item",
    "threads.custom_action",
    "threads.sync_custom_action",
    "threads.add_client_tool_output",
    "threads.add_structured_input",
    "items.list",
    "items.feedback",
}

agent = Agent[Any](name="Planner", instructions="Help to plan the day.", model="gpt-5-mini")


class PlannerServer(ChatKitServer[dict[str, Any]]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: dict[str, Any],
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        user = {"role": "developer", "content": json.dumps({"user_id": context["user"]})}
        said = await simple_to_agent_input(page.data[::-1])
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, [user, *said], context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: dict[str, Any],
    ) -> AsyncIterator[ThreadStreamEvent]:
        await self.sync_action(thread, action, sender, context)
        for event in ():
            yield event

    async def sync_action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: dict[str, Any],
    ) -> SyncCustomActionResponse:
        note = HiddenContextItem(
            id=self.store.generate_item_id("message", thread, context),
            thread_id=thread.id,
            created_at=datetime.now(),
            content=action.payload["text"],
        )
        await self.store.add_thread_item(thread.id, note, context)
        return SyncCustomActionResponse()


store = OwnedMemoryStore()
server = PlannerServer(store)


async def chatkit(request: Request) -> Response:
    user = user_of(request.headers.get("Authorization", ""), os.environ["JWT_SECRET"])
    if user is None:
        return JSONResponse(
            {"error": "not signed in"}, status_code=401, headers={"WWW-Authenticate": "Bearer"}
        )
    body = await request.body()
    if not may(user, body):
        return JSONResponse({"error": "forbidden"}, status_code=403)
    try:
        result = await server.process(body, {"user": user})
    except ValidationError:
        return JSONResponse({"error": "malformed"}, status_code=422)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")


def may(user: str, body: bytes) -> bool:
    """Whether the user may do what the body asks for; what is malformed is refused by the SDK."""
    try:
        asked = json.loads(body)
        kind, thread_id = asked["type"], asked["params"].get("thread_id")
    except (ValueError, KeyError, TypeError, AttributeError):
        return True
    return kind not in NAME_A_THREAD or store.owners.get(thread_id) == user


app = Starlette(routes=[Route("/chatkit", chatkit, methods=["POST"])])
