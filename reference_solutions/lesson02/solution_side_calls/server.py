"""A ChatKit server that asks the model three things: is it allowed, the answer, and a title.

It also asks the provider whether there is such a model, and how long the input is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    RunContextWrapper,
    Runner,
    TResponseInputItem,
    input_guardrail,
)
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.errors import CustomStreamError
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai import AsyncOpenAI, OpenAIError
from pydantic import BaseModel, ValidationError

from store import Context, MemoryStore


MODEL = "gpt-5"
MOST_TOKENS = 100_000
client = AsyncOpenAI()


class TopicCheck(BaseModel):
    is_allowed: bool
    reason: str


guard = Agent[AgentContext[Context]](
    name="Topic guard",
    instructions="Classify the message: is it allowed in a conversation about tasks?",
    output_type=TopicCheck,
    model="gpt-5-nano",
)
title_writer = Agent[None](
    name="Title writer",
    instructions="Write a short title for a conversation that starts with this message.",
    model="gpt-5-nano",
)


@input_guardrail(run_in_parallel=False)
async def only_tasks(
    context: RunContextWrapper[AgentContext[Context]],
    agent: Agent[AgentContext[Context]],
    agent_input: str | list[TResponseInputItem],
) -> GuardrailFunctionOutput:
    result = await Runner.run(guard, agent_input, context=context.context)
    check = result.final_output_as(TopicCheck)
    return GuardrailFunctionOutput(output_info=check, tripwire_triggered=not check.is_allowed)


agent = Agent[AgentContext[Context]](
    name="TaskManager",
    instructions="You help people with their tasks.",
    input_guardrails=[only_tasks],
    model=MODEL,
)


class GuardedServer(ChatKitServer[Context]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_input = await simple_to_agent_input(page.data[::-1])
        count = await client.responses.input_tokens.count(model=MODEL, input=agent_input)
        if count.input_tokens > MOST_TOKENS:
            raise CustomStreamError("This conversation is too long.")
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        try:
            async for event in stream_agent_response(agent_context, result):
                yield event
        except InputGuardrailTripwireTriggered as tripwire:
            raise CustomStreamError("I can only talk about tasks.") from tripwire
        if thread.title is None and input_user_message is not None:
            # The SDK sees the change, saves the thread and tells the client.
            thread.title = await make_title(input_user_message)


async def make_title(message: UserMessageItem) -> str:
    """A title by the model, or the message's first words when the model cannot be asked."""
    text = " ".join(part.text for part in message.content)
    try:
        result = await Runner.run(title_writer, text)
    except OpenAIError:
        return text[:40]
    return str(result.final_output)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    listed = [model.id async for model in client.models.list()]
    if MODEL not in listed or not await client.models.retrieve(MODEL):
        raise RuntimeError(f"there is no model {MODEL}")
    yield


app = FastAPI(lifespan=lifespan)
server = GuardedServer(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), context={})
    except ValidationError:
        return JSONResponse({"error": "malformed request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(
            result,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
    return Response(result.json, media_type="application/json")
