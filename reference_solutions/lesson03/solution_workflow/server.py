"""Messages of a thread are numbered: an answer ends when the model speaks and it is not the newest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    CustomTask,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    Workflow,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from starlette.types import ASGIApp, Receive, Scope, Send

from store import Context, MemoryStore

Run = RunContextWrapper[AgentContext[Context]]


@function_tool
async def analyze_documents(ctx: Run, topic: str) -> str:
    """Analyze the documents about a topic, and show each step in a workflow."""
    steps = ("Collecting documents...", "Analyzing documents...")
    await ctx.context.start_workflow(Workflow(type="custom", tasks=[]))
    for step in steps:
        await ctx.context.add_workflow_task(CustomTask(title=step))
        await asyncio.sleep(5)
    await ctx.context.end_workflow()
    return f"All documents about {topic} are read."


agent = Agent[AgentContext[Context]](
    name="Analyst", instructions="Answer briefly.", tools=[analyze_documents]
)


class NumberingServer(ChatKitServer[Context]):
    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.messages: Counter[str] = Counter()

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        self.messages[thread.id] += 1
        number = self.messages[thread.id]
        page = await self.store.load_thread_items(thread.id, None, 30, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(
            agent, await simple_to_agent_input(page.data[::-1]), context=agent_context
        )
        try:
            async with aclosing(stream_agent_response(agent_context, result)) as events:
                async for event in events:
                    if self.messages[thread.id] > number:
                        return
                    yield event
        finally:
            result.cancel()


class ListensForLeaving:
    """Tells the app below that it runs under ASGI 2.3, where Starlette listens for a disconnect."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "asgi": {"version": "3.0", "spec_version": "2.3"}}
        await self.app(scope, receive, send)


app = FastAPI()
app.add_middleware(ListensForLeaving)
chatkit_server = NumberingServer(MemoryStore())


@app.exception_handler(ValidationError)
async def refuse(request: Request, error: ValidationError) -> JSONResponse:
    return JSONResponse({"error": "malformed request"}, status_code=422)


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    result = await chatkit_server.process(await request.body(), {})
    if not isinstance(result, StreamingResult):
        return Response(result.json, media_type="application/json")
    return StreamingResponse(
        result,
        media_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )
