"""Ids that say themselves whose they are: each thread's id is sealed with its owner's name.

Whether a thread is the user's is seen at its id, without asking a table; a made-up id has no seal.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any, Final

import jwt
from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import Page, ThreadItem, ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError

from memory import MemoryStore, page_of

SECRET: Final = os.environ["JWT_SECRET"]
Context = dict[str, Any]


def seal(user: str, number: str) -> str:
    return hmac.new(SECRET.encode(), f"{number}|{user}".encode(), hashlib.sha256).hexdigest()[:24]


class SealedStore(MemoryStore):
    """The store of lesson 02, with sealed ids; every way into a thread leads through its id."""

    def generate_thread_id(self, context: Context) -> str:
        number = secrets.token_hex(6)
        return f"thr_{number}{seal(context['sub'], number)}"

    def require_seal(self, thread_id: str, context: Context) -> None:
        number, mark = thread_id[4:16], thread_id[16:]
        if not hmac.compare_digest(mark.encode(), seal(context["sub"], number).encode()):
            raise NotFoundError("thread not found")
        if thread_id not in self.threads:
            raise NotFoundError("thread not found")

    async def load_thread(self, thread_id: str, context: Context) -> ThreadMetadata:
        self.require_seal(thread_id, context)
        return await super().load_thread(thread_id, context)

    async def delete_thread(self, thread_id: str, context: Context) -> None:
        self.require_seal(thread_id, context)
        await super().delete_thread(thread_id, context)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Context
    ) -> Page[ThreadItem]:
        self.require_seal(thread_id, context)
        return await super().load_thread_items(thread_id, after, limit, order, context)

    async def load_item(self, thread_id: str, item_id: str, context: Context) -> ThreadItem:
        self.require_seal(thread_id, context)
        return await super().load_item(thread_id, item_id, context)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Context
    ) -> Page[ThreadMetadata]:
        user = context["sub"]
        own = [t for t in self.threads.values() if t.id.endswith(seal(user, t.id[4:16]))]
        return page_of(own, limit, after, order)


@function_tool
async def whoami(context: RunContextWrapper[AgentContext[Context]]) -> str:
    """Say who the user is."""
    return str(context.context.request_context["sub"])


agent = Agent[AgentContext[Context]](
    name="Helper", instructions="Help.", tools=[whoami], model="gpt-5-mini"
)


class Server(ChatKitServer[Context]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        about = {"role": "system", "content": f"<user id='{context['sub']}'/>"}
        agent_input = [about, *await simple_to_agent_input(page.data[::-1])]
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event
            # An answer is not for longer than its token; what is left of it is lost.
            if time.time() > context["exp"]:
                result.cancel()
                return


app = FastAPI()
server = Server(SealedStore())


@app.middleware("http")
async def authenticate(request: Request, call_next: Any) -> Response:
    words = request.headers.get("authorization", "").split()
    try:
        if len(words) != 2 or words[0].lower() != "bearer":
            raise jwt.InvalidTokenError("no token")
        claims = jwt.decode(
            words[1],
            SECRET,
            algorithms=["HS256"],
            audience=["chatkit"],
            options={"require": ["exp"]},
        )
        if not claims.get("sub"):
            raise jwt.InvalidTokenError("no user")
    except jwt.exceptions.PyJWTError:
        challenge = {"WWW-Authenticate": 'Basic realm="admin", Bearer realm="chat"'}
        return JSONResponse({"error": "unauthorized"}, 401, headers=challenge)
    request.state.claims = claims
    return await call_next(request)


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    try:
        result = await server.process(await request.body(), request.state.claims)
    except (ValidationError, NotFoundError) as error:
        status = 400 if isinstance(error, ValidationError) else 404
        return JSONResponse({"error": type(error).__name__}, status)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
