"""Two agents: one drafts the answer, the other gets nothing but the draft and says it well.

While they are at work, a comment every 15 seconds keeps the connection alive, and each event takes
its time: the server waits a moment after each.
"""

from __future__ import annotations

import asyncio
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
PING_SECONDS = 15
PAUSE_SECONDS = 0.15
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


async def kept_alive(events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the events, and a comment where none comes for a while."""
    waiting: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def read() -> None:
        try:
            async for event in events:
                await waiting.put(event)
        finally:
            await waiting.put(None)

    reading = asyncio.create_task(read())
    try:
        while True:
            try:
                event = await asyncio.wait_for(waiting.get(), PING_SECONDS)
            except TimeoutError:
                yield b": ping\r\n\r\n"
                continue
            if event is None:
                break
            yield event
            await asyncio.sleep(PAUSE_SECONDS)
        await reading
    finally:
        reading.cancel()


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
        events = kept_alive(result)
        return StreamingResponse(events, media_type="text/event-stream", headers=SSE_HEADERS)
    return Response(result.json, media_type="application/json")
