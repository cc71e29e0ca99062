"""The TaskManager agent, whose conversations are sessions in PostgreSQL, behind a pool."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import ErrorEvent, ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from store import Context, PostgresStore

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
log = logging.getLogger(__name__)


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


def time_to_live() -> timedelta:
    return timedelta(hours=float(os.environ.get("SESSION_TTL_HOURS", "24")))


store = PostgresStore(os.environ["DATABASE_URL"], time_to_live())


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await store.open()
    yield
    await store.close()


app = FastAPI(lifespan=lifespan)
server = TaskManagerServer(store)


async def with_error_event(result: StreamingResult) -> AsyncIterator[bytes]:
    """The stream; what goes wrong before `respond()` ends it with an `error` event, too."""
    try:
        async for chunk in result:
            yield chunk
    except Exception as error:
        log.exception("the stream failed")
        lost = isinstance(error, NotFoundError)
        event = ErrorEvent(message="This did not work.", allow_retry=not lost)
        yield f"data: {event.model_dump_json()}\n\n".encode()


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    context: Context = {}
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return failure(400, "this is not a ChatKit request")
    except NotFoundError:
        return failure(404, "there is no such thread")
    except Exception:  # the database, or a row in it
        log.exception("the request failed")
        return failure(503, "this does not work at the moment; please try again")
    if isinstance(result, StreamingResult):
        return StreamingResponse(
            with_error_event(result), media_type="text/event-stream", headers=SSE_HEADERS
        )
    return Response(result.json, media_type="application/json")


def failure(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status)
