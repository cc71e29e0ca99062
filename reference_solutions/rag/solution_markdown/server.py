"""The same in another style: all in one file, indexed at the start, with Chat Completions.

Vectors come by plain httpx, as floats. Qdrant has the places only, and the texts stay in memory. The
boost is added, the result is Markdown, and each query is asked by itself, all at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from enum import Enum
from pathlib import Path

import httpx
from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import (
    ProgressUpdateEvent,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    UserMessageItem,
)
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai import AsyncOpenAI
from pydantic import BaseModel, ValidationError
from qdrant_client import AsyncQdrantClient, models

from store import Context, MemoryStore

SIZE = 768
CONTENT = {
    str(uuid.uuid5(uuid.NAMESPACE_URL, each["id"])): each
    for each in json.loads(Path(__file__).with_name("content.json").read_text())
}
http = httpx.AsyncClient(
    base_url="https://api.openai.com/v1",
    headers={"Authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"},
)
qdrant = AsyncQdrantClient(path=os.environ["CHATKIT_DATA_DIR"])
current: ContextVar[dict[str, str]] = ContextVar("current")


class Scope(str, Enum):
    LESSON = "lesson"
    CHAPTER = "chapter"
    COURSE = "course"


class Metadata(BaseModel):
    page: dict[str, str] = {}


class Envelope(BaseModel):
    metadata: Metadata = Metadata()


async def vectors_of(texts: list[str]) -> list[list[float]]:
    answer = await http.post(
        "/embeddings",
        json={"model": "text-embedding-3-small", "input": texts, "dimensions": SIZE},
    )
    answer.raise_for_status()
    return [each["embedding"] for each in answer.json()["data"]]


async def index() -> None:
    if await qdrant.collection_exists("course"):
        return
    vectors = await vectors_of([f"{e['title'].upper()}\n\n{e['text']}" for e in CONTENT.values()])
    await qdrant.create_collection(
        "course",
        vectors_config={
            "text": models.VectorParams(size=SIZE, distance=models.Distance.COSINE),
        },
    )
    await qdrant.upsert(
        "course",
        [
            models.PointStruct(
                id=key,
                vector={"text": vector},
                payload={name: each[name] for name in ("chapter", "lesson")},
            )
            for (key, each), vector in zip(CONTENT.items(), vectors, strict=True)
        ],
    )


def nearness(key: str, page: dict[str, str]) -> float:
    same = [CONTENT[key][name] == page.get(name) for name in ("chapter", "lesson")]
    return 0.02 * sum(same)


@function_tool
async def search_content(queries: list[str], scope: Scope) -> str:
    """Search the course's content: in this lesson, in this chapter or in the whole course."""
    page = current.get()
    wanted = [] if scope is Scope.COURSE or not page else [scope.value]
    only = models.Filter(
        must=[
            models.FieldCondition(key=name, match=models.MatchValue(value=page[name]))
            for name in wanted
        ]
    )
    answers = await asyncio.gather(
        *(
            qdrant.query_points("course", query=vector, using="text", query_filter=only, limit=9)
            for vector in await vectors_of([query.strip() for query in queries])
        )
    )
    scores: dict[str, float] = {}
    for point in [point for answer in answers for point in answer.points]:
        key = str(point.id)
        scores[key] = max(scores.get(key, 0.0), point.score + nearness(key, page))
    best = sorted(scores, key=scores.__getitem__, reverse=True)[:4]
    return "\n\n".join(f"## {CONTENT[key]['title']}\n\n{CONTENT[key]['text']}" for key in best)


agent = Agent[AgentContext[Context]](
    name="Guide",
    instructions="Help with the course.",
    model=OpenAIChatCompletionsModel(model="gpt-4o-mini", openai_client=AsyncOpenAI()),
    tools=[search_content],
)


class Guide(ChatKitServer[Context]):
    async def respond(
        self,
        thread: ThreadMetadata,
        input_user_message: UserMessageItem | None,
        context: Context,
    ) -> AsyncIterator[ThreadStreamEvent]:
        current.set(context["page"])
        yield ProgressUpdateEvent(text="Reading the course...")
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        agent_input = await simple_to_agent_input(input_user_message or [])
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        own = self.store.generate_item_id("message", thread, context)
        async for event in stream_agent_response(agent_context, result):
            match event:
                case ThreadItemAddedEvent() | ThreadItemDoneEvent():
                    event.item.id = own
                case ThreadItemUpdatedEvent():
                    event.item_id = own
            yield event


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await index()
    yield
    await qdrant.close()


app = FastAPI(lifespan=lifespan)
server = Guide(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    body = await request.body()
    try:
        page = Envelope.model_validate_json(body).metadata.page
        result = await server.process(body, {"page": page})
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
