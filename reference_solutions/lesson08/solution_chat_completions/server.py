"""The TaskManager over Chat Completions, with a JSON file for each user and a middleware."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

from chatkit.agents import AgentContext
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import (
    Action,
    ThreadItemDoneEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
    WidgetItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from jose import JWTError, jwt
from pydantic import ValidationError

from accounts import Account, AccountStore, forget_old_threads
from agent import answer, finish, widget_of

WINDOW = 50
OPTIONS = {"require_exp": True, "require_sub": True, "require_aud": True}


class TaskServer(ChatKitServer[Account]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Account
    ) -> AsyncIterator[ThreadStreamEvent]:
        if thread.title is None and input_user_message is not None:
            # The SDK stores a thread that has changed.
            thread.title = f"Talk of {datetime.now():%A}"
        page = await self.store.load_thread_items(thread.id, None, WINDOW, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        async for event in answer(agent_context, reversed(page.data)):
            yield event

    async def action(
        self,
        thread: ThreadMetadata,
        action: Action[str, Any],
        sender: WidgetItem | None,
        context: Account,
    ) -> AsyncIterator[ThreadStreamEvent]:
        known = action.type == "complete_task" and isinstance(action.payload, dict)
        if known and finish(context, str(action.payload.get("task_id"))) and sender is not None:
            # An item that is done again takes the place of the old one.
            sender.widget = widget_of(context)
            yield ThreadItemDoneEvent(item=sender)


app = FastAPI()
server = TaskServer(AccountStore())


@app.middleware("http")
async def sign_in(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise JWTError("no bearer token")
        secret = os.environ["JWT_SECRET"]
        claims = jwt.decode(
            token.strip(), secret, algorithms=["HS256"], audience="chatkit", options=OPTIONS
        )
        if not claims["sub"]:
            raise JWTError("nobody")
    except JWTError:
        return JSONResponse({"error": "sign in"}, 401, headers={"WWW-Authenticate": "Bearer"})
    request.state.account = Account(claims["sub"])
    return await call_next(request)


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    forget_old_threads()
    try:
        result = await server.process(await request.body(), request.state.account)
    except ValidationError:
        return JSONResponse({"error": "not a ChatKit request"}, status_code=422)
    except (NotFoundError, NotImplementedError):
        return JSONResponse({"error": "not found"}, status_code=404)
    if isinstance(result, StreamingResult):
        return StreamingResponse(
            result,
            media_type="text/event-stream",
            headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
        )
    return Response(result.json, media_type="application/json")
