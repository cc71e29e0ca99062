"""The TaskManager: fill in the gaps that are marked TODO.

This is what the lessons before have in common, and it knows no users, no tasks and no database yet.
Bring along what you have written for lessons 05 and 06.

Try it:    python grade.py serve lesson08
Grade it:  python grade.py lesson08
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from agents import Agent, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    Action,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@dataclass(frozen=True)
class RequestContext:
    """What `respond()`, the tools and the store know of a request."""

    user_id: str


# TODO(you): 1. Write the four tools, with `@function_tool`, and give them to the agent.
agent = Agent[AgentContext[RequestContext]](
    name="TaskManager",
    instructions="You keep the user's list of tasks with your tools.",
    model="gpt-5-mini",
)


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
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
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
        # TODO(you): 2. Complete the task that was clicked, and update the widget.
        return
        yield


app = FastAPI()
server: TaskManagerServer | None = None
# TODO(you): 3. `server = TaskManagerServer(...)` with your store, which keeps threads, items and
# their owners in a database. Keep the tasks there too.


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    # TODO(you): 4. Find the user of the header `Authorization`, or answer 401.
    context = RequestContext(user_id="")
    if server is None:
        return JSONResponse({"error": "the store is not written yet"}, status_code=501)
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
