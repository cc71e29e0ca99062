"""One answer of the model, ready to be encoded: parts with ids, and pieces of its stream.

Both encoders (``responses_api``, ``chat_completions``) take an :class:`Answer` and give
:class:`Piece` values or one JSON body. Must not know calls, turns or how pieces are sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from graders.engine.model.ids import Ids
from graders.engine.model.steps import (
    BreakConnection,
    CallTools,
    Fail,
    Reason,
    Say,
    Step,
    failure_of,
)

CREATED_AT = 1_767_225_600
"""The time of every answer, in seconds since 1970: the model has no clock."""
_MAX_MODEL_NAME = 200


@dataclass(frozen=True)
class TextPart:
    """One assistant message, a delta for each chunk."""

    id: str
    chunks: tuple[str, ...]
    held: bool = False

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.chunks)


@dataclass(frozen=True)
class ReasoningPart:
    """One reasoning summary."""

    id: str
    text: str


@dataclass(frozen=True)
class CallPart:
    """One tool call; ``id`` is the item's, ``call_id`` the one that its output will name."""

    id: str
    call_id: str
    name: str
    arguments: str


Part = TextPart | ReasoningPart | CallPart


@dataclass(frozen=True)
class Answer:
    """What the model says when it is asked once.

    ``failure``, if there is one, comes after the parts, the last of which is then unfinished.
    """

    id: str
    model: str
    parts: tuple[Part, ...]
    input_tokens: int = 0
    previous: str = ""
    failure: Fail | BreakConnection | None = None

    @property
    def output_tokens(self) -> int:
        """A plausible number, not a measurement: one for each chunk or call."""
        return sum(len(part.chunks) if isinstance(part, TextPart) else 1 for part in self.parts)

    @property
    def call_ids(self) -> tuple[str, ...]:
        """The ids of the tool calls in it."""
        return tuple(part.call_id for part in self.parts if isinstance(part, CallPart))


@dataclass(frozen=True)
class Piece:
    """Bytes of a stream that are sent at once.

    ``says`` is the delta of text in it; a ``held`` piece waits for its release; after the
    ``last`` one the client has all that it needs and may hang up.
    """

    data: bytes
    says: str | None = None
    held: bool = False
    last: bool = False


def build_answer(
    steps: Iterable[Step], ids: Ids, *, prefix: str, model: str, input_tokens: int, previous: str
) -> Answer:
    """Return the answer that the steps of one round make, with fresh ids.

    ``prefix`` is that of the answer's own id.
    """
    given = tuple(steps)
    failure = failure_of(given)
    return Answer(
        id=ids.fresh(prefix),
        model=_clean(model),
        parts=tuple(part for step in given for part in _parts(step, ids)),
        input_tokens=input_tokens,
        previous=_clean(previous),
        failure=failure if isinstance(failure, Fail | BreakConnection) else None,
    )


def _parts(step: Step, ids: Ids) -> list[Part]:
    match step:
        case Say(chunks=chunks, held=held):
            return [TextPart(ids.fresh("msg_"), chunks, held)]
        case Reason(text=text):
            return [ReasoningPart(ids.fresh("rs_"), text)]
        case CallTools(calls=calls):
            return [
                CallPart(ids.fresh("fc_"), ids.fresh("call_"), call.name, call.arguments)
                for call in calls
            ]
        case Fail(after=after) | BreakConnection(after=after) if after:
            return [TextPart(ids.fresh("msg_"), after)]
        case _:
            return []


def _clean(text: str) -> str:
    """Return a text of the student's side that can be sent back: short, and valid UTF-8."""
    return text[:_MAX_MODEL_NAME].encode("utf-8", "replace").decode("utf-8")


_LINE_ENDS = re.compile("[\u0085\u2028\u2029]")


def to_json(value: Mapping[str, object]) -> bytes:
    """Write JSON as the real API does: raw UTF-8, but no character that some take for a line's end.

    A client that reads its stream with httpx's ``aiter_lines()`` would be cut at U+2028.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode("utf-8")
