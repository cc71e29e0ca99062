"""A result with something of everything, for the tests of reports."""

from __future__ import annotations

from typing import Literal

from rich.console import Console, RenderableType

from graders.engine.core.results import (
    CaseResult,
    CriterionResult,
    Environment,
    Feedback,
    Isolation,
    IsolationLevel,
    Problem,
    Result,
    SideCall,
    Status,
    TranscriptLine,
    Visibility,
)


def line(
    serial: int,
    actor: Literal["client", "server", "model", "grader"],
    kind: str,
    text: str,
    *,
    marked: bool = False,
) -> TranscriptLine:
    """Return a line of a conversation, one every ten milliseconds."""
    return TranscriptLine(
        serial=serial, actor=actor, kind=kind, text=text, at_ms=10.0 * serial, marked=marked
    )


CONVERSATION = (
    line(1, "client", "request", "threads.create “Say kiwi-7f3a09”"),
    line(2, "model", "request", "POST /v1/responses, stream, asked “Say kiwi-7f3a09”"),
    line(3, "server", "thread.created", "thr_1f2e3d4c"),
    line(4, "server", "thread.item.added", "assistant_message msg_1"),
    line(5, "model", "chunk", "“Hel” “lo” (2 times)"),
    line(
        6,
        "server",
        "thread.item.done",
        "assistant_message msg_1 “Hello”, before any text_delta came",
        marked=True,
    ),
    line(7, "server", "end", "the stream is over"),
)
FEEDBACK = Feedback(
    required="Each piece of the answer reaches the client as a `text_delta`, "
    "before the item is done.",
    seen="The item was done after 0 deltas; the model had sent 2.",
    advice="Pass the events of `stream_agent_response` on as they come: `async for event in "
    "stream_agent_response(...): yield event`.",
    transcript=CONVERSATION,
)


def case(name: str, status: Status = Status.PASSED, feedback: Feedback | None = None) -> CaseResult:
    """Return a case."""
    return CaseResult(name=name, status=status, feedback=feedback, duration_ms=12.5)


def row(
    name: str,
    title: str,
    status: Status = Status.PASSED,
    points: int = 10,
    *,
    score: int | None = None,
    visibility: Visibility = Visibility.VISIBLE,
    cases: tuple[CaseResult, ...] = (),
    blocked_by: tuple[str, ...] = (),
    group: str = "",
) -> CriterionResult:
    """Return a criterion; without ``score`` it has all its points if passed, else none."""
    return CriterionResult(
        id=name,
        title=title,
        status=status,
        score=score if score is not None else points * (status is Status.PASSED),
        max_score=points,
        visibility=visibility,
        message=None if status is Status.PASSED else "It did not.",
        cases=cases,
        blocked_by=blocked_by,
        group=group,
    )


MADE_WITH = Environment(
    grader="0.1.0", python="3.11.7", platform="Linux x86_64", packages={"openai-chatkit": "1.6.5"}
)
PRACTICE = Isolation(level=IsolationLevel.PRACTICE, missing=("No Landlock.",))


def result(
    *rows: CriterionResult,
    problem: Problem | None = None,
    notes: tuple[str, ...] = (),
    side_calls: tuple[SideCall, ...] = (),
    advisory: bool = True,
) -> Result:
    """Return a result of these criteria."""
    return Result(
        lesson="lesson02",
        submission="my-server",
        submission_path="/srv/hand-in/my-server",
        started_at="2026-11-29T12:00:00Z",
        made_with=MADE_WITH,
        score=sum(each.score for each in rows),
        max_score=sum(each.max_score for each in rows),
        seed=48213,
        isolation=PRACTICE,
        criteria=rows,
        problem=problem,
        notes=notes,
        side_calls=side_calls,
        advisory=advisory,
        duration_ms=1234.5,
    )


def mixed() -> Result:
    """Return a result in which every status occurs."""
    failed = case("deltas come", Status.FAILED, FEEDBACK)
    bodies = tuple(
        case(
            name,
            Status.FAILED,
            Feedback(
                required="A malformed request is answered with a 4xx status and a JSON error.",
                seen=f"The answer to {name} was 500.",
                advice="Catch `ValidationError` around `server.process`.",
            ),
        )
        for name in ("an empty body", "an unknown type", "a missing field", "half a body")
    )
    return result(
        row("server-answers", "A first message is answered", points=40, group="The first answer"),
        row(
            "deltas",
            "The answer comes in the model's pieces",
            Status.FAILED,
            20,
            cases=(failed,),
            group="The first answer",
        ),
        row(
            "malformed",
            "Malformed requests get a 4xx with a JSON error, and the next request works as before",
            Status.FAILED,
            10,
            score=2,
            cases=(*bodies, case("an unknown field")),
            group="The endpoint",
        ),
        row(
            "follow-up",
            "A follow-up goes to the same thread",
            Status.BLOCKED,
            10,
            blocked_by=("deltas", "malformed"),
            group="The endpoint",
        ),
        row(
            "secret",
            "Nobody can guess this",
            Status.FAILED,
            10,
            visibility=Visibility.HIDDEN,
            cases=(failed,),
        ),
        row("odd", "The clock stands still", Status.ERROR, 5, cases=(case("x", Status.ERROR),)),
        row("later", "Nothing is left behind", Status.NOT_RUN, 5),
        notes=("`openai.py` in your folder hides an installed package, so the start was slow.",),
        side_calls=(SideCall(purpose="title", summary="“Give this chat a title”, answered twice"),),
    )


def as_text(page: RenderableType, width: int = 80) -> str:
    """Return what a reader without colours sees, trailing blanks removed."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(page)
    return "\n".join(text.rstrip() for text in capture.get().splitlines())
