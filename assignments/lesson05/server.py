"""A ChatKit server whose conversations end with the process: make sessions of them.

Try it:    python grade.py serve lesson05
Grade it:  python grade.py lesson05
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from store import Context, MemoryStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


@function_tool
async def save_preference(
    context: RunContextWrapper[AgentContext[Context]], key: str, value: str
) -> str:
    """Remember what the user prefers, for the rest of this thread."""
    # The SDK sees that the thread has changed, and saves it.
    context.context.thread.metadata.setdefault("preferences", {})[key] = value
    return "saved"


def instructions(
    context: RunContextWrapper[AgentContext[Context]], agent: Agent[AgentContext[Context]]
) -> str:
    """One agent serves all threads, so what is of one thread comes from the context."""
    preferences = context.context.thread.metadata.get("preferences", {})
    known = "".join(f"\n- {key}: {value}" for key, value in preferences.items())
    return f"You help people to plan their day.\nWhat this user prefers:{known or ' unknown'}"


agent = Agent[AgentContext[Context]](
    name="TaskManager", instructions=instructions, tools=[save_preference], model="gpt-5-mini"
)


class TaskManagerServer(ChatKitServer[Context]):
    """Answers each message with the agent, which sees the newest items of the thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=HISTORY_ITEMS, order="desc", context=context
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


# TODO(you): 1. Read `DATABASE_URL` (or `CHATKIT_DATA_DIR`) and `SESSION_TTL_HOURS`, and give them
# to a store of your own that outlives the process.
app = FastAPI()
server = TaskManagerServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    # TODO(you): 2. Answer with an error, as JSON or as the last event of the stream, when the store
    # fails: a thread that is not there, a row that cannot be read, a database that is away.
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
