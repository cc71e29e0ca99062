"""SQLAlchemy with the owner in every row; what is not there is answered 404 before the stream.

The endpoint loads the named thread itself, and so knows whether it is the user's before it hands
the request to the SDK.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from agents import Agent, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import ChatKitReq, ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import TypeAdapter, ValidationError

from database import SqlStore
from settings import settings
from users import NotSignedIn, User, current_user

REQUEST: TypeAdapter[Any] = TypeAdapter(ChatKitReq)
store = SqlStore(settings.database_url)


class DayPlanner(ChatKitServer[User]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: User
    ) -> AsyncIterator[ThreadStreamEvent]:
        agent = Agent[AgentContext[User]](
            name="DayPlanner",
            instructions=lambda run, _: (
                f"Plan the day of {run.context.request_context.id}, whose tasks you know."
            ),
            model="gpt-5-mini",
        )
        page = await self.store.load_thread_items(thread.id, None, 40, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        run = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, run):
            yield event


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    await store.open()
    yield
    await store.close()


app = FastAPI(lifespan=lifespan)
planner = DayPlanner(store)


@app.exception_handler(NotSignedIn)
async def not_signed_in(request: Request, error: NotSignedIn) -> Response:
    headers = {"WWW-Authenticate": 'Bearer realm="chatkit", error="invalid_token"'}
    return JSONResponse({"detail": str(error)}, status_code=401, headers=headers)


@app.post("/chatkit")
async def chatkit(request: Request, user: Annotated[User, Depends(current_user)]) -> Response:
    body = await request.body()
    try:
        asked = REQUEST.validate_json(body)
        if thread_id := getattr(asked.params, "thread_id", None):
            await store.load_thread(thread_id, user)
        result = await planner.process(body, user)
    except ValidationError:
        return JSONResponse({"detail": "malformed"}, status_code=400)
    except NotFoundError:
        return JSONResponse({"detail": "not found"}, status_code=404)
    except NotImplementedError:
        return JSONResponse({"detail": "not offered"}, status_code=405)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
