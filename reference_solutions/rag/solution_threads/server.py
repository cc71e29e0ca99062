"""The same with sync clients, in a thread of their own: nothing in the event loop waits for them.

The passages are embedded nine at a time; the boost is just 2.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from agents import Agent, RunContextWrapper, Runner, function_tool
from chatkit.agents import AgentContext, simple_to_agent_input, stream_agent_response
from chatkit.server import ChatKitServer, StreamingResult
from chatkit.types import ThreadMetadata, ThreadStreamEvent, UserMessageItem
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from openai import OpenAI
from pydantic import ValidationError
from qdrant_client import QdrantClient
from qdrant_client.models import Distance, FieldCondition, Filter, MatchValue, PointStruct
from qdrant_client.models import VectorParams

from store import Context, MemoryStore

BATCH = 9
BOOSTS = {"chapter": 1.25, "lesson": 1.6}
worker = ThreadPoolExecutor(max_workers=1)
openai = OpenAI()
content: list[dict[str, str]] = json.loads((Path(__file__).parent / "content.json").read_text())
clients: list[QdrantClient] = []


def embed(texts: list[str]) -> list[list[float]]:
    answer = openai.embeddings.create(model="text-embedding-3-large", input=texts)
    return [each.embedding for each in answer.data]


def opened() -> QdrantClient:
    """Open Qdrant in the worker's thread, and fill it if it is new."""
    if not clients:
        clients.append(QdrantClient(path=f"{os.environ['CHATKIT_DATA_DIR']}/vectors"))
    client = clients[0]
    if not client.collection_exists("passages"):
        vectors: list[list[float]] = []
        for start in range(0, len(content), BATCH):
            some = content[start : start + BATCH]
            vectors += embed([f"{each['title']}. {each['text']}" for each in some])
        client.create_collection(
            "passages", vectors_config=VectorParams(size=len(vectors[0]), distance=Distance.COSINE)
        )
        client.upsert(
            "passages",
            [
                PointStruct(id=number, vector=vector, payload=content[number])
                for number, vector in enumerate(vectors)
            ],
        )
    return client


def found(queries: list[str], scope: str, page: dict[str, str]) -> list[dict[str, str]]:
    client = opened()
    only = None
    if page and scope in BOOSTS:
        only = Filter(must=[FieldCondition(key=scope, match=MatchValue(value=page[scope]))])
    scores: dict[int, float] = {}
    for vector in embed(queries):
        answer = client.query_points("passages", query=vector, query_filter=only, limit=len(content))
        for point in answer.points:
            score = point.score
            for name, factor in BOOSTS.items():
                score *= factor if page.get(name) == point.payload[name] else 1
            scores[point.id] = max(score, scores.get(point.id, 0))
    best = sorted(scores, key=lambda number: -scores[number])[:5]
    return [content[number] for number in best]


@function_tool
async def search_content(
    ctx: RunContextWrapper[AgentContext[Context]], queries: list[str], scope: str = "course"
) -> dict[str, Any]:
    """Search the course's content."""
    page = ctx.context.request_context["page"]
    loop = asyncio.get_running_loop()
    try:
        passages = await loop.run_in_executor(worker, found, queries, scope, page)
    except Exception:
        return {"error": "the search is out of order"}
    return {"passages": passages}


agent = Agent[AgentContext[Context]](name="Guide", model="gpt-5-mini", tools=[search_content])


class Guide(ChatKitServer[Context]):
    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Context
    ) -> AsyncIterator[ThreadStreamEvent]:
        page = await self.store.load_thread_items(thread.id, None, 20, "desc", context)
        agent_input = await simple_to_agent_input(list(reversed(page.data)))
        agent_context = AgentContext(thread=thread, store=self.store, request_context=context)
        result = Runner.run_streamed(agent, agent_input, context=agent_context)
        async for event in stream_agent_response(agent_context, result):
            yield event


app = FastAPI()
server = Guide(MemoryStore())


@app.post("/chatkit")
async def chatkit(request: Request) -> Response:
    body = await request.body()
    try:
        result = await server.process(body, {"page": _page(body)})
    except ValidationError:
        return JSONResponse({"error": "this is not a ChatKit request"}, status_code=400)
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")


def _page(body: bytes) -> dict[str, str]:
    try:
        return dict(json.loads(body).get("metadata", {}).get("page", {}))
    except ValueError:
        return {}
