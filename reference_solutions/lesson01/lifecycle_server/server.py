"""The server on which the conversations of `lifecycle.yaml` are played: what it sends is the truth.

Plain use of the two SDKs, one agent, one tool that reports progress. Must not know what is graded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    ProgressUpdateEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from store import Context, MemoryStore


@function_tool
async def search_documents(tool_context: RunContextWrapper[AgentContext[Context]]) -> str:
    """Search the documents."""
    for text in ("Searching...", "Reading 3 documents..."):
        await tool_context.context.stream(ProgressUpdateEvent(text=text))
    return "Three documents."


agent = Agent[AgentContext[Context]](
    name="TaskManager", instructions="Answer briefly.", tools=[search_documents]
)


class ReferenceServer(ChatKitServer[Context]):
    """Runs the agent for each message and passes its events on."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        """Answer a message."""
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


app = FastAPI()
server = ReferenceServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    """Serve ChatKit."""
    result = await server.process(await request.body(), {})
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
