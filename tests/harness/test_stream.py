"""Streams over chunks that the test hands in."""

from __future__ import annotations

import itertools
import json

import httpx
import pytest

from graders.engine.core.errors import Finding
from graders.engine.harness import ServerDied, Stalled, Stream, Trace, stream
from graders.engine.server.link.transport import CHUNKS
from tests.protocol.stories import raw

STORY = [
    {"type": "thread.created", "thread": {"id": "thr_1", "created_at": "2026-01-01T00:00:00"}},
    raw("thread.item.done/user_message", id="u1"),
    raw("thread.item.added/assistant_message", id="a1"),
    raw("part.added", id="a1"),
    raw("text_delta", id="a1", delta="Hel"),
    raw("text_delta", id="a1", delta="lo"),
    raw("part.done", id="a1", text="Hello"),
    raw("thread.item.done/assistant_message", id="a1", texts=["Hello"]),
]


class Chunks:
    """Hands out chunks, raises exceptions among them, and ends."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self._coming = iter(chunks)
        self.closed = False

    async def next(self) -> bytes | None:
        """Return the next chunk."""
        coming = next(self._coming, None)
        if isinstance(coming, Exception):
            raise coming
        return coming


def event_bytes(*events: object) -> bytes:
    """Write events as a server does."""
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def stream_of(*chunks: bytes | Exception, status: int = 200) -> tuple[Stream, Trace]:
    """Return a stream of these chunks, and the record that it writes to."""
    ticks = itertools.count()
    trace = Trace(now=lambda: next(ticks))
    serial = trace.add("client", "threads.create", "user: hello")
    response = httpx.Response(status, extensions={CHUNKS: Chunks(*chunks)})
    return Stream(response, trace, request_serial=serial), trace


async def finished(*events: object) -> Stream:
    """Return a stream that was read to its end."""
    return await stream_of(event_bytes(*events))[0].finish()


async def test_events_come_one_by_one_though_a_chunk_holds_several() -> None:
    coming, trace = stream_of(event_bytes(*STORY[:2]), event_bytes(STORY[2]))
    first = await coming.next()
    assert first is not None
    assert first.type == "thread.created"
    assert coming.events == [first]
    assert [entry.kind for entry in trace.entries] == ["threads.create", "thread.created"]
    await coming.finish()
    assert len(coming.events) == 3
    assert coming.ended
    assert bytes(coming.body) == event_bytes(*STORY[:3])


async def test_an_event_that_is_cut_in_the_middle_of_a_letter_is_put_together() -> None:
    data = event_bytes({"type": "progress_update", "text": "fünf"})
    data = data.replace(b"\\u00fc", "ü".encode())
    coming, _ = stream_of(*[data[index : index + 1] for index in range(len(data))])
    event = await coming.next()
    assert event is not None
    assert event.raw["text"] == "fünf"


async def test_what_is_left_of_an_unfinished_event_is_no_event() -> None:
    coming, _ = stream_of(event_bytes(STORY[0])[:-1])
    assert await coming.next() is None
    assert coming.events == []


async def test_after_the_end_there_is_nothing_more() -> None:
    coming, _ = stream_of()
    assert await coming.next() is None
    assert await coming.next() is None


async def test_an_answer_is_read_off_the_events() -> None:
    answer = await finished(*STORY)
    assert answer.thread_id == "thr_1"
    assert answer.text == "Hello"
    assert answer.finished_text == "Hello"
    assert answer.answered
    assert answer.error is None
    assert answer.user_item is answer.events[1]
    assert answer.assistant_item is answer.events[-1]


async def test_of_several_answers_the_last_is_the_item_and_all_are_the_text() -> None:
    second = raw("thread.item.done/assistant_message", id="a2", texts=[" again"])
    answer = await finished(*STORY, second)
    assert answer.assistant_item is answer.events[-1]
    assert answer.finished_text == "Hello again"


async def test_where_no_item_was_finished_the_deltas_are_the_text() -> None:
    answer = await finished(*STORY[:5])
    assert answer.finished_text == "Hel"
    assert answer.assistant_item is None


async def test_halves_of_one_character_in_two_deltas_are_joined_as_in_a_browser() -> None:
    halves = (raw("text_delta", id="a1", delta=half) for half in ("so \ud83d", "\ude00"))
    assert (await finished(*STORY[:2], *halves)).text == "so \U0001f600"


async def test_an_error_event_is_found() -> None:
    answer = await finished({"type": "error", "code": "stream.error", "allow_retry": True})
    assert answer.error is answer.events[0]
    assert not answer.answered
    assert answer.user_item is None


async def test_a_missing_thread_is_a_finding_at_the_last_event() -> None:
    answer = await finished(*STORY[1:3])
    with pytest.raises(Finding, match=r"no `thread.created` event") as finding:
        _ = answer.thread_id
    assert finding.value.mark == 3


async def test_until_reads_up_to_a_label_and_no_further() -> None:
    coming, _ = stream_of(event_bytes(*STORY))
    event = await coming.until("thread.item.updated/assistant_message.content_part.text_delta")
    assert event.delta == "Hel"
    assert coming.text == "Hel"
    with pytest.raises(Finding, match=r"the stream ended without `thread\.item\.replaced`"):
        await coming.until("thread.item.replaced")


async def test_marks_are_the_serial_numbers_of_the_transcript() -> None:
    coming, trace = stream_of(event_bytes(*STORY[:3]))
    await coming.finish()
    assert [coming.serial(index) for index in range(3)] == [2, 3, 4]
    assert coming.mark_of(coming.events[1]) == 3
    assert coming.mark_of(None) == coming.last_serial == 4
    marked = [line.kind for line in trace.lines(coming.serial(1)) if line.marked]
    assert marked == ["thread.item.done/user_message"]


@pytest.mark.parametrize(
    ("events", "fails"),
    [
        ([*STORY, {"type": "error", "code": "x"}], False),
        ([*STORY[:-1], {"type": "error", "code": "x"}, STORY[-1]], True),
        ([STORY[1], {"type": "error", "code": "x"}], True),
        (STORY, False),
    ],
)
async def test_an_error_is_a_failure_unless_a_message_was_finished_before(
    events: list[object], *, fails: bool
) -> None:
    assert ((await finished(*events)).failure is not None) == fails


async def test_a_thread_is_known_by_its_items_where_its_creation_is_not_told() -> None:
    assert (await finished(*STORY)).any_thread_id == "thr_1"
    item = {"type": "thread.item.done", "item": {"type": "user_message", "thread_id": "thr_2"}}
    assert (await finished({"type": "stream_options"}, item)).any_thread_id == "thr_2"
    with pytest.raises(Finding, match=r"no `thread\.created` event"):
        _ = (await finished({"type": "stream_options"})).any_thread_id


async def test_a_status_that_is_not_200_is_an_entry_of_its_own() -> None:
    coming, trace = stream_of(event_bytes(STORY[0]), status=404)
    assert coming.last_serial == 2
    await coming.finish()
    assert coming.serial(0) == 3
    assert [entry.text for entry in trace.entries][1] == "404"


async def test_a_stream_without_anything_is_marked_at_its_request() -> None:
    coming, _ = stream_of()
    assert coming.last_serial == 1


async def test_a_stream_that_breaks_off_keeps_what_came() -> None:
    coming, trace = stream_of(event_bytes(STORY[0]), ServerDied("the server's process ended"))
    await coming.finish()
    assert len(coming.events) == 1
    assert isinstance(coming.broke, ServerDied)
    assert trace.entries[-1].text == "the stream breaks off: the server's process ended"


async def test_a_stalled_stream_can_be_read_on() -> None:
    coming, _ = stream_of(Stalled("nothing to do"), event_bytes(STORY[0]))
    with pytest.raises(Stalled):
        await coming.next()
    assert not coming.ended
    assert await coming.next() is not None


async def test_a_stalled_stream_can_be_left() -> None:
    coming, trace = stream_of(event_bytes(STORY[0]), Stalled("nothing to do"))
    assert not await coming.finish_or_leave()
    assert coming.ended
    assert trace.entries[-1].kind == "leaves"
    assert await stream_of()[0].finish_or_leave()


async def test_leaving_after_the_end_is_not_told() -> None:
    coming, trace = stream_of()
    await coming.finish()
    await coming.close()
    assert [entry.kind for entry in trace.entries] == ["threads.create"]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (STORY[4], "Hel"),
        (STORY[-1], "Hello"),
        ({"type": "error", "message": "Oh\nno", "code": "x"}, r"Oh\nno"),
        ({"type": "error", "code": "stream.error"}, "stream.error"),
        ({"type": "progress_update", "text": "Reading..."}, "Reading..."),
        ({"type": "thread.updated"}, ""),
    ],
)
async def test_an_event_is_told_in_a_few_words(event: object, told: str) -> None:
    assert stream.told((await finished(event)).events[0]) == told


async def test_what_is_no_event_is_told_as_unreadable() -> None:
    coming, trace = stream_of(b"data: {oops\n\n")
    await coming.finish()
    assert trace.entries[-1].kind == "unreadable"
    assert trace.entries[-1].text
