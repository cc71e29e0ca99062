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
from graders.engine.server.diagnosis.raised_cures import REFUSED_CURE, raised_cure
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
    followed from it, where that can be told. ``explains`` are the only hints of a check, besides
    the general ones, beside which it is worth telling, empty for none; ``None`` if it always is.
    """

    kind: str
    seen: str
    advice: str
    serial: int
    raised: RaisedException | None = None
    led_to: str = ""
    expected: bool = False
    explains: frozenset[str] | None = None


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
        or _not_awaited(exchange, trace.printed)
        or _status(exchange, trace.routes)
        or _unreadable(exchange)
        or _structured(exchange)
        or _unfinished(exchange)
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
            "not-there-yet" if _is_not_there_yet(raised) else "raised",
            "\n".join(raised_lines(raised)),
            _advice_on(raised),
            entry.serial,
            raised,
            led_to=outcome or _TOOL_FAILED,
            expected=exchange.provoked or raised.error == _NEVER_REPLACED or not outcome,
        )
    return None


def _is_not_there_yet(raised: RaisedException) -> bool:
    """Return whether an exception says that something is not written: a method, or a tool.

    The Agents SDK raises a ModelBehaviorError where the agent has no tool of the called name.
    """
    no_tool = raised.error == "ModelBehaviorError" and "not found in agent" in raised.message
    return no_tool or raised.error == "NotImplementedError"


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
        return "It became an `error` event for the client."
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
        else "It was not raised in a line of your own: look at what you yield or give to the SDK."
    )
    meant = f"If `{raised.meant}` is what you mean, write that." if raised.meant else ""
    cure = meant or raised_cure(raised)
    return " ".join(filter(None, (ends, cure)))


# --- other events ---------------------------------------------------------------------------------


def _refused_first(exchange: _Exchange) -> Cause | None:
    """Tell of a call to the outside that was refused, where the exchange then failed."""
    refused = next((each for each in exchange.beside if each.kind == "refused"), None)
    if refused is None or not _outcome(exchange):
        return None
    return Cause("refused", refused_seen(refused.text), REFUSED_CURE, refused.serial)


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


_ONLY_GENERAL: frozenset[str] = frozenset()
_NEVER_AWAITED = re.compile(
    r"(?P<file>[\w./-]+):(?P<line>\d+): RuntimeWarning: coroutine '(?P<name>[\w.<>]+)' was never"
)


def _not_awaited(exchange: _Exchange, printed: str) -> Cause | None:
    """Tell of Python's own warning, where the request failed and nothing was raised."""
    found = _NEVER_AWAITED.search(printed)
    status = exchange.first("status", "reply")
    if found is None or status is None or exchange.status < 400:
        return None
    name = found["name"].rpartition(".")[2]
    return Cause(
        "not-awaited",
        f"Python warned: coroutine '{found['name']}' was never awaited ({found['file']}, line "
        f"{found['line']}). The server answered with status {exchange.status}.",
        f"`{name}` is an `async` function: write `await` before its call. Without it you hand on a "
        "coroutine and not its result.",
        status.serial,
        explains=_ONLY_GENERAL,
    )


def _status(exchange: _Exchange, routes: Sequence[str]) -> Cause | None:
    """Tell of a status other than 200, where a check did not want it."""
    answer = exchange.first("status")
    told = _told_of(exchange, answer.text, routes) if answer is not None else None
    if answer is None or told is None:
        return None
    kind, seen, advice = told
    return Cause(kind, seen, advice, answer.serial, explains=_ONLY_GENERAL)


def _told_of(
    exchange: _Exchange, answer: str, routes: Sequence[str]
) -> tuple[str, str, str] | None:
    status, code = exchange.status, answer[:3]
    if status in {301, 302, 303, 307, 308}:
        target = answer.partition(", to ")[2]
        return (
            "redirect",
            (
                f"The server answered with a redirect (status {code}) to "
                f"`{target or 'nowhere'}`, and not with an answer."
            ),
            _redirect_cure(target),
        )
    body = exchange.first("body")
    said = f": {body.text}" if body is not None else ""
    seen = f"The server answered with status {code}{said.rstrip('.')}."
    if status in {401, 403} and "without a token" in answer:
        return (
            "token-wanted",
            f"The server asked for a log-in that the request cannot have. {seen}",
            (
                "No request of this check has a token, as the assignment says: answer it without "
                "one. Log-in is the matter of lesson 06."
            ),
        )
    if status in {404, 405} and routes:
        return (
            "no-route",
            (
                f"There is no ChatKit endpoint at this path (status {code}). The application has: "
                f"{', '.join(f'`{route}`' for route in routes)}."
            ),
            (
                'Write `@app.post("/chatkit")` in `server.py`, or name your own path in '
                "`submission.yaml` (`endpoint: /api/chatkit`)."
            ),
        )
    if status == 422:
        return (
            "own-parameters",
            f"FastAPI refused the request before your function ran. {seen}",
            (
                "The function of the endpoint declares something that ChatKit does not send. "
                "Declare `request: Request` only, and hand `await request.body()` to "
                "`server.process(...)`."
            ),
        )
    if status == 400:
        return (
            "refused-by-endpoint",
            f"{seen} The message was well formed.",
            (
                "Your endpoint refused a good message. `server.process(...)` also raises "
                "`ValidationError` when it is given something other than the bytes of the body: "
                "hand it `await request.body()`, unchanged."
            ),
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


def _structured(exchange: _Exchange) -> Cause | None:
    """Tell of a call for structured output, where no other one carried the conversation."""
    model = [each for each in exchange.beside if each.actor == "model"]
    side = next((each for each in model if "(structured)" in each.text), None)
    if side is None or any(each.kind == "said" for each in model):
        return None
    return Cause(
        "structured",
        "The model was asked for structured output, and nothing else: its answer is JSON for a "
        "program, and no text for the user.",
        "Take `output_type` (or `response_format`) away from the agent that talks to the user. An "
        "agent with structured output can stand beside it, as a guardrail or for a title.",
        side.serial,
        explains=frozenset({""}),
    )


def _unfinished(exchange: _Exchange) -> Cause | None:
    """Tell of a message that was announced, and not finished under its id."""
    entry = exchange.first("unfinished")
    if entry is None:
        return None
    return Cause(
        "unfinished",
        _sentence(entry.text),
        "Each message that `ThreadItemAddedEvent` announces is finished by a `ThreadItemDoneEvent` "
        "with the same id, which holds the whole text: only that is stored. Make the id once, "
        "before the first event. `stream_agent_response(...)` yields all of these events.",
        entry.serial,
        explains=frozenset({"", "empty", "no-deltas", "no-done", "ids"}),
    )


def _sentence(text: str) -> str:
    shown = text[:1].upper() + text[1:]
    return shown if shown.endswith((".", "!", "?")) else f"{shown}."


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]
