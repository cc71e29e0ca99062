"""A server object for each user, made when the user first comes: nothing is shared but the model.

There is no owner anywhere and no guard, since no object knows of two users. Errors are left as they
are, so what is not there is a 500 or a broken stream. A limit keeps users from asking too often.
"""

from __future__ import annotations

import os
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from functools import partial

import jwt
from agents import Agent, Runner
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response, StreamingResponse

from memory import MemoryStore

REQUESTS_A_MINUTE = 40


class OneUsersServer(ChatKitServer[None]):
    def __init__(self, user: str) -> None:
        super().__init__(MemoryStore())
        self.agent = Agent[AgentContext[None]](
            name="Secretary", instructions=f"You are the secretary of {user}.", model="gpt-5-mini"
        )

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: None
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        agent_input = await simple_to_agent_input(page.data[::-1])
        result = Runner.run_streamed(self.agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


class Limit:
    """Forty requests a minute."""

    def __init__(self) -> None:
        self.times: deque[float] = deque()

    def reached(self) -> bool:
        now = time.monotonic()
        while self.times and self.times[0] <= now - 60:
            self.times.popleft()
        self.times.append(now)
        return len(self.times) > REQUESTS_A_MINUTE


servers: dict[str, OneUsersServer] = {}
limits: defaultdict[str, Limit] = defaultdict(Limit)
decode = partial(
    jwt.decode,
    key=os.environ["JWT_SECRET"],
    algorithms=["HS256"],
    audience="chatkit",
    leeway=60,
    options={"require": ["exp"]},
)
app = FastAPI()


def user_of(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    try:
        return decode(token.strip()).get("sub")
    except jwt.PyJWTError:
        return None


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    user = user_of(request)
    if not user:
        return PlainTextResponse("Who are you?", 401, headers={"www-authenticate": "bearer"})
    if limits[user].reached():
        return PlainTextResponse("Not so fast.", 429, headers={"retry-after": "60"})
    if user not in servers:
        servers[user] = OneUsersServer(user)
    result = await servers[user].process(await request.body(), None)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
