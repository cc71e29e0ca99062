"""Turns the steps of one round into the reply to one call: status, headers and pieces.

Must not know turns, or whether a call carries the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graders.engine.model import chat_completions, responses_api
from graders.engine.model.answer import Answer, Piece, build_answer
from graders.engine.model.calls import InputItem, RecordedCall
from graders.engine.model.failures import Headers, context_failure, http_failure
from graders.engine.model.ids import Ids
from graders.engine.model.steps import (
    BreakConnection,
    ContextTooLong,
    Fail,
    Round,
    failure_of,
)

_JSON = "application/json"
_EVENT_STREAM = "text/event-stream; charset=utf-8"
_PREFIXES = {"responses": "resp_", "chat_completions": "chatcmpl-"}


@dataclass(frozen=True)
class ModelReply:
    """The reply to one call.

    ``status`` is ``None`` when the connection breaks before any answer. ``drops``: it breaks
    after the pieces. ``answer`` is set when the model answered, at least in part.
    """

    status: int | None
    headers: Headers
    pieces: Iterable[Piece]
    drops: bool = False
    answer: Answer | None = None
    failure: str = ""


def scripted_reply(call: RecordedCall, steps: Round, ids: Ids) -> ModelReply:
    """Return the reply that plays the steps of a round, as the call's API and options want it."""
    match failure_of(steps):
        case ContextTooLong():
            headers, body = context_failure(call.api)
            return _failed(400, headers, body, "context_length_exceeded")
        case Fail() as failure if not (call.streaming and _says_something(steps)):
            headers, body = http_failure(failure)
            return _failed(failure.status, headers, body, f"status {failure.status}")
        case BreakConnection() if not call.streaming:
            return ModelReply(None, (), (), drops=True, failure="the connection was dropped")
        case failure:
            answer = _answer(call, steps, ids)
            return _answered(call, answer, drops=isinstance(failure, BreakConnection))


def _failed(status: int, headers: Headers, body: bytes, reason: str) -> ModelReply:
    return ModelReply(status, headers, (Piece(body, last=True),), failure=reason)


def _answered(call: RecordedCall, answer: Answer, *, drops: bool) -> ModelReply:
    headers = (("content-type", _EVENT_STREAM if call.streaming else _JSON),)
    failure = ""
    if answer.failure is not None:
        failure = "the connection was dropped" if drops else "an error inside the stream"
    return ModelReply(200, headers, _pieces(call, answer), drops, answer, failure)


def _answer(call: RecordedCall, steps: Round, ids: Ids) -> Answer:
    return build_answer(
        steps,
        ids,
        prefix=_PREFIXES[call.api],
        model=call.model,
        input_tokens=tokens_of(call.input),
        previous=call.previous,
    )


def tokens_of(items: Sequence[InputItem]) -> int:
    """Return a plausible number of tokens, not a measurement."""
    return sum(len(item.text) for item in items) // 4 + 1


def _pieces(call: RecordedCall, answer: Answer) -> Iterator[Piece]:
    if call.api == "responses":
        if call.streaming:
            return responses_api.stream(answer)
        return iter((Piece(responses_api.whole(answer), last=True),))
    if call.streaming:
        return chat_completions.stream(answer, with_usage=call.wants_usage)
    return iter((Piece(chat_completions.whole(answer), last=True),))


def _says_something(steps: Round) -> bool:
    failure = steps[-1]
    return len(steps) > 1 or (isinstance(failure, Fail) and bool(failure.after))
