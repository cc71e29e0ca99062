"""Two agents: one drafts the answer, the other gets nothing but the draft and says it well."""

from __future__ import annotations

from collections.abc import AsyncIterator

from agents import Agent, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import Context, MemoryStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}

planner = Agent[AgentContext[Context]](
    name="TaskManager",
    instructions="You help people to plan their day.",
    model="gpt-5-mini",
)
editor = Agent[AgentContext[Context]](
    name="Editor",
    instructions="Say what you are given in short and friendly sentences.",
    model="gpt-5-mini",
)


class TaskManagerServer(ChatKitServer[Context]):
    """Answers each message with the editor's words for the planner's draft."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        # The SDK has stored the user's message already, so it is the newest item of this page.
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=HISTORY_ITEMS, order="desc", context=context
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        draft = await Runner.run(planner, agent_input, context=agent_context)
        result = Runner.run_streamed(editor, str(draft.final_output), context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


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
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
