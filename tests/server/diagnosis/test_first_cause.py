"""What went wrong first in an exchange, from records that are written down here."""

from __future__ import annotations

import re

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import RaisedException, SourceLine
from graders.engine.server.diagnosis.first_cause import first_cause
from graders.engine.server.trace import Trace

PLACE = SourceLine(file="server.py", line=38, function="respond", code="run(agnt)")
NAME_ERROR = RaisedException(
    error="NameError",
    origin="builtins",
    logger="chatkit",
    message="name 'agnt' is not defined",
    places=(PLACE,),
    meant="agent",
)
NO_TOOL = RaisedException(
    error="ModelBehaviorError",
    origin="agents.exceptions",
    logger="chatkit",
    message="Tool search not found in agent a",
)
NO_METHOD = RaisedException(
    error="NotImplementedError",
    logger="chatkit",
    message="The action() method must be overridden",
)
API_ERROR = RaisedException(error="InternalServerError", origin="openai", logger="chatkit")


def record(*events: tuple[str, str] | RaisedException) -> Trace:
    """Return the record of one message: a client's request and what came of it."""
    trace = Trace()
    asked = trace.add("client", "threads.create", "user: hello")
    for event in events:
        if isinstance(event, RaisedException):
            trace.add("server", "raised", "", request=asked, raised=event)
        elif event[0].startswith("model "):
            trace.add("model", event[0].removeprefix("model "), event[1])
        else:
            trace.add("server", *event, request=asked)
    return trace


ERROR = ("error", "stream.error")
DONE = ("thread.item.done/assistant_message", "It is.")
ENDED = ("ended", "the stream breaks off: the server's process ended: it exited with code 1")
BLOCKED = "the server's event loop is blocked: a call in it waits and lets nothing else run"


@pytest.mark.parametrize(
    ("events", "kind", "seen", "advice"),
    [
        ((ERROR, NAME_ERROR), "raised", "NameError: name 'agnt' is not defined", "line 38 of"),
        (
            (NAME_ERROR, ("status", "500")),
            "raised",
            "(server.py, line 38)\n    run(agnt)",
            "`agent`",
        ),
        ((NAME_ERROR, ("broke", "x")), "raised", "Did you mean `agent`?", "`respond`"),
        ((NAME_ERROR, ENDED), "raised", "NameError", "traceback"),
        ((NO_TOOL, ERROR), "not-there-yet", "search not found", ""),
        ((NO_METHOD, ERROR), "not-there-yet", "must be overridden", ""),
        ((ENDED,), "ended", "it exited with code 1.", "must not end itself"),
        ((("silent", BLOCKED),), "blocked-loop", "is blocked", "asyncio.to_thread"),
        ((("silent", "the server computed for 15 s"),), "endless-loop", "computed", "`while`"),
        ((("silent", "it has nothing left to do"),), "waits-in-vain", "left to do", "`await`"),
        ((("silent", "it only waits for timers"),), "only-timers", "timers", "asyncio.sleep"),
        ((("status", "307, to https://x/chatkit"),), "redirect", "https://x/chatkit", "HTTPSRedir"),
        ((("status", "308, to /elsewhere"),), "redirect", "/elsewhere", "without a redirect"),
        ((("status", "401, without a token in the request"),), "token-wanted", "401", "lesson 06"),
        ((("status", "404"),), "no-route", "`POST /chat`", "submission.yaml"),
        ((("status", "422"), ("body", "{}")), "own-parameters", "422: {}.", "`request: Request`"),
        ((("status", "400"),), "refused-by-endpoint", "well formed", "await request.body()"),
        ((("unreadable", "The line bears `data:` twice"),), "data-twice", "twice", "as they are"),
        (
            (("unfinished", "`a` was announced"), DONE),
            "unfinished",
            "`a` was",
            "ThreadItemDoneEvent",
        ),
        ((("model side", "a side call (structured)"), DONE), "structured", "JSON", "output_type"),
        (
            (("model refused", "Nothing may be reached at x."), ERROR),
            "refused",
            "at x",
            "no network",
        ),
    ],
)
def test_the_first_thing_that_went_wrong_brings_its_own_advice(
    events: tuple[tuple[str, str] | RaisedException, ...], kind: str, seen: str, advice: str
) -> None:
    trace = record(*events)
    trace.routes = ["POST /chat"]
    cause = first_cause(trace, trace.entries[-1].serial if kind != "refused" else 3)
    assert cause is not None
    assert (cause.kind, cause.serial > 1) == (kind, True)
    assert seen in cause.seen
    assert advice in cause.advice


@pytest.mark.parametrize(
    "events",
    [
        (DONE,),
        (ERROR,),
        (("status", "404"),),
        (("status", "401"),),
        (("unreadable", "The data is [DONE]"),),
        # What other code logs it may have mended.
        (NAME_ERROR.model_copy(update={"logger": "my.own"}), DONE),
        # The script wanted the model to fail.
        (("model failed", "500"), API_ERROR, ERROR),
        (("model side", "a side call (structured)"), ("model said", "It is."), DONE),
    ],
)
def test_where_nothing_went_wrong_that_is_known_nothing_is_told(
    events: tuple[tuple[str, str] | RaisedException, ...],
) -> None:
    trace = record(*events)
    assert first_cause(trace, trace.entries[-1].serial) is None


def test_another_exchange_has_its_own_causes() -> None:
    trace = record(ERROR, NAME_ERROR)
    other = trace.add("client", "items.list", "user: x")
    reply = trace.add("server", "reply", "200 {}", request=other)
    assert first_cause(trace, reply) is None
    assert first_cause(trace, None) is None
    assert first_cause(trace, 99) is None


def test_what_followed_from_an_exception_is_told_as_it_was() -> None:
    for events, led_to in (
        ((DONE, ERROR, NAME_ERROR), "after the answer was complete"),
        ((ERROR, NAME_ERROR), "`error` event"),
        ((NAME_ERROR, ("status", "503")), "status 503"),
        ((NAME_ERROR, ("broke", "x")), "broke off"),
        ((NAME_ERROR, ENDED), "exited with code 1"),
        ((NAME_ERROR, ("silent", "x")), "no answer"),
        ((NAME_ERROR.model_copy(update={"logger": "openai.agents"}), DONE), "tool failed"),
    ):
        trace = record(*events)
        cause = first_cause(trace, trace.entries[-1].serial)
        assert cause is not None
        assert led_to in cause.led_to


def test_a_missing_await_is_told_by_pythons_own_warning() -> None:
    trace = record(("status", "400"))
    warning = "server.py:57: RuntimeWarning: coroutine 'Request.body' was never awaited"
    trace.prints(lambda: warning)
    cause = first_cause(trace, 2)
    assert cause is not None
    assert "(server.py, line 57)" in cause.seen
    assert cause.advice.startswith("`body` is an `async` function")


PRESUPPOSES = (r"\btraceback\b", r"in the terminal", r"server's log")
"""What only the cause of an exchange may speak of: it is there then."""


def test_no_hint_of_a_rubric_speaks_of_an_exception_that_it_has_not_seen() -> None:
    for lesson in Catalogue(REPOSITORY).lessons():
        for criterion in lesson.rubric.criteria:
            for name, text in criterion.hints.items():
                for words in PRESUPPOSES:
                    assert not re.search(words, text), f"{lesson.id} {criterion.id} {name}: {text}"
