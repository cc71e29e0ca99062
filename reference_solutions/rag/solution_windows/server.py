"""The same with windows of words: a passage is found by its best part, wherever it was cut.

Each message is searched for by itself as well, before the model is asked: what fits stands in the
instructions. Qdrant groups the parts by their passage, and the result is XML.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai import AsyncOpenAI, OpenAIError
from pydantic import ValidationError
from qdrant_client import AsyncQdrantClient
from qdrant_client.models import (
    Distance,
    FieldCondition,
    Filter,
    MatchValue,
    PointStruct,
    VectorParams,
)

from store import Context, MemoryStore

WINDOW, STEP = 14, 10
PASSAGES: list[dict[str, str]] = json.loads(
    (Path(__file__).parent / "content.json").read_text(encoding="utf-8")
)
BY_ID = {each["id"]: each for each in PASSAGES}
openai = AsyncOpenAI()
qdrant = AsyncQdrantClient(path=os.path.join(os.environ["CHATKIT_DATA_DIR"], "windows"))


def windows(text: str) -> list[str]:
    words = text.split()
    starts = range(0, max(1, len(words) - WINDOW + STEP), STEP)
    return [" ".join(words[start : start + WINDOW]) for start in starts]


async def embed(texts: list[str]) -> list[list[float]]:
    answer = await openai.embeddings.create(model="text-embedding-3-small", input=texts)
    return [each.embedding for each in answer.data]


async def index() -> None:
    if await qdrant.collection_exists("windows"):
        return
    parts = [(each, part) for each in PASSAGES for part in windows(each["text"])]
    vectors = await embed([f"{passage['title']}: {part}" for passage, part in parts])
    params = VectorParams(size=len(vectors[0]), distance=Distance.COSINE)
    await qdrant.create_collection("windows", vectors_config=params)
    points = [
        PointStruct(id=uuid.uuid4().hex, vector=vector, payload={**passage, "part": part})
        for (passage, part), vector in zip(parts, vectors, strict=True)
    ]
    await qdrant.upsert("windows", points)


async def search(queries: list[str], scope: str, page: dict[str, str]) -> list[dict[str, str]]:
    only = None
    if page and scope in {"lesson", "chapter"}:
        only = Filter(must=[FieldCondition(key=scope, match=MatchValue(value=page[scope]))])
    scores: dict[str, float] = {}
    for vector in await embed(queries):
        answer = await qdrant.query_points_groups(
            "windows", "id", query=vector, query_filter=only, limit=20, group_size=1
        )
        for group in answer.groups:
            passage = BY_ID[str(group.id)]
            near = sum(passage[name] == page.get(name) for name in ("chapter", "lesson"))
            score = group.hits[0].score * (1, 1.15, 1.4)[near]
            scores[passage["id"]] = max(score, scores.get(passage["id"], 0))
    return [BY_ID[key] for key in sorted(scores, key=scores.__getitem__, reverse=True)[:5]]


def as_xml(passages: list[dict[str, str]]) -> str:
    found = (f'<passage title="{each["title"]}">\n{each["text"]}\n</passage>' for each in passages)
    return "\n".join(["<found>", *found, "</found>"])


@function_tool
async def search_content(
    ctx: RunContextWrapper[AgentContext[Context]], queries: list[str], scope: str
) -> str:
    """Search the course's content."""
    return as_xml(await search(queries, scope, ctx.context.request_context["page"]))


class Guide(ChatKitServer[Context]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent = Agent[AgentContext[Context]](
            name="Guide",
            instructions=f"Help with the course. {await known(input_user_message, context)}",
            tools=[search_content],
        )
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


async def known(message: UserMessageItem | None, context: Context) -> str:
    """Return what fits a message; nothing if it cannot be searched for."""
    if message is None:
        return ""
    try:
        said = " ".join(part.text for part in message.content)
        return as_xml(await search([said], "course", context["page"]))
    except OpenAIError:
        return ""


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
        page = (json.loads(body).get("metadata") or {}).get("page") or {}
        result = await server.process(body, {"page": page})
    except (AttributeError, ValueError, ValidationError):
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")
