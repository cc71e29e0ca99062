"""Whose fault an exception is."""

from __future__ import annotations

import pytest

from graders.engine.core.errors import Finding, GraderBrokeError, NotMeasurable
from graders.engine.core.results import MOST_PARTS, Problem, RaisedException, Status
from graders.engine.grading.verdict import PASSED, SILENT, Verdict, judge, log_of, worse
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import DidNotStartAgain, StartFailed
from tests.grading.rubrics import criterion

CRITERION = criterion("stream")
FAILED = Verdict(Status.FAILED)
ERROR = Verdict(Status.ERROR, log="ours")


def test_no_exception_is_a_pass() -> None:
    assert judge(None, CRITERION) is PASSED


def test_finding_fails_with_requirement_seen_and_default_hint() -> None:
    verdict = judge(Finding("Nothing came."), CRITERION)
    assert verdict.status is Status.FAILED
    assert verdict.feedback is not None
    assert verdict.feedback.required == "It must stream."
    assert verdict.feedback.seen == "Nothing came."
    assert verdict.feedback.advice == "Try harder."


@pytest.mark.parametrize(
    ("key", "advice"), [("buffered", "Do not buffer."), ("unheard-of", "Try harder.")]
)
def test_finding_picks_its_hint(key: str, advice: str) -> None:
    verdict = judge(Finding("Late.", hint=key), CRITERION)
    assert verdict.feedback is not None
    assert verdict.feedback.advice == advice


def test_finding_tells_how_much_is_right_all_the_same() -> None:
    assert judge(Finding("Almost.", share=(8, 9)), CRITERION).share == (8, 9)


def test_parts_of_a_finding_are_kept_up_to_a_number() -> None:
    many = [(f"part {number}", "Wrong.") for number in range(MOST_PARTS + 1)]
    feedback = judge(Finding("All wrong.", parts=many), CRITERION).feedback
    assert feedback is not None
    assert [each.name for each in feedback.parts] == [name for name, _ in many[:-1]]


def test_finding_tells_what_judges_what_is_missing() -> None:
    assert judge(Finding("Nothing to see.", needs=("start",)), CRITERION).needs == ("start",)


def test_what_this_machine_lacks_is_not_run_and_says_why() -> None:
    verdict = judge(NotMeasurable("There is no browser."), CRITERION)
    assert verdict == Verdict(Status.NOT_RUN, why="There is no browser.")
    assert judge(NotMeasurable("No browser.", right_so_far=True), CRITERION).right_so_far
    assert judge(NotMeasurable("No text.", others_decide=True), CRITERION) == Verdict(
        Status.BLOCKED, why="No text."
    )


def test_finding_marks_its_line_in_the_conversation() -> None:
    trace = Trace()
    trace.add("client", "request", "hello")
    answer = trace.add("server", "answer", "bye")
    verdict = judge(Finding("Wrong.", mark=answer), CRITERION, trace)
    assert verdict.feedback is not None
    assert [line.marked for line in verdict.feedback.transcript] == [False, True]


def test_server_that_cannot_start_any_more_is_the_students() -> None:
    error = StartFailed(Problem(kind="died", title="The server died."))
    verdict = judge(error, CRITERION)
    assert verdict.feedback is not None
    assert verdict.feedback.seen == "The server died."


def test_what_tells_of_a_server_that_does_not_start_again_is_told_as_that() -> None:
    failure = StartFailed(Problem(kind="raised", title="Your code raised KeyError."))
    trace = Trace()
    mark = trace.add("grader", "restart", "starts the server again: it fails")
    trace.stopped = DidNotStartAgain(failure, mark)
    for finding in (trace.stopped, Finding(f"After a start, a list: {trace.stopped.seen}.")):
        verdict = judge(finding, CRITERION, trace)
        assert verdict.not_started
        assert verdict.feedback is not None
        told = "The server does not start again: Your code raised KeyError."
        assert verdict.feedback.seen == told
        assert verdict.feedback.advice == trace.stopped.advice
        assert [line.marked for line in verdict.feedback.transcript] == [True]
    before = judge(Finding("A message was not answered."), CRITERION, trace)
    assert not before.not_started
    assert before.feedback is not None
    assert before.feedback.seen == "A message was not answered."
    assert not judge(Finding("Wrong."), CRITERION).not_started


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [
        ("7", "open()", "line 7: `open()`"),
        ("9" * 5_000, "open()", ""),
        ("7", "x" * 9_000, "line 7"),
    ],
    ids=["a line", "a number without end", "code without end"],
)
def test_place_in_a_traceback_that_a_server_made_up_is_bounded(
    number: str, code: str, told: str
) -> None:
    detail = f'  File "server.py", line {number}, in <module>\n    {code}\n'
    failure = StartFailed(Problem(kind="raised", title="Your code raised KeyError.", detail=detail))
    seen = DidNotStartAgain(failure).seen
    assert seen.startswith("the server does not start again: Your code raised KeyError")
    assert told in seen
    assert len(seen) < 300


