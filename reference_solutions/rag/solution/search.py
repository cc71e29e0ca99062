"""The course's content in Qdrant, and the search in it."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI
from qdrant_client import AsyncQdrantClient
from qdrant_client.models import (
    Distance,
    FieldCondition,
    Filter,
    MatchValue,
    PointStruct,
    QueryRequest,
    VectorParams,
)

COLLECTION = "content"
MODEL = "text-embedding-3-small"
DIMENSIONS = 1536
MOST_RESULTS = 5
CHAPTER_BOOST = 1.2
LESSON_BOOST = 1.2


@dataclass(frozen=True)
class Page:
    """The page that the user is on."""

    chapter: str
    lesson: str


def load_content() -> list[dict[str, str]]:
    return json.loads((Path(__file__).parent / "content.json").read_text(encoding="utf-8"))


class ContentIndex:
    """Searches the passages by the vectors of queries."""

    def __init__(self) -> None:
        folder = Path(os.environ["CHATKIT_DATA_DIR"]) / "qdrant"
        self.qdrant = AsyncQdrantClient(path=str(folder))
        self.openai = AsyncOpenAI()
        self.lock = asyncio.Lock()
        self.ready = False

    async def search(self, queries: list[str], scope: str, page: Page | None) -> str:
        """Return the best passages as JSON, for the model."""
        await self.make_ready()
        vectors = await self.embed(queries)
        answers = await self.qdrant.query_batch_points(
            COLLECTION,
            requests=[
                QueryRequest(
                    query=vector,
                    filter=scope_filter(scope, page),
                    limit=4 * MOST_RESULTS,
                    with_payload=True,
                )
                for vector in vectors
            ],
        )
        points = [point for answer in answers for point in answer.points]
        best: dict[Any, tuple[float, dict[str, str]]] = {}
        for point in points:
            passage = point.payload or {}
            score = point.score * boost(passage, page)
            if point.id not in best or best[point.id][0] < score:
                best[point.id] = (score, passage)
        ranked = sorted(best.values(), key=lambda each: -each[0])[:MOST_RESULTS]
        return json.dumps([passage for _, passage in ranked])

    async def make_ready(self) -> None:
        """Index the content, unless that was done, in this process or in an earlier one."""
        async with self.lock:
            if self.ready:
                return
            content = load_content()
            if not await self.qdrant.collection_exists(COLLECTION):
                params = VectorParams(size=DIMENSIONS, distance=Distance.COSINE)
                await self.qdrant.create_collection(COLLECTION, vectors_config=params)
            if (await self.qdrant.count(COLLECTION)).count < len(content):
                vectors = await self.embed([f"{each['title']}\n{each['text']}" for each in content])
                points = [
                    PointStruct(id=number, vector=vector, payload=passage)
                    for number, (vector, passage) in enumerate(zip(vectors, content, strict=True))
                ]
                await self.qdrant.upsert(COLLECTION, points=points)
            self.ready = True

    async def embed(self, texts: list[str]) -> list[list[float]]:
        answer = await self.openai.embeddings.create(model=MODEL, input=texts)
        return [each.embedding for each in answer.data]


def scope_filter(scope: str, page: Page | None) -> Filter | None:
    if page is None or scope not in {"chapter", "lesson"}:
        return None
    wanted = page.chapter if scope == "chapter" else page.lesson
    return Filter(must=[FieldCondition(key=scope, match=MatchValue(value=wanted))])


def boost(passage: dict[str, str], page: Page | None) -> float:
    if page is None or passage["chapter"] != page.chapter:
        return 1.0
    return CHAPTER_BOOST * (LESSON_BOOST if passage["lesson"] == page.lesson else 1.0)
