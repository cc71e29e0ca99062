"""An agent behind a ChatKit server."""

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

agent = Agent[AgentContext[Context]](
    name="Helper", instructions="Answer in short sentences.", model="gpt-5-mini"
)


class AgentServer(ChatKitServer[Context]):
    """Answers each message with the agent, which sees the newest items of the thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=20, order="desc", context=context
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


app = FastAPI()
server = AgentServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
