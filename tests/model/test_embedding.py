"""Vectors of texts: the same each time, as near as the texts share words, whole and in batches."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest

from graders.engine.model import ScriptedModel
from graders.engine.model.embedding import embeddings, vector_of
from graders.engine.model.embeddings_asked import EmbeddingsAsked
from tests.model.transport import async_client, body_of, collect, outgoing


def near(one: str, other: str) -> float:
    return sum(a * b for a, b in zip(vector_of(one), vector_of(other), strict=True))


def test_texts_are_as_near_as_the_words_that_they_share() -> None:
    assert near("Tie a bowline", "tie the BOWLINE!") == pytest.approx(1)
    assert near("red green blue grey", "red green pink gold") == pytest.approx(0.5)
    assert near("harbour", "weather") == 0
    assert near("", "of it") == pytest.approx(1)


def test_vector_is_the_same_each_time_and_as_long_as_asked() -> None:
    assert vector_of("fog on the sea") == vector_of("fog on the sea")
    assert len(vector_of("fog", 64)) == 64
    assert sum(x * x for x in vector_of("fog fog sea", 64)) == pytest.approx(1)


async def test_batch_and_single_text_and_both_encodings_agree() -> None:
    client = async_client(ScriptedModel())
    texts = ["red sail", "blue sail"]
    packed = await client.embeddings.create(model="e", input=texts)
    plain = await client.embeddings.create(model="e", input=texts[1], encoding_format="float")
    assert packed.data[1].embedding == pytest.approx(plain.data[0].embedding)
    assert packed.data[0].embedding == pytest.approx(vector_of("red sail"))


@pytest.mark.parametrize(
    ("given", "texts", "batch"),
    [
        ("one", ("one",), False),
        (["one", "two"], ("one", "two"), True),
        ([[1, 2], [3]], ("token1 token2", "token3"), True),
        ([1, 2], ("token1 token2",), False),
        ([], ("",), False),
        ([{}], ("token{}",), False),
        (["one", 2], ("one", ""), True),
        (None, ("",), False),
    ],
)
async def test_what_was_asked_is_noted(
    given: object, texts: tuple[str, ...], *, batch: bool
) -> None:
    model = ScriptedModel()
    body = json.dumps({"model": "e", "input": given}).encode()
    answer = json.loads(body_of(await collect(model, outgoing(body, "/v1/embeddings"))))
    [call] = model.embeddings.calls
    assert (call.texts, call.batch) == (texts, batch)
    assert len(answer["data"]) == len(texts)
    assert model.embeddings.with_text(texts[0]) == [call]
    assert model.embeddings.with_text("another") == []


@pytest.mark.parametrize("dimensions", [0, -1, 5000, True, "8"])
def test_impossible_dimensions_are_the_usual_ones(dimensions: object) -> None:
    [item] = embeddings({"input": "a", "dimensions": dimensions})["data"]
    assert len(item["embedding"]) == 1536


async def test_too_many_numbers_are_refused() -> None:
    client = async_client(ScriptedModel())
    with pytest.raises(openai.BadRequestError, match="too many"):
        await client.embeddings.create(model="e", input=["text"] * 1000)


async def test_request_that_is_held_is_answered_when_it_is_released() -> None:
    model = ScriptedModel()
    model.embeddings.hold()
    asking = asyncio.ensure_future(async_client(model).embeddings.create(model="e", input="a"))
    for _ in range(100):
        await asyncio.sleep(0)
    assert model.embeddings.waiting == 1
    assert not asking.done()
    model.embeddings.release()
    assert len((await asking).data) == 1
    assert model.embeddings.waiting == 0


async def test_request_for_a_text_that_is_not_held_is_answered_at_once() -> None:
    model = ScriptedModel()
    model.embeddings.hold(but=lambda text: text == "b")
    answer = await async_client(model).embeddings.create(model="e", input=["a", "b"])
    assert len(answer.data) == 2
    assert model.embeddings.waiting == 0


async def test_request_can_be_made_to_fail() -> None:
    model = ScriptedModel()
    model.embeddings.failing = True
    with pytest.raises(openai.InternalServerError):
        await async_client(model).embeddings.create(model="e", input="a")
    assert len(model.embeddings.calls) == 1


def test_nothing_was_asked_at_first() -> None:
    assert EmbeddingsAsked().calls == []
