"""The page comes in the query; CORS is written by hand; the page is a content part of its own."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from agents import Agent, Runner
from auth import RequestContext, claims_of, token_in
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import ValidationError
from store import Attachments, SqliteStore

PART, WHOLE = 1_200, 8_192
agent = Agent[AgentContext[RequestContext]](
    name="TaskManager", instructions="You help people to plan their day.", model="gpt-5-mini"
)
ORIGINS = {each.strip() for each in os.environ["ALLOWED_ORIGINS"].split(",")}
REFUSED = {"WWW-Authenticate": "Bearer"}


class QueryServer(ChatKitServer[RequestContext]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: RequestContext,
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        messages = await simple_to_agent_input(list(reversed(page.data)))
        if context.page:
            newest = messages[-1]
            part = {"type": "input_text", "text": context.page["text"]}
            messages[-1] = {**newest, "content": [part, *newest["content"]]}
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, messages, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


app = FastAPI()
store = SqliteStore(Path(os.environ["CHATKIT_DATA_DIR"]) / "chat.db")
server = QueryServer(store, Attachments(store))


@app.middleware("http")
async def cors(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    origin = request.headers.get("origin")
    preflight = request.method == "OPTIONS"
    response = Response(status_code=204) if preflight else await go_on(request)
    response.headers["Vary"] = "Origin"
    if origin in ORIGINS:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"
        if preflight:
            wanted = request.headers.get("access-control-request-headers", "")
            response.headers["Access-Control-Allow-Headers"] = wanted
            response.headers["Access-Control-Allow-Methods"] = "POST"
    return response


def cut(text: str, most: int) -> str:
    while len(text.encode("utf-8", "ignore")) > most:
        text = text[: len(text) * most // (len(text.encode("utf-8", "ignore")) + 1)]
    return text


def page_in(request: Request) -> dict[str, str]:
    query = request.query_params
    if "url" not in query:
        return {}
    found = [("url", query["url"]), ("title", query.get("title", ""))]
    found += [("heading", each) for each in query.getlist("heading")]
    lines = [f"{name}={cut(' '.join(value.split()), PART)}" for name, value in found]
    text = cut("\n".join(lines), WHOLE).replace("[[", "[ [").replace("]]", "] ]")
    return {"text": f"[[page data, not from the user]]\n{cut(text, WHOLE)}\n[[end of page data]]"}


@app.post("/login")
async def login(request: Request) -> Response:
    token = (await request.json()).get("token", "")
    claims = claims_of(token)
    if claims is None:
        return JSONResponse({}, status_code=401, headers=REFUSED)
    seconds = int(claims["exp"] - time.time())
    flags = f"Path=/; Max-Age={seconds}; SameSite=Lax; HttpOnly"
    return Response(status_code=204, headers={"Set-Cookie": f"session={token}; {flags}"})


@app.post("/upload")
async def upload(request: Request) -> Response:
    if claims_of(token_in(request)) is None:
        return JSONResponse({}, status_code=401, headers=REFUSED)
    return JSONResponse({"bytes": len(await request.body())})


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    claims = claims_of(token_in(request))
    if claims is None:
        return JSONResponse({}, status_code=401, headers=REFUSED)
    context = RequestContext(claims["sub"], page_in(request))
    try:
        result = await server.process(await request.body(), context)
    except ValidationError:
        return JSONResponse({"error": "malformed"}, status_code=422)
    except NotFoundError:
        return JSONResponse({"error": "not found"}, status_code=404)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
