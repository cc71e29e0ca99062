"""The vocabulary of a script: what the model does when it is asked.

Steps are plain frozen values. :func:`rounds` cuts a script into *rounds*, one for each time that
the model is asked: a round ends with tool calls (the next round follows their outputs) or with a
failure (the next round is for the next try). Must not know wire formats, calls or time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never


@dataclass(frozen=True)
class Say:
    """Text of the assistant, one delta for each chunk; ``held`` chunks wait for a release."""

    chunks: tuple[str, ...]
    held: bool = False


@dataclass(frozen=True)
class ToolCall:
    """One call of a tool; ``arguments`` is the text that the model writes, JSON or not."""

    name: str
    arguments: str


@dataclass(frozen=True)
class CallTools:
    """Tool calls that the model makes at once, in one answer."""

    calls: tuple[ToolCall, ...]


@dataclass(frozen=True)
class Reason:
    """One reasoning summary. Chat Completions has no such thing: it is left out there."""

    text: str


@dataclass(frozen=True)
class Fail:
    """An error: an HTTP status, or, after some chunks, an error inside the stream.

    ``retry_after`` is in seconds.
    """

    status: int
    code: str | None
    message: str
    retry_after: float | None = None
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class BreakConnection:
    """The connection breaks, after the given chunks."""

    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContextTooLong:
    """Refused as too long while the request has more than ``limit_items`` input items.

    ``None``: while it is not shorter, in items or in characters, than the first that was refused.
    """

    limit_items: int | None = None


Step = Say | CallTools | Reason | Fail | BreakConnection | ContextTooLong
Failing = Fail | BreakConnection | ContextTooLong
Round = tuple[Step, ...]


def say(*chunks: str) -> Say:
    """Let the model say the chunks, one delta each."""
    return Say(_texts(chunks))


def say_held(*chunks: str) -> Say:
    """Let the model say the chunks, each only after it was released (``Turn.release``)."""
    return Say(_texts(chunks), held=True)


def tool(name: str, arguments: Mapping[str, object] | str, *, malformed: bool = False) -> ToolCall:
    """Return one tool call for :func:`call_tools`; ``malformed`` cuts the JSON short."""
    written = arguments if isinstance(arguments, str) else json.dumps(dict(arguments))
    return ToolCall(name, written[:-1] if malformed else written)


def call_tool(
    name: str, arguments: Mapping[str, object] | str, *, malformed: bool = False
) -> CallTools:
    """Let the model call one tool; ``malformed`` cuts the arguments' JSON short."""
    return CallTools((tool(name, arguments, malformed=malformed),))


def call_tools(*calls: ToolCall) -> CallTools:
    """Let the model call several tools at once, each made with :func:`tool`."""
    if not calls:
        message = "call_tools needs at least one call"
        raise ValueError(message)
    return CallTools(calls)


def reason(text: str) -> Reason:
    """Let the model send a reasoning summary first."""
    return Reason(_texts((text,))[0])


def fail(
    status: int,
    code: str | None = None,
    message: str = "The model failed because the script says so.",
    *,
    retry_after: float | None = None,
    after: Iterable[str] = (),
) -> Fail:
    """Let the model fail with an HTTP status or, after some chunks, inside the stream."""
    if not 400 <= status <= 599:
        problem = f"a failure needs a status from 400 to 599, not {status}"
        raise ValueError(problem)
    return Fail(status, code, message, retry_after, _texts(after))


def drop(after: Iterable[str] = ()) -> BreakConnection:
    """Let the connection to the model break, after some chunks."""
    return BreakConnection(_texts(after))


def context_too_long(limit_items: int | None = None) -> ContextTooLong:
    """Let the model refuse the request as too long until it is short enough."""
    return ContextTooLong(limit_items)


def rounds(steps: Sequence[Step]) -> tuple[Round, ...]:
    """Cut a script into what is answered each time that the model is asked."""
    cut: list[Round] = []
    current: list[Step] = []
    for step in steps:
        current.append(step)
        if isinstance(step, CallTools | Fail | BreakConnection | ContextTooLong):
            cut.append(tuple(current))
            current = []
    if current:
        cut.append(tuple(current))
    return tuple(cut)


def failure_of(steps: Round) -> Failing | None:
    """Return the failure that ends a round, if one does."""
    last = steps[-1] if steps else None
    return last if isinstance(last, Fail | BreakConnection | ContextTooLong) else None


def text_of(steps: Round) -> str:
    """Return what the model says in a round, all chunks together."""
    return "".join("".join(step.chunks) for step in steps if isinstance(step, Say))


def label(step: Step) -> str:
    """Return a step's name and content in a few words, for findings."""
    match step:
        case Say(chunks=chunks, held=held):
            return f"{'say_held' if held else 'say'} {short(''.join(chunks))}"
        case CallTools(calls=calls):
            return "call_tool " + ", ".join(call.name for call in calls)
        case Reason(text=text):
            return f"reason {short(text)}"
        case Fail(status=status, code=code):
            return f"fail {status}" + (f" {code}" if code else "")
        case BreakConnection():
            return "drop"
        case ContextTooLong():
            return "context_too_long"
        case _:
            assert_never(step)


def short(text: str, limit: int = 60) -> str:
    """Return a text in quotes, on one line, cut to ``limit`` characters."""
    line = " ".join(text.split())
    return f'"{line}"' if len(line) <= limit else f'"{line[: limit - 1]}…"'


def _texts(chunks: Iterable[str]) -> tuple[str, ...]:
    texts = tuple(chunks)
    for text in texts:
        # Half of a surrogate pair cannot be sent as UTF-8: no model can say it.
        text.encode("utf-8")
    return texts
