"""A ChatKit server for many users: fill in the gaps that are marked TODO, here and in `store.py`.

Try it:    python grade.py serve lesson06
Grade it:  python grade.py lesson06
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

from agents import Agent, RunContextWrapper, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import RequestContext, SqliteStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

ChatContext = AgentContext[RequestContext]


def instructions(context: RunContextWrapper[ChatContext], agent: Agent[ChatContext]) -> str:
    # TODO(you): 3. Tell the agent the id of its user. `context.context.request_context` is the
    # context that you gave to `server.process(...)`.
    return "You help people to plan their day."


agent = Agent[ChatContext](name="TaskManager", instructions=instructions, model="gpt-5-mini")


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


app = FastAPI()
server = TaskManagerServer(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "chat.db"))


# TODO(you): 1. Write a function that finds the user of the header `Authorization`, and a dependency
# that raises `HTTPException(401, ...)` when there is none.


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    # TODO(you): 2. Let this endpoint depend on the user, and put the user's id into the context.
    context = RequestContext(user_id="")
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
