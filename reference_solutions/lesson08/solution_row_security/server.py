"""The TaskManager: an agent that keeps the tasks of many users, in PostgreSQL.

Each user signs in with a token, and sees only their own threads and tasks.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

from agents import Agent, RunContextWrapper, Runner, StopAtTools, function_tool
from anyio import CancelScope
from auth import RequestContext, signed_in
from chatkit.agents import (
    AgentContext,
    ClientToolCall,
    simple_to_agent_input,
    stream_agent_response,
)
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    Action,
    ErrorEvent,
    ProgressUpdateEvent,
    ThreadItem,
    ThreadItemReplacedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from store import Database, RowSecurityStore
from tasks import Tasks, card_of

HISTORY_ITEMS = 20
SSE_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
log = logging.getLogger(__name__)

ChatContext = AgentContext[RequestContext]
RunContext = RunContextWrapper[ChatContext]


def time_to_live() -> timedelta:
    return timedelta(hours=float(os.environ.get("SESSION_TTL_HOURS", "24")))


database = Database(os.environ["DATABASE_URL"], time_to_live())
tasks = Tasks(database)


@function_tool
async def create_task(ctx: RunContext, title: str) -> str:
    """Add a task to the user's list."""
    await ctx.context.stream(ProgressUpdateEvent(text="Writing it down..."))
    task = await tasks.create(ctx.context.request_context.user_id, title)
    return f"created {task.line}"


@function_tool
async def list_tasks(ctx: RunContext) -> str:
    """Show the user's tasks, and return them."""
    await ctx.context.stream(ProgressUpdateEvent(text="Looking through the list..."))
    found = await tasks.all_of(ctx.context.request_context.user_id)
    await ctx.context.stream_widget(card_of(found))
    return "\n".join(task.line for task in found) or "there are no tasks"


@function_tool
async def complete_task(ctx: RunContext, task_id: str) -> str:
    """Mark one of the user's tasks as done."""
    await ctx.context.stream(ProgressUpdateEvent(text="Ticking it off..."))
    task = await tasks.complete(ctx.context.request_context.user_id, task_id)
    return f"completed {task.line}" if task else "there is no such task"


@function_tool
async def show_task(ctx: RunContext, task_id: str) -> str:
    """Let the page that the user sees go to one of their tasks."""
    task = await tasks.find(ctx.context.request_context.user_id, task_id)
    if task is not None:
        # The run ends after this tool; it goes on when the page has answered.
        arguments = {"task_id": task.id, "title": task.title}
        ctx.context.client_tool_call = ClientToolCall(name="show_task", arguments=arguments)
    return "shown" if task else "there is no such task"


def instructions(context: RunContext, agent: Agent[ChatContext]) -> str:
    """One agent serves all users, so who it talks to comes from the context of each run."""
    return (
        "You keep the user's list of tasks with your tools. "
        f"You talk to the user {context.context.request_context.user_id}."
    )


agent = Agent[ChatContext](
    name="TaskManager",
    instructions=instructions,
    model="gpt-5-mini",
    tools=[create_task, list_tasks, complete_task, show_task],
    tool_use_behavior=StopAtTools(stop_at_tool_names=["show_task"]),
)


class TaskManagerServer(ChatKitServer[RequestContext]):
    """Answers each message with the agent, which sees the newest items of the thread."""

    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(
            thread.id, after=None, limit=HISTORY_ITEMS, order="desc", context=context
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event

    async def handle_stream_cancelled(
        self, thread: ThreadMetadata, pending_items: list[ThreadItem], context: RequestContext
    ) -> None:
        # The client has gone, so each `await` of the database would be cancelled too.
        with CancelScope(shield=True):
            await super().handle_stream_cancelled(thread, pending_items, context)

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        if action.type != "complete_task":
            return
        if await tasks.complete(context.user_id, str(action.payload["task_id"])) is None:
            raise NotFoundError("there is no such task")
        if sender is not None:
            # The SDK stores the item that replaces another.
            widget = card_of(await tasks.all_of(context.user_id))
            updated = sender.model_copy(update={"widget": widget})
            yield ThreadItemReplacedEvent(item=updated)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await database.open()
    yield
    await database.close()


app = FastAPI(lifespan=lifespan)
app.add_middleware(
    CORSMiddleware,
    allow_origins=os.environ.get("ALLOWED_ORIGINS", "").split(","),
    allow_credentials=True,
    allow_methods=["POST"],
    allow_headers=["Authorization", "Content-Type"],
)
server = TaskManagerServer(RowSecurityStore(database))


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
async def chatkit(
    request: Request, context: Annotated[RequestContext, Depends(signed_in)]
) -> Response:
    try:
        await database.end_old_sessions()
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
