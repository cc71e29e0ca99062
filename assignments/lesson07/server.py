"""A ChatKit server for a page: fill in the gaps that are marked TODO, and write the widget.

Try it:    python grade.py serve lesson07
Grade it:  python grade.py lesson07
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

from agents import Agent, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from auth import RequestContext, user_of
from store import SqliteStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

agent = Agent[AgentContext[RequestContext]](
    name="TaskManager", instructions="You help people to plan their day.", model="gpt-5-mini"
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
        # TODO(you): 4. Tell the agent the page that the context holds: in a user message of its own,
        # cut to a size, between markers that no page can write.
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


app = FastAPI()
# TODO(you): 1. Let the origins of `ALLOWED_ORIGINS` in, with credentials (`CORSMiddleware`).

server = TaskManagerServer(SqliteStore(Path(os.environ.get("CHATKIT_DATA_DIR", ".")) / "chat.db"))


# TODO(you): 2. Write `POST /login`, which sets the cookie `session`, and `POST /upload`.


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    # TODO(you): 3. Let in who has no header `Authorization` and a good cookie, and put the page that
    # the widget has sent into the context.
    user_id = user_of(request.headers.get("authorization", ""))
    if user_id is None:
        raise HTTPException(401, "sign in first", headers={"WWW-Authenticate": "Bearer"})
    context = RequestContext(user_id)
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    except NotFoundError:
        return JSONResponse({"error": "not found"}, status_code=404)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
