"""What went wrong first in an exchange, for all lessons: the fact, and the advice that fits it.

Each advice here belongs to one kind of event and is only given where that event stands in the
record, so that it cannot speak of what did not happen. What a check says itself comes after it.
Must not know a lesson or a criterion, and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graders.engine.core.results import RaisedException
from graders.engine.server.diagnosis.raised import raised_lines, where
from graders.engine.server.diagnosis.raised_cures import raised_cure
from graders.engine.server.trace import Trace, TraceEntry

_OF_THE_SDKS = ("openai.agents", "chatkit")
"""Loggers that are told only of what went wrong: other code may log what it has mended."""
_OF_THE_CALL = ("openai", "httpx", "httpcore", "agents")
"""Where the exceptions of a model call come from, which a check may have caused on purpose."""
_NEVER_REPLACED = "NotFoundError"
"""What a store raises for a thread that is not there: where that is asked for, it is right."""


@dataclass(frozen=True)
class Cause:
    """The first thing that went wrong in an exchange.

    ``kind`` names it (``raised``, ``ended``), ``seen`` tells it in full sentences or lines, and
    ``advice`` what to do; ``serial`` is its place in the record. ``expected`` says that the check
    may have wanted something of this kind, so that its own advice fits better. ``led_to`` is what
    followed from it, where that can be told.
    """

    kind: str
    seen: str
    advice: str
    serial: int
    raised: RaisedException | None = None
    led_to: str = ""
    expected: bool = False


def first_cause(trace: Trace, mark: int | None) -> Cause | None:
    """Return what went wrong first in the exchange that the entry ``mark`` belongs to."""
    request = _request_of(trace.entries, mark)
    if not request:
        return None
    exchange = _Exchange.of(trace.entries, request)
    return (
        _raised(exchange)
        or _refused_first(exchange)
        or _ended(exchange)
        or _silent(exchange)
        or _sent_away(exchange)
        or _unreadable(exchange)
    )


@dataclass(frozen=True)
class _Exchange:
    """One request with what belongs to it, in order; ``beside`` is what the model did meanwhile."""

    asked: TraceEntry
    entries: Sequence[TraceEntry]
    beside: Sequence[TraceEntry]

    @classmethod
    def of(cls, entries: Sequence[TraceEntry], request: int) -> _Exchange:
        own = [each for each in entries if request in {each.serial, each.request}]
        last = own[-1].serial
        beside = [
            each
            for each in entries
            if each.request == 0 and each.actor != "client" and request < each.serial <= last
        ]
        return cls(own[0], own[1:], beside)

    def first(self, *kinds: str) -> TraceEntry | None:
        """Return the first entry of one of these kinds."""
        return next((each for each in self.entries if each.kind in kinds), None)

    @property
    def status(self) -> int:
        """The status of the answer, 200 where none other is told."""
        answer = self.first("status", "reply")
        number = re.match(r"\d{3}", answer.text) if answer is not None else None
        return int(number[0]) if number else 200

    @property
    def provoked(self) -> bool:
        """Whether the check itself made something fail: the model, or a malformed request."""
        failed = any(each.actor == "model" and each.kind == "failed" for each in self.beside)
        return failed or self.asked.kind == "request"


def _request_of(entries: Sequence[TraceEntry], mark: int | None) -> int:
    entry = next((each for each in entries if each.serial == mark), None)
    if entry is None:
        return 0
    return entry.serial if entry.actor == "client" else entry.request


# --- an exception ---------------------------------------------------------------------------------


def _raised(exchange: _Exchange) -> Cause | None:
    outcome = _outcome(exchange)
    for entry in exchange.entries:
        raised = entry.raised
        if raised is None or _is_of_the_script(raised, exchange):
            continue
        if not outcome and not raised.logger.startswith(_OF_THE_SDKS):
            continue
        return Cause(
            "raised",
            "\n".join(raised_lines(raised)),
            _advice_on(raised),
            entry.serial,
            raised,
            led_to=outcome or _TOOL_FAILED,
            expected=exchange.provoked or raised.error == _NEVER_REPLACED or not outcome,
        )
    return None


def _is_of_the_script(raised: RaisedException, exchange: _Exchange) -> bool:
    """Return whether an exception only says that the model failed, as the script wanted."""
    return exchange.provoked and raised.origin.startswith(_OF_THE_CALL)


def _outcome(exchange: _Exchange) -> str:
    """Return what an exception led to, as a sentence; empty if the exchange went well."""
    error = exchange.first("error")
    if exchange.first("ended"):
        return f"It ended the server's process: {_how(exchange.first('ended'))}."
    if error is not None:
        done = exchange.first("thread.item.done/assistant_message")
        if done is not None and done.serial < error.serial:
            return (
                "It came after the answer was complete: the client has the answer, and then gets "
                "an `error` event."
            )
        return "The SDK caught it and sent the client an `error` event."
    if exchange.first("broke"):
        return "It came when the stream had begun, so the stream broke off."
    if exchange.status >= 500:
        return f"It left the endpoint, so the client got status {exchange.status}."
    return "It left the application, so there was no answer." if exchange.first("silent") else ""


_TOOL_FAILED = "The SDK told the model that its tool failed, and went on."


def _advice_on(raised: RaisedException) -> str:
    place = where(raised)
    ends = (
        f"The traceback ends in {place}: correct it there, or what it is given."
        if place
        else "None of your own lines is in the traceback: look at what you give to the SDK."
    )
    cure = raised_cure(raised)
    if raised.meant and not cure:
        cure = f"If `{raised.meant}` is what you mean, write that."
    return " ".join(filter(None, (ends, cure)))


# --- other events ---------------------------------------------------------------------------------


def _refused_first(exchange: _Exchange) -> Cause | None:
    """Tell of a call to the outside that was refused, where the exchange then failed."""
    refused = next((each for each in exchange.beside if each.kind == "refused"), None)
    if refused is None or not _outcome(exchange):
        return None
    return Cause("refused", refused_seen(refused.text), REFUSED_CURE, refused.serial)


REFUSED_CURE = (
    "A submission has no network: only calls to the model with `openai` or `httpx` are answered. A "
    "tool server (MCP) is not there either, neither over HTTP nor as a program: write its tools "
    "with `@function_tool` in your own process."
)
"""What to do about a call to the outside, over whatever protocol."""


def refused_seen(reason: str) -> str:
    """Return in a sentence that a call to the outside was refused."""
    return f"The server called something that is not there: {_lowered(reason)}"


def _ended(exchange: _Exchange) -> Cause | None:
    ended = exchange.first("ended")
    if ended is None or "not running" in ended.text:
        return None
    return Cause(
        "ended",
        f"The server's process ended during this request: {_how(ended)}.",
        "The process ended without an exception. Look for `os._exit`, `os.kill`, `os.abort` or a "
        "library that crashes. A server must not end itself: raise an exception instead.",
        ended.serial,
    )


def _how(ended: TraceEntry | None) -> str:
    text = ended.text if ended is not None else ""
    return text.rpartition("the server's process ended: ")[2].rstrip(".")


_SILENCES = (
    (
        "is blocked",
        "blocked-loop",
        (
            "A call that waits stands in an `async` function without `await`, so no other request "
            "is served meanwhile: a synchronous client (take `AsyncOpenAI`, `httpx.AsyncClient`), "
            "`time.sleep` (take `await asyncio.sleep`), a `threading` lock, `future.result()`. "
            "What cannot be async goes into `await asyncio.to_thread(function)`."
        ),
    ),
    (
        "computed for",
        "endless-loop",
        (
            "A loop does not come to its end. Look at each `while` in `respond()`, in the "
            "endpoint and "
            "in the store: what makes its condition false? A `while True` needs a `break` or "
            "`return` that is really reached."
        ),
    ),
    (
        "waits for timers",
        "only-timers",
        (
            "Something sleeps or tries again for minutes. Look for `asyncio.sleep` in a loop, and "
            "for tries without a limit."
        ),
    ),
    (
        "nothing left to do",
        "waits-in-vain",
        (
            "The server waits for something that never comes: a lock that nobody gives back, a "
            "queue "
            "or an event that nobody fills, an `await` on a future. After the last event, "
            "`respond()` and the endpoint must return."
        ),
    ),
)
"""By what the watchdog says: the name of the cause, and what to do."""


def _silent(exchange: _Exchange) -> Cause | None:
    silent = exchange.first("silent")
    if silent is None:
        return None
    for words, kind, advice in _SILENCES:
        if words in silent.text:
            return Cause(kind, _sentence(silent.text), advice, silent.serial)
    return None


def _sent_away(exchange: _Exchange) -> Cause | None:
    status = exchange.first("status", "reply")
    if status is None:
        return None
    code, _, target = status.text.partition(", to ")
    if exchange.status in {301, 302, 303, 307, 308}:
        return Cause(
            "redirect",
            f"The server answered with a redirect (status {code}) to `{target or 'nowhere'}`, and "
            "not with an answer.",
            _redirect_cure(target),
            status.serial,
        )
    return None


def _redirect_cure(target: str) -> str:
    if target.startswith("https:"):
        return (
            "The request came over plain `http`, as it does behind a proxy and with `uvicorn` on "
            "your own machine. Take out what sends it to https (`HTTPSRedirectMiddleware`): the "
            "proxy in front of the server does that."
        )
    return "Serve the endpoint at the path that is asked for, without a redirect."


def _unreadable(exchange: _Exchange) -> Cause | None:
    unreadable = exchange.first("unreadable")
    if unreadable is None or "data:` twice" not in unreadable.text:
        return None
    return Cause(
        "data-twice",
        "Each line of the stream has `data:` twice, so no client can read the events.",
        "The chunks of a `StreamingResult` are whole lines already, with `data:` and the empty "
        'line after them. Hand them on as they are: `StreamingResponse(result, media_type="'
        'text/event-stream")`, without `EventSourceResponse` and without a `data:` of your own.',
        unreadable.serial,
    )


def _sentence(text: str) -> str:
    shown = text[:1].upper() + text[1:]
    return shown if shown.endswith((".", "!", "?")) else f"{shown}."


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
