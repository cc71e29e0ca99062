"""Streams whose bytes are cut: the same words, the same places for one seed, and real clients."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from graders.engine.model import Chunk, ScriptedModel, say
from graders.engine.model.cutting import Cuts
from tests.model.transport import async_client, collect, outgoing

SAID = ("Größe ", "東京", "👩‍💻", " and on", " to its end.")


@given(st.binary(max_size=200), st.integers(0, 10**9), st.integers(0, 100))
def test_parts_are_the_whole_again_and_the_same_for_one_seed(
    data: bytes, seed: int, number: int
) -> None:
    parts = list(Cuts(seed).parts(data, number))
    assert b"".join(parts) == data
    assert parts == list(Cuts(seed).parts(data, number))
    assert len(parts) <= 3


@given(st.integers(0, 10**9))
def test_characters_and_lines_are_cut(seed: int) -> None:
    events = [f'data: {{"delta": "{text}"}}\n\n'.encode() for text in SAID]
    cut = [list(Cuts(seed).parts(event, number)) for number, event in enumerate(events)]
    for text, parts in zip(SAID, cut, strict=True):
        if not text.isascii():
            assert any(not _decodes(part) for part in parts)
    assert any(not part.endswith(b"\n") for parts in cut[3:] for part in parts)


def _decodes(data: bytes) -> bool:
    return data.decode("utf-8", "replace").encode() == data


async def test_streams_are_cut_only_once_that_was_said() -> None:
    model = ScriptedModel()
    body = json.dumps({"model": "m", "input": "Hi", "stream": True}).encode()
    counts = []
    for _ in range(2):
        model.on("Hi", say(*SAID))
        parts = await collect(model, outgoing(body))
        chunks = [part.data for part in parts if isinstance(part, Chunk)]
        counts.append(sum(not chunk.endswith(b"\n\n") for chunk in chunks))
        model.cut_streams(1)
    assert counts[0] == 0
    assert counts[1] >= 4


async def test_the_real_client_reads_a_cut_stream_of_either_api() -> None:
    model = ScriptedModel()
    model.cut_streams(7)
    client = async_client(model)
    model.on("one", say(*SAID))
    model.on("two", say(*SAID))
    stream = await client.responses.create(model="m", input="one", stream=True)
    deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
    assert tuple(deltas) == SAID
    chunks = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "two"}], stream=True
    )
    texts = [chunk.choices[0].delta.content async for chunk in chunks]
    assert "".join(filter(None, texts)) == "".join(SAID)
