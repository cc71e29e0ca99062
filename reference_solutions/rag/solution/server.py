"""An agent that searches the course's content, behind a ChatKit server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError

from search import ContentIndex, Page
from store import MemoryStore


@dataclass
class RequestContext:
    """What belongs to one request."""

    page: Page | None = None


index = ContentIndex()


@function_tool
async def search_content(
    ctx: RunContextWrapper[AgentContext[RequestContext]], queries: list[str], scope: str
) -> str:
    """Search the course's content.

    Args:
        queries: What to look for; several wordings find more.
        scope: `lesson` (of the page that the user is on), `chapter` or `course`.
    """
    return await index.search(queries, scope, ctx.context.request_context.page)


agent = Agent[AgentContext[RequestContext]](
    name="Guide",
    instructions="Answer questions about the course. Search its content first.",
    model="gpt-5-mini",
    tools=[search_content],
)


class GuideServer(ChatKitServer[RequestContext]):
    """Answers each message with the agent, which sees the newest items of the thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=20, order="desc", context=context
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


def page_in(body: bytes) -> Page | None:
    """Return the page that a request names in its `metadata`, if it names one."""
    try:
        page: Any = json.loads(body)["metadata"]["page"]
        return Page(str(page["chapter"])[:100], str(page["lesson"])[:100])
    except (ValueError, KeyError, TypeError):
        return None


app = FastAPI()
server = GuideServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    body = await request.body()
    try:
        result = await server.process(body, RequestContext(page_in(body)))
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
