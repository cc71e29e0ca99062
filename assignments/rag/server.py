"""An agent that searches the course's content: fill in the gaps that are marked TODO.

You may start from your own server of another lesson instead.

Try it:    python grade.py serve rag
Grade it:  python grade.py rag
"""

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

# TODO(you): 1. Open `AsyncQdrantClient(path=...)` below `CHATKIT_DATA_DIR`, and fill a collection
# with the passages of `content.json`, unless it has them already.
# TODO(you): 2. Write the tool `search_content(queries: list[str], scope: str)`.
# TODO(you): 3. Give the tool to the agent.
agent = Agent[AgentContext[Context]](
    name="Guide", instructions="Answer questions about the course.", model="gpt-5-mini"
)


class GuideServer(ChatKitServer[Context]):
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
server = GuideServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    body = await request.body()
    # TODO(you): 4. Put the page that `metadata` of the body names into the context.
    context: Context = {}
    try:
        result = await server.process(body, context)
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
