"""Writes answers as Chat Completions does: chunked deltas, or one JSON object.

Pure: an :class:`~graders.engine.model.answer.Answer` in, bytes out. Reasoning is left
out: OpenAI's Chat Completions has none. Must not know calls, scripts or time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graders.engine.model.answer import (
    CREATED_AT,
    Answer,
    CallPart,
    Piece,
    TextPart,
    to_json,
)
from graders.engine.model.failures import error_body
from graders.engine.model.steps import Fail

_DONE = b"data: [DONE]\n\n"


def whole(answer: Answer) -> bytes:
    """Return the answer to a request that does not stream."""
    calls = [_call(part) for part in answer.parts if isinstance(part, CallPart)]
    texts = [part.text for part in answer.parts if isinstance(part, TextPart)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(answer)}
    body = {**_head(answer, "chat.completion"), "choices": [choice], "usage": _usage(answer)}
    return to_json(body)


def stream(answer: Answer, *, with_usage: bool = False) -> Iterator[Piece]:
    """Yield the answer's chunks, each delta of text in a piece of its own."""
    first = _first_delta(answer)
    if first is not None:
        yield Piece(_chunk(answer, first))
    for part in answer.parts:
        if isinstance(part, TextPart):
            for chunk in part.chunks:
                yield Piece(_chunk(answer, {"content": chunk}), says=chunk, held=part.held)
    yield from _calls(answer)
    if answer.failure is None:
        yield Piece(_end(answer, with_usage=with_usage), last=True)
    elif isinstance(answer.failure, Fail):
        yield Piece(_event({"error": error_body(answer.failure)}), last=True)


def _first_delta(answer: Answer) -> dict[str, Any] | None:
    """Return the delta that names the role.

    The real API sends it with empty text or with a call.
    """
    if answer.parts and not any(isinstance(part, TextPart) for part in answer.parts):
        return None
    return {"role": "assistant", "content": "", "refusal": None}


def _calls(answer: Answer) -> Iterator[Piece]:
    calls = [part for part in answer.parts if isinstance(part, CallPart)]
    for index, part in enumerate(calls):
        opening = {**_call(part), "index": index}
        opening["function"] = {"name": part.name, "arguments": ""}
        delta: dict[str, Any] = {"tool_calls": [opening]}
        if index == 0 and _first_delta(answer) is None:
            delta = {"role": "assistant", "content": None, **delta}
        arguments = {"index": index, "function": {"arguments": part.arguments}}
        yield Piece(_chunk(answer, delta) + _chunk(answer, {"tool_calls": [arguments]}))


def _end(answer: Answer, *, with_usage: bool) -> bytes:
    end = _chunk(answer, {}, finish_reason=_reason(answer))
    if with_usage:
        head = _head(answer, "chat.completion.chunk")
        end += _event({**head, "choices": [], "usage": _usage(answer)})
    return end + _DONE


def _chunk(answer: Answer, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _event({**_head(answer, "chat.completion.chunk"), "choices": [choice], "usage": None})


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + to_json(value) + b"\n\n"


def _head(answer: Answer, kind: str) -> dict[str, Any]:
    return {
        "id": answer.id,
        "object": kind,
        "created": CREATED_AT,
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _call(part: CallPart) -> dict[str, Any]:
    function = {"name": part.name, "arguments": part.arguments}
    return {"id": part.call_id, "type": "function", "function": function}


def _reason(answer: Answer) -> str:
    return "tool_calls" if answer.call_ids else "stop"


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