def test_group_of_findings_is_the_students() -> None:
    inner = ExceptionGroup("inner", [Finding("First."), Finding("Second.")])
    verdict = judge(ExceptionGroup("outer", [inner, Finding("Third.")]), CRITERION)
    assert verdict.feedback is not None
    assert verdict.feedback.seen == "First."


def test_group_with_anything_else_is_ours() -> None:
    group = ExceptionGroup("both", [Finding("First."), ValueError("ours")])
    verdict = judge(group, CRITERION)
    assert verdict.status is Status.ERROR
    assert "ValueError: ours" in verdict.log


@pytest.mark.parametrize(
    "error", [AssertionError("x"), GraderBrokeError("x"), SystemExit(0), pytest.skip.Exception("x")]
)
def test_any_other_exception_is_ours(error: BaseException) -> None:
    assert judge(error, CRITERION).status is Status.ERROR


def test_log_of_our_error_is_without_the_frames_of_its_runner() -> None:
    with pytest.raises(TypeError, match="absolute import path") as caught:
        pytest.MonkeyPatch().setattr("nowhere", "nothing")
    log = log_of(caught.value)
    assert "test_verdict.py" in log
    assert "_pytest" not in log


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        (PASSED, PASSED, PASSED),
        (PASSED, FAILED, FAILED),
        (FAILED, PASSED, FAILED),
        (FAILED, ERROR, ERROR),
        (ERROR, FAILED, ERROR),
        (SILENT, PASSED, SILENT),
    ],
)
def test_worse_of_two_phases_stands(first: Verdict, second: Verdict, stands: Verdict) -> None:
    assert worse(first, second) is stands


def _failed_record() -> tuple[Trace, int]:
    """Return the record of a request whose answer raised, and the place of its last entry."""
    trace = Trace()
    asked = trace.add("client", "threads.create", "user: hello")
    raised = RaisedException(error="KeyError", message="'x'", logger="chatkit")
    last = trace.add("server", "error", "stream.error", request=asked)
    trace.add("server", "raised", "KeyError: 'x'", request=asked, raised=raised)
    trace.prints(lambda: "hello\n")
    return trace, last


@pytest.mark.parametrize("hint", [None, "error-event"])
def test_what_was_raised_leads_and_brings_its_advice(hint: str | None) -> None:
    trace, mark = _failed_record()
    feedback = judge(Finding("No answer came.", mark=mark, hint=hint), CRITERION, trace).feedback
    assert feedback is not None
    assert feedback.seen.startswith("KeyError: 'x'\nIt became an `error` event for the client.")
    assert ("No answer came." in feedback.seen) is (hint is None)
    assert feedback.advice.startswith("It was not raised in a line of your own")
    assert (feedback.cause, feedback.printed) == ("raised", "hello\n")
    assert feedback.raised is not None
    assert [line.kind for line in feedback.transcript if line.marked] == ["raised"]


def test_an_advice_for_just_this_stands_beside_what_was_raised() -> None:
    trace, mark = _failed_record()
    feedback = judge(Finding("Late.", mark=mark, hint="buffered"), CRITERION, trace).feedback
    assert feedback is not None
    assert feedback.seen.startswith("KeyError: 'x'\n")
    assert feedback.advice == "Do not buffer."


def test_a_status_leads_only_where_a_check_did_not_want_it() -> None:
    trace = Trace()
    asked = trace.add("client", "threads.create", "user: hello")
    mark = trace.add("server", "status", "400", request=asked)
    wanted = judge(Finding("It was 400, not 401.", mark=mark), CRITERION, trace).feedback
    other = judge(Finding("It was 400.", mark=mark, hint="status"), CRITERION, trace).feedback
    assert wanted is not None
    assert other is not None
    assert (wanted.cause, wanted.seen) == ("", "It was 400, not 401.")
    assert other.cause == "refused-by-endpoint"


def test_an_advice_of_the_finding_itself_stands_before_all_others() -> None:
    trace, mark = _failed_record()
    finding = Finding("Everybody gets in.", mark=mark, advice="Begin with the door.")
    feedback = judge(finding, CRITERION, trace).feedback
    assert feedback is not None
    assert feedback.advice == "Begin with the door."
