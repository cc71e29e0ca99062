"""The endpoint itself: bodies, content types and headers, and what is malformed."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from graders.engine.harness import Stalled, criterion, expect, found, needed
from graders.lesson02.scenarios import MALFORMED, FirstMessage, Malformed


@criterion("json-object")
async def test_other_requests_get_a_json_object(first: FirstMessage) -> None:
    needed(
        any(event.thread_id for event in first.begun.events),
        "The first message made no thread.",
        by="server-answers",
    )
    reply = first.items.value
    expect(
        reply.status == 200,
        f"`items.list` was answered with status {reply.status}: {reply.excerpt}.",
        at=reply.serial,
        hint="status",
    )
    expect(
        type(reply.json) is not str,
        "The body of `items.list` is a JSON string that holds JSON.",
        at=reply.serial,
        hint="string",
    )
    expect(
        type(reply.json) is dict,
        f"The body of `items.list` is not a JSON object: {reply.excerpt}.",
        at=reply.serial,
    )


@criterion("content-types", case="streams")
async def test_streams_are_event_streams(first: FirstMessage) -> None:
    _expect_type(first.begun.headers.get("content-type", ""), "text/event-stream", "A stream")


@criterion("content-types", case="other answers")
async def test_other_answers_are_json(first: FirstMessage) -> None:
    outcome = first.items
    needed(
        outcome.finding is None and outcome.value.status == 200 and _is_json(outcome.value.body),
        "`items.list` was not answered with JSON.",
        by="json-object",
    )
    got = outcome.value.headers.get("content-type", "")
    _expect_type(got, "application/json", "`items.list`")


def _expect_type(got: str, wanted: str, what: str) -> None:
    expect(
        got.partition(";")[0].strip().lower() == wanted,
        f"{what} came with the content type {got!r}, not {wanted!r}."
        if got
        else f"{what} came without a content type.",
    )


@criterion("sse-headers", case="Cache-Control: no-cache")
async def test_streams_are_not_cached(first: FirstMessage) -> None:
    value = first.begun.headers.get("cache-control", "")
    directives = {part.strip().lower() for part in value.split(",")}
    expect("no-cache" in directives, _header_seen("Cache-Control", value))


@criterion("sse-headers", case="X-Accel-Buffering: no")
async def test_streams_are_not_buffered(first: FirstMessage) -> None:
    value = first.begun.headers.get("x-accel-buffering", "")
    expect(value.strip().lower() == "no", _header_seen("X-Accel-Buffering", value))


def _header_seen(name: str, value: str) -> str:
    return f"The stream has `{name}: {value}`." if value else f"The stream has no `{name}` header."


@criterion("malformed-body")
@pytest.mark.parametrize("case", MALFORMED)
async def test_malformed_request_is_refused(
    case: str, malformed: Mapping[str, Malformed], first: FirstMessage
) -> None:
    good = first.begun
    needed(first.said.ends, "A good message gets no whole stream.", by="server-answers")
    reply = malformed[case].reply.value
    expect(
        400 <= reply.status < 500,
        f"{case.capitalize()} was answered with status {reply.status}, not with a 4xx.",
        at=reply.serial,
    )
    expect(
        _is_json(reply.body),
        f"The answer to {case} is not JSON: {reply.excerpt}.",
        at=reply.serial,
        hint="not-json",
    )
    try:
        stream = malformed[case].next.whole
    except Stalled as stalled:
        found(f"After {case}, a good message got no answer.", at=stalled.mark, hint="next-request")
    expect(
        stream.status == 200 and stream.answered == good.answered,
        f"After {case}, a good message was not answered (status {stream.status}).",
        at=stream.last_serial,
        hint="next-request",
    )


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
