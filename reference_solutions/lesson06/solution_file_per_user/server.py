"""Each user has an SQLite file; the context of a request is the store to work with."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import jwt
from agents import Agent, RunContextWrapper, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, HTTPException, Request, Security
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field, ValidationError

from files import File, FileStore

bearer = HTTPBearer(auto_error=False)
UNAUTHORIZED = HTTPException(401, "Not authenticated", {"WWW-Authenticate": 'Bearer realm="me"'})


class Claims(BaseModel):
    sub: str = Field(min_length=1)
    exp: float


@dataclass
class Signed:
    user: str
    file: File


def signed(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> Signed:
    if credentials is None:
        raise UNAUTHORIZED
    try:
        claims = jwt.decode(
            credentials.credentials, os.environ["JWT_SECRET"], ["HS256"], audience="chatkit"
        )
        user = Claims.model_validate(claims).sub
    except (jwt.PyJWTError, ValidationError) as error:
        raise UNAUTHORIZED from error
    return Signed(user, File.of(Path(os.environ.get("CHATKIT_DATA_DIR", ".")), user))


def instructions(
    context: RunContextWrapper[AgentContext[Signed]], agent: Agent[AgentContext[Signed]]
) -> str:
    return f"You plan the day of user {context.context.request_context.user!s}."


planner = Agent[AgentContext[Signed]](name="Planner", instructions=instructions, model="gpt-5-mini")


class Server(ChatKitServer[Signed]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Signed
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        run_context = AgentContext(thread=thread, store=self.store, request_context=context)
        agent_input = await simple_to_agent_input(page.data[::-1])
        run = Runner.run_streamed(planner, agent_input, context=run_context)
        async for event in stream_agent_response(run_context, run):
            yield event


app = FastAPI()
server = Server(FileStore())


@app.post("/chatkit")
async def chatkit(request: Request, context: Annotated[Signed, Security(signed)]) -> Response:
    try:
        result = await server.process(await request.body(), context)
    except ValidationError as error:
        raise HTTPException(400, "not a ChatKit request") from error
    except (NotFoundError, NotImplementedError) as error:
        raise HTTPException(404, "not found") from error
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
