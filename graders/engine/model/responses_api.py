"""Writes answers as the Responses API does: server-sent events, or one JSON object.

Pure: an :class:`~graders.engine.model.answer.Answer` in, bytes out. Must not know calls,
scripts or time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from graders.engine.model.answer import (
    CREATED_AT,
    Answer,
    CallPart,
    Part,
    Piece,
    ReasoningPart,
    TextPart,
    to_json,
)
from graders.engine.model.failures import stream_code
from graders.engine.model.steps import Fail

_ARGUMENT_DELTA = 24


def whole(answer: Answer) -> bytes:
    """Return the answer to a request that does not stream."""
    return to_json(_response(answer, "completed", [_done_item(part) for part in answer.parts]))


def stream(answer: Answer) -> Iterator[Piece]:
    """Yield the answer's events, each delta of text in a piece of its own."""
    writer = _Writer(answer)
    yield Piece(writer.begin())
    for index, part in enumerate(answer.parts):
        cut = answer.failure is not None and part is answer.parts[-1]
        yield from writer.part(index, part, cut=cut)
    if answer.failure is None:
        yield Piece(writer.completed(), last=True)
    elif isinstance(answer.failure, Fail):
        yield Piece(writer.failed(answer.failure), last=True)


class _Writer:
    """Numbers the events of one stream and remembers which items are done."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._sequence = 0
        self._done: list[dict[str, Any]] = []

    def begin(self) -> bytes:
        response = _response(self._answer, "in_progress", [])
        return self._event("response.created", response=response) + self._event(
            "response.in_progress", response=response
        )

    def part(self, index: int, part: Part, *, cut: bool) -> Iterator[Piece]:
        match part:
            case TextPart():
                yield from self._text(index, part, cut=cut)
            case ReasoningPart():
                yield Piece(self._reasoning(index, part))
            case CallPart():
                yield Piece(self._call(index, part))
            case _:
                assert_never(part)

    def completed(self) -> bytes:
        response = _response(self._answer, "completed", self._done)
        return self._event("response.completed", response=response)

    def failed(self, failure: Fail) -> bytes:
        error = {"code": stream_code(failure), "message": failure.message}
        response = _response(self._answer, "failed", self._done, error=error)
        return self._event("response.failed", response=response)

    def _text(self, index: int, part: TextPart, *, cut: bool) -> Iterator[Piece]:
        place = {"item_id": part.id, "output_index": index, "content_index": 0}
        yield Piece(
            self._added(index, _message(part.id, "in_progress", []))
            + self._event("response.content_part.added", **place, part=_output_text(""))
        )
        for chunk in part.chunks:
            delta = self._event("response.output_text.delta", **place, delta=chunk, logprobs=[])
            yield Piece(delta, says=chunk, held=part.held)
        if not cut:
            yield Piece(
                self._event("response.output_text.done", **place, text=part.text, logprobs=[])
                + self._event("response.content_part.done", **place, part=_output_text(part.text))
                + self._item_done(index, part)
            )

    def _reasoning(self, index: int, part: ReasoningPart) -> bytes:
        place = {"item_id": part.id, "output_index": index, "summary_index": 0}
        name = "response.reasoning_summary"
        return b"".join(
            (
                self._added(index, {"id": part.id, "type": "reasoning", "summary": []}),
                self._event(f"{name}_part.added", **place, part=_summary("")),
                self._event(f"{name}_text.delta", **place, delta=part.text),
                self._event(f"{name}_text.done", **place, text=part.text),
                self._event(f"{name}_part.done", **place, part=_summary(part.text)),
                self._item_done(index, part),
            )
        )

    def _call(self, index: int, part: CallPart) -> bytes:
        place = {"item_id": part.id, "output_index": index}
        name = "response.function_call_arguments"
        deltas = (
            self._event(f"{name}.delta", **place, delta=delta)
            for delta in _cut(part.arguments, _ARGUMENT_DELTA)
        )
        return b"".join(
            (
                self._added(index, _function_call(part, "in_progress", arguments="")),
                *deltas,
                self._event(f"{name}.done", **place, name=part.name, arguments=part.arguments),
                self._item_done(index, part),
            )
        )

    def _added(self, index: int, item: dict[str, Any]) -> bytes:
        return self._event("response.output_item.added", output_index=index, item=item)

    def _item_done(self, index: int, part: Part) -> bytes:
        item = _done_item(part)
        self._done.append(item)
        return self._event("response.output_item.done", output_index=index, item=item)

    def _event(self, kind: str, /, **fields: object) -> bytes:
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: " + kind.encode() + b"\ndata: " + to_json(event) + b"\n\n"


def _done_item(part: Part) -> dict[str, Any]:
    match part:
        case TextPart(id=item_id, text=text):
            return _message(item_id, "completed", [_output_text(text)])
        case ReasoningPart(id=item_id, text=text):
            return {"id": item_id, "type": "reasoning", "summary": [_summary(text)]}
        case CallPart():
            return _function_call(part, "completed", arguments=part.arguments)
        case _:
            assert_never(part)


def output_items(answer: Answer) -> list[dict[str, Any]]:
    """Return the answer's items as a later request would carry them back."""
    return [_done_item(part) for part in answer.parts]


def _message(item_id: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": item_id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": content,
    }


def _function_call(part: CallPart, status: str, *, arguments: str) -> dict[str, Any]:
    return {
        "id": part.id,
        "type": "function_call",
        "status": status,
        "call_id": part.call_id,
        "name": part.name,
        "arguments": arguments,
    }


def _output_text(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _summary(text: str) -> dict[str, Any]:
    return {"type": "summary_text", "text": text}


def _cut(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


def _response(
    answer: Answer, status: str, output: list[dict[str, Any]], error: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "id": answer.id,
        "object": "response",
        "created_at": CREATED_AT,
        "status": status,
        "background": False,
        "error": error,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": answer.model,
        "output": list(output),
        "parallel_tool_calls": True,
        "previous_response_id": answer.previous or None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(answer) if status == "completed" else None,
        "user": None,
    }


def _usage(answer: Answer) -> dict[str, Any]:
    return {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }
