"""The SSE decoder against its vectors, against a second reading of the standard, and for size."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graders.engine.protocol import SseDecoder, SseEvent
from tests.protocol.vectors import as_bytes, load, names

VECTORS = load("sse")


def decode(pieces: Iterable[bytes]) -> tuple[list[SseEvent], SseDecoder]:
    decoder = SseDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    assert decoder.flush() == []
    return events, decoder


def byte_by_byte(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def expected(vector: dict[str, Any]) -> list[SseEvent]:
    return [SseEvent(**{"event": "message", **event}) for event in vector["events"]]


@pytest.mark.parametrize("vector", VECTORS, ids=names(VECTORS))
def test_vector_fed_whole(vector: dict[str, Any]) -> None:
    events, decoder = decode([as_bytes(vector)])
    assert events == expected(vector)
    if "leftover" in vector:
        assert decoder.leftover == vector["leftover"].encode()
    assert decoder.unfinished == vector.get("unfinished", decoder.unfinished)


@pytest.mark.parametrize("vector", VECTORS, ids=names(VECTORS))
def test_vector_fed_byte_by_byte(vector: dict[str, Any]) -> None:
    data = as_bytes(vector)
    events, decoder = decode(byte_by_byte(data))
    assert events == expected(vector)
    _, whole = decode([data])
    assert (decoder.leftover, decoder.unfinished) == (whole.leftover, whole.unfinished)


@pytest.mark.parametrize("vector", VECTORS, ids=names(VECTORS))
def test_vector_fed_with_trailing_bytes(vector: dict[str, Any]) -> None:
    trailing = b"data: not finished"
    events, decoder = decode([as_bytes(vector) + trailing])
    assert events == expected(vector)
    assert decoder.leftover.endswith(trailing)


def test_the_vectors_are_sound() -> None:
    assert len(VECTORS) >= 40
    assert len(set(names(VECTORS))) == len(VECTORS)
    known = {"name", "why", "input", "input_hex", "events", "leftover", "unfinished"}
    for vector in VECTORS:
        assert vector["why"].endswith("."), vector["name"]
        assert set(vector) <= known, vector["name"]
        assert ("input" in vector) != ("input_hex" in vector), vector["name"]


def by_the_standard(data: bytes) -> list[SseEvent]:
    """Run the standard's algorithm once more, on the whole stream and as naively as possible."""
    text = data.decode("utf-8", "replace").removeprefix("\ufeff")
    events = []
    buffer = kind = last_id = ""
    retry = None
    for line in re.split("\r\n|\r|\n", text)[:-1]:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if buffer:
                events.append(SseEvent(kind or "message", buffer[:-1], last_id, retry))
            buffer, kind, retry = "", "", None
        elif field == "data":
            buffer += value + "\n"
        elif field == "event":
            kind = value
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and re.fullmatch("[0-9]{1,18}", value):
            retry = int(value)
    return events


FIELDS = [b"data", b"data: x", b"event", b"id", b"retry", b":", b" ", b"7", b"x", b"\0"]
LINE_ENDS = [b"\n", b"\r", b"\r\n", b"\n\n", "\u2028".encode()]
BROKEN = [b"\xef\xbb\xbf", b"\xff", b"\xf0\x9f", b"\x98\x80"]
FRAGMENTS = st.sampled_from([*FIELDS, *LINE_ENDS, *BROKEN])
STREAMS = st.lists(FRAGMENTS | st.binary(max_size=4), max_size=40).map(b"".join)


@given(STREAMS)
@settings(deadline=None)
def test_any_bytes_give_what_the_standard_says(data: bytes) -> None:
    assert decode([data])[0] == by_the_standard(data)


@given(STREAMS, st.lists(st.integers(min_value=0, max_value=200)))
@settings(deadline=None)
def test_any_split_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(data)]
    events, decoder = decode([data[a:b] for a, b in pairwise(at)])
    whole_events, whole = decode([data])
    assert events == whole_events
    assert (decoder.leftover, decoder.unfinished) == (whole.leftover, whole.unfinished)


def test_feed_gives_an_event_with_the_byte_that_completes_it() -> None:
    decoder = SseDecoder()
    assert decoder.feed(b"data: a\n") == []
    assert decoder.feed(b"\r") == [SseEvent("message", "a")]
    assert decoder.feed(b"\ndata: b\n\n") == [SseEvent("message", "b")]


def test_feed_of_nothing_between_cr_and_lf_changes_nothing() -> None:
    events, _ = decode([b"data: a\r", b"", b"\ndata: b\r\n\r\n"])
    assert [event.data for event in events] == ["a\nb"]


def test_leftover_shrinks_when_an_event_is_done() -> None:
    decoder = SseDecoder()
    decoder.feed(b"data: a")
    assert (decoder.leftover, decoder.unfinished) == (b"data: a", True)
    decoder.feed(b"\n\n")
    assert (decoder.leftover, decoder.unfinished) == (b"", False)


# The sizes below take a moment in linear time and would not end in quadratic time.


def test_a_line_of_ten_megabytes_in_small_pieces() -> None:
    line = b"data: " + b"x" * 10_000_000 + b"\n\n"
    events, _ = decode(line[at : at + 500] for at in range(0, len(line), 500))
    assert [len(event.data) for event in events] == [10_000_000]


def test_a_line_of_a_megabyte_byte_by_byte() -> None:
    events, _ = decode(byte_by_byte(b"data: " + b"x" * 1_000_000 + b"\n\n"))
    assert [len(event.data) for event in events] == [1_000_000]


def test_a_block_of_many_lines_and_a_feed_of_many_events() -> None:
    lines, _ = decode([b"data: x\n" * 200_000 + b"\n"])
    assert lines[0].data.count("x") == 200_000
    events, decoder = decode([b"data: x\n\n" * 200_000])
    assert len(events) == 200_000
    assert decoder.leftover == b""
