"""Whole runs over the miniature course, with stand-ins for servers."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.core.errors import ContentError, Finding, GraderBrokeError, UsageError
from graders.engine.core.results import (
    CriterionResult,
    Measurement,
    Problem,
    Result,
    SideCall,
    Status,
)
from graders.engine.grading.events import (
    CaseFinished,
    CheckWentOn,
    CriterionFinished,
    CriterionStarted,
    GradingEvent,
    RunFinished,
    RunStarted,
    nobody_listens,
)
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import grade, ungraded
from graders.engine.harness.server_factory import Served
from graders.engine.server.trace import Trace
from graders.engine.submissions.submission import find_submission
from tests.miniature import COURSE, FactoryStandIn

GREETING = COURSE / "reference_solutions" / "greeting"


def graded(
    submission: Path,
    lesson: str = "greeting",
    *,
    course: Path = COURSE,
    only: tuple[str, ...] = (),
    factory: FactoryStandIn | None = None,
    events: list[GradingEvent] | None = None,
) -> Result:
    """Grade a submission of the miniature course."""
    return grade(
        GradingRequest(Catalogue(course).lesson(lesson), submission, seed=7, only=only),
        find_submission(submission).root,
        factory or FactoryStandIn(submission),
        on_event=nobody_listens if events is None else events.append,
    )


def rows(result: Result) -> Mapping[str, CriterionResult]:
    """Return the criteria of a result by id."""
    return {row.id: row for row in result.criteria}


def statuses(result: Result) -> dict[str, str]:
    """Return how each criterion ended."""
    return {row.id: str(row.status) for row in result.criteria}


def submission_with(folder: Path, text: str) -> Path:
    """Return a submission whose server is ``text``."""
    folder.mkdir(exist_ok=True)
    (folder / "server.py").write_text(text, encoding="utf-8")
    return folder


def course_with(folder: Path, test_text: str) -> Path:
    """Return a copy of the miniature course whose greeting lesson has this test file."""
    course = folder / "course"
    shutil.copytree(COURSE, course)
    test_file = course / "graders" / "greeting" / "test_basics.py"
    test_file.write_text(test_text, encoding="utf-8")
    return course


def stubborn_course(folder: Path, answers_body: str, polite_body: str = "pass") -> Path:
    """Return a course whose checks of `answers` and `polite` have these bodies."""
    lines = [
        "import os, sys",
        "import pytest",
        "from graders.engine.core.errors import Finding",
        "criterion = pytest.mark.criterion",
    ]
    for name, body in (
        ("answers", answers_body),
        ("polite", polite_body),
        ("remembers", "pass"),
        ("unannounced-guest", "pass"),
    ):
        lines += [f"@criterion(id={name!r})", f"def test_{name[:5]}():", f"    {body}"]
    return course_with(folder, "\n".join(lines) + "\n")


def test_solution_has_full_marks() -> None:
    result = graded(GREETING / "solution")
    assert result.full_marks
    assert (result.score, result.max_score, result.seed) == (100, 100, 7)
    assert result.submission == "solution"


def test_criteria_are_reported_in_the_order_of_the_rubric() -> None:
    result = graded(GREETING / "solution")
    assert list(rows(result)) == ["polite", "answers", "remembers", "unannounced-guest"]


def test_what_a_check_measures_is_in_the_result(tmp_path: Path) -> None:
    names = ("answers", "polite", "remembers", "unannounced-guest")
    course = course_with(
        tmp_path,
        "import pytest\ncriterion = pytest.mark.criterion\n"
        + "".join(
            f"@criterion(id={name!r})\ndef test_{name[:5]}(measured, noted):\n"
            + (
                "    measured('latency', 1.23456, 'ms', 'under 100 ms'); noted('By hand.')\n"
                if not index
                else "    pass\n"
            )
            for index, name in enumerate(names)
        ),
    )
    result = graded(GREETING / "solution", course=course)
    expected = Measurement(name="latency", value=1.235, unit="ms", goal="under 100 ms")
    assert result.measurements == (expected,)
    assert result.notes == ("By hand.",)


def test_stub_fails_and_what_rests_on_it_is_blocked() -> None:
    result = graded(COURSE / "assignments" / "greeting")
    assert result.score == 0
    assert statuses(result) == {
        "polite": "blocked",
        "answers": "failed",
        "remembers": "blocked",
        "unannounced-guest": "blocked",
    }
    assert rows(result)["unannounced-guest"].blocked_by == ("answers", "remembers")


def test_failed_case_shows_the_conversation_with_the_wrong_line_marked() -> None:
    result = graded(COURSE / "assignments" / "greeting")
    feedback = rows(result)["answers"].cases[0].feedback
    assert feedback is not None
    assert feedback.seen == "Nothing came back for 'hello'."
    assert feedback.advice == "Give `ANSWERS` an entry for the message."
    assert [line.marked for line in feedback.transcript] == [False, True]


def test_partial_criterion_earns_its_share_of_cases(tmp_path: Path) -> None:
    answers = "ANSWERS = {'hello': 'hello', 'good morning': 'bye', 'good night': 'GOOD NIGHT'}"
    row = rows(graded(submission_with(tmp_path / "a", answers)))["polite"]
    assert (row.status, row.score) == (Status.FAILED, 10)
    assert [case.name for case in row.cases] == ["hello", "good morning", "good night"]
    advice = [case.feedback.advice for case in row.cases if case.feedback]
    assert advice == ["Answer each greeting with itself.", "Do not shout at the user."]


def test_every_check_has_a_server_of_its_own_that_is_stopped() -> None:
    factory = FactoryStandIn(GREETING / "solution")
    graded(GREETING / "solution", factory=factory)
    probe_and_checks = 1 + 6
    assert [server.stops for server in factory.servers] == [1] * probe_and_checks


def test_only_runs_what_was_asked_for_and_what_it_needs() -> None:
    result = graded(GREETING / "solution", only=("remembers",))
    assert statuses(result) == {
        "polite": "not_run",
        "answers": "passed",
        "remembers": "passed",
        "unannounced-guest": "not_run",
    }
    assert result.score == 60


def test_unknown_only_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no criterion 'remember'"):
        graded(GREETING / "solution", only=("remember",))


def test_submission_that_does_not_start_is_a_problem_with_no_points(tmp_path: Path) -> None:
    result = graded(submission_with(tmp_path / "a", "ANSWERS = {"))
    assert result.problem is not None
    assert result.problem.kind == "syntax-error"
    assert set(statuses(result).values()) == {"not_run"}
    assert result.score == 0


def test_finding_during_the_first_start_is_a_problem(tmp_path: Path) -> None:
    class Dying(FactoryStandIn):
        async def start(self, trace: Trace) -> Served:
            del trace
            message = "The server died at once."
            raise Finding(message)

    result = graded(GREETING / "solution", factory=Dying(tmp_path))
    assert result.problem is not None
    assert (result.problem.kind, result.problem.title) == (
        "did-not-start",
        "The server died at once.",
    )


def test_lesson_without_server_starts_none(tmp_path: Path) -> None:
    factory = FactoryStandIn(tmp_path)
    result = graded(COURSE / "assignments" / "counting", "counting", factory=factory)
    assert result.full_marks
    assert factory.servers == []


def test_checks_that_need_no_server_run_although_it_does_not_start(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    result = graded(submission_with(tmp_path / "a", "ANSWERS = {"), course=course)
    assert result.problem is not None
    assert result.score == 100
    assert not result.full_marks


def test_server_is_not_missed_where_only_files_are_asked_for(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    checks = course / "graders" / "greeting" / "test_basics.py"
    text = checks.read_text(encoding="utf-8")
    checks.write_text(text.replace("test_unann()", "test_unann(student)"), encoding="utf-8")
    broken = submission_with(tmp_path / "a", "ANSWERS = {")
    assert graded(broken, course=course).problem is not None
    assert graded(broken, course=course, only=("unannounced-guest",)).problem is not None
    result = graded(broken, course=course, only=("answers",))
    assert result.problem is None
    assert (statuses(result)["answers"], statuses(result)["unannounced-guest"]) == (
        "passed",
        "not_run",
    )


def test_check_of_files_reads_the_folder_that_was_handed_in(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    file = course / "graders" / "greeting" / "test_basics.py"
    text = file.read_text(encoding="utf-8")
    body = "test_answe(submission):\n    assert (submission / 'server.py').is_file()"
    file.write_text(text.replace("test_answe():\n    pass", body), encoding="utf-8")
    assert statuses(graded(GREETING / "solution", course=course))["answers"] == "passed"


def test_scenario_is_played_on_a_server_of_the_course(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    file = course / "graders" / "greeting" / "test_basics.py"
    text = file.read_text(encoding="utf-8")
    reference = submission_with(tmp_path / "reference", "ANSWERS = {'Who?': 'The course'}")
    body = (
        "test_answe(of_reference):\n"
        "    from pathlib import Path\n"
        "    async def play(talk):\n"
        "        return talk.student.ask('Who?')\n"
        f"    assert await of_reference(play, Path({str(reference)!r})) == 'The course'"
    )
    text = text.replace("def test_answe():\n    pass", f"async def {body}")
    file.write_text(text, encoding="utf-8")
    assert statuses(graded(GREETING / "solution", course=course))["answers"] == "passed"


def test_check_may_start_servers_and_tell_how_far_it_is(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    file = course / "graders" / "greeting" / "test_basics.py"
    reference = submission_with(tmp_path / "reference", "ANSWERS = {'Who?': 'The course'}")
    body = (
        "test_answe(servers, course_servers, went_on, kept):\n"
        "    from pathlib import Path\n"
        "    assert kept.of(['nothing yet']) == {}\n"
        f"    own = course_servers(Path({str(reference)!r}))\n"
        "    went_on(1, 2)\n"
        f"    assert (servers.root.name, own.root) == ('solution', Path({str(reference)!r}))"
    )
    text = file.read_text(encoding="utf-8").replace("test_answe():\n    pass", body)
    file.write_text(text, encoding="utf-8")
    events: list[GradingEvent] = []
    result = graded(GREETING / "solution", course=course, events=events)
    assert statuses(result)["answers"] == "passed"
    assert [each for each in events if isinstance(each, CheckWentOn)] == [CheckWentOn(1, 2)]


def test_lessons_with_equal_file_names_do_not_mix() -> None:
    for _ in range(2):
        assert graded(GREETING / "solution").max_score == 100
        assert len(graded(COURSE / "assignments" / "counting", "counting").criteria) == 1


def test_run_leaves_nothing_of_the_lesson_behind() -> None:
    before = {name for name in os.environ if name != "PYTEST_CURRENT_TEST"}
    graded(GREETING / "solution")
    assert {name for name in os.environ if name != "PYTEST_CURRENT_TEST"} == before
    files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
    assert not [file for file in files if file.startswith(str(COURSE / "graders"))]


def test_environment_does_not_steer_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--collect-only")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert graded(GREETING / "solution").full_marks
    assert os.environ["PYTEST_ADDOPTS"] == "--collect-only"


def test_files_of_submission_and_current_folder_do_not_steer_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(GREETING / "solution", tmp_path / "a")
    hostile = "import os\nos._exit(0)\n"
    for name in ("conftest.py", "sitecustomize.py", "pytest_asyncio.py", "test_basics.py"):
        (tmp_path / "a" / name).write_text(hostile, encoding="utf-8")
    (tmp_path / "a" / "pytest.ini").write_text("[pytest]\naddopts = --no-such\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "a")
    assert graded(tmp_path / "a").full_marks


def test_events_tell_the_run_as_it_goes() -> None:
    events: list[GradingEvent] = []
    result = graded(COURSE / "assignments" / "greeting", events=events)
    assert [type(event) for event in events] == [
        RunStarted,
        CriterionStarted,
        CaseFinished,
        *[CriterionFinished] * 4,
        RunFinished,
    ]
    first = events[0]
    assert isinstance(first, RunStarted)
    assert [name for name, _ in first.criteria][:2] == ["answers", "polite"]
    assert events[-1] == RunFinished(result)


def test_notes_and_side_calls_of_the_factory_are_in_the_result() -> None:
    call = SideCall(purpose="title", summary="A short chat")
    factory = FactoryStandIn(
        GREETING / "solution", notes=["It started cold.", "It started cold."], side_calls=[call]
    )
    result = graded(GREETING / "solution", factory=factory)
    assert result.notes == ("It started cold.",)
    assert result.side_calls == (call,)


@pytest.mark.parametrize(
    "body",
    [
        "assert False",
        "pytest.skip('no')",
        "pytest.xfail('no')",
        "sys.exit(0)",
        "pytest.exit('bye', returncode=0)",
        "raise ExceptionGroup('both', [Finding('a'), ValueError('b')])",
        "raise BaseException('odd')",
    ],
)
def test_check_that_breaks_or_does_not_decide_is_our_error(tmp_path: Path, body: str) -> None:
    result = graded(GREETING / "solution", course=stubborn_course(tmp_path, body))
    assert statuses(result)["answers"] == "error"
    assert statuses(result)["polite"] == "blocked"
    assert result.grader_failed


@pytest.mark.parametrize("mark", ["skip", "skipif(True, reason='no')", "xfail"])
def test_marks_cannot_make_a_failure_disappear(tmp_path: Path, mark: str) -> None:
    course = stubborn_course(tmp_path, "raise Finding('Wrong.')")
    file = course / "graders" / "greeting" / "test_basics.py"
    marked = file.read_text(encoding="utf-8").replace("@crit", f"@pytest.mark.{mark}\n@crit", 1)
    file.write_text(marked, encoding="utf-8")
    assert statuses(graded(GREETING / "solution", course=course))["answers"] == "failed"


def test_tests_of_another_file_run_after_blocked_ones(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass", "pass")
    folder = course / "graders" / "greeting"
    rubric = folder / "rubric.yaml"
    text = rubric.read_text(encoding="utf-8")
    rubric.write_text(text.replace("needs: [answers, remembers]", "needs: []"), encoding="utf-8")
    tests = (folder / "test_basics.py").read_text(encoding="utf-8")
    stranger = "@criterion(id='unannounced-guest')"
    body = tests.partition(stranger)
    (folder / "test_basics.py").write_text(body[0].replace("pass", "raise Finding('No.')", 1))
    (folder / "test_more.py").write_text(tests.partition("@")[0] + stranger + body[2])
    assert statuses(graded(GREETING / "solution", course=course)) == {
        "polite": "blocked",
        "answers": "failed",
        "remembers": "blocked",
        "unannounced-guest": "passed",
    }


def test_log_of_our_error_goes_to_the_listener_and_not_into_the_result(tmp_path: Path) -> None:
    events: list[GradingEvent] = []
    course = stubborn_course(tmp_path, "raise ValueError('deep inside')")
    result = graded(GREETING / "solution", course=course, events=events)
    logs = [event.log for event in events if isinstance(event, CaseFinished)]
    assert "deep inside" in logs[0]
    assert "deep inside" not in result.model_dump_json()


def test_interrupt_passes_through(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        graded(GREETING / "solution", course=course)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def test_a():\n    pass\n", "test_a says no criterion"),
        (
            "import pytest\n@pytest.mark.criterion(id='answer')\ndef test_a():\n    pass\n",
            "Did you mean `answers`",
        ),
        (
            "import pytest\n@pytest.mark.criterion(id='answers')\ndef test_a():\n    pass\n",
            "No test decides the criterion `polite`",
        ),
        ("", "No test decides the criterion"),
        ("import nowhere\n", "No module named 'nowhere'"),
        ("def test_a(:\n", "test_basics.py"),
    ],
)
def test_tests_that_do_not_fit_the_rubric_are_content_errors(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(ContentError, match=message):
        graded(GREETING / "solution", course=course_with(tmp_path, text))


def test_item_that_is_no_test_function_is_a_content_error(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    conftest = course / "graders" / "greeting" / "conftest.py"
    conftest.write_text(
        "import pytest\n"
        "class Odd(pytest.Item):\n"
        "    def runtest(self):\n"
        "        pass\n"
        "def pytest_pycollect_makeitem(collector, name, obj):\n"
        "    if name == 'test_polit':\n"
        "        return Odd.from_parent(collector, name=name)\n",
        encoding="utf-8",
    )
    with pytest.raises(ContentError, match="test_polit is not a test function"):
        graded(GREETING / "solution", course=course)


def test_error_within_pytest_is_our_failure_and_told_whole(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    conftest = course / "graders" / "greeting" / "conftest.py"
    conftest.write_text(
        "def pytest_collection_modifyitems():\n    raise RuntimeError('deep inside')\n",
        encoding="utf-8",
    )
    with pytest.raises(GraderBrokeError, match="deep inside"):
        graded(GREETING / "solution", course=course)


def test_two_cases_of_one_name_are_a_content_error(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    folder = course / "graders" / "greeting"
    shutil.copy(folder / "test_basics.py", folder / "test_more.py")
    with pytest.raises(ContentError, match="two cases called 'answe'"):
        graded(GREETING / "solution", course=course)


def test_conftest_that_cannot_be_imported_is_a_content_error(tmp_path: Path) -> None:
    course = stubborn_course(tmp_path, "pass")
    conftest = course / "graders" / "greeting" / "conftest.py"
    conftest.write_text("from graders.engine.core.errors import Nothing\n", encoding="utf-8")
    with pytest.raises(ContentError, match=r"conftest\.py: cannot be imported: .*'Nothing'"):
        graded(GREETING / "solution", course=course)


def test_pytest_that_breaks_is_our_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graders.engine.grading.session.INI", tmp_path / "missing.ini")
    with pytest.raises(GraderBrokeError, match=r"missing\.ini"):
        graded(GREETING / "solution")


def test_ungraded_submission_has_every_criterion_and_no_points() -> None:
    problem = Problem(kind="no-server-file", title="There is no server.py.")
    request = GradingRequest(Catalogue(COURSE).lesson("greeting"), Path("empty"), seed=3)
    result = ungraded(request, problem)
    assert (result.score, result.max_score, result.problem) == (0, 100, problem)
    assert set(statuses(result).values()) == {"not_run"}


def test_criterion_that_is_graded_later_needs_no_check_and_costs_no_full_marks(
    tmp_path: Path,
) -> None:
    course = shutil.copytree(COURSE, tmp_path / "course")
    rubric = course / "graders" / "greeting" / "rubric.yaml"
    text = rubric.read_text("utf-8")
    rubric.write_text(text.replace("visibility: hidden", "graded_later: true"), "utf-8")
    checks = rubric.with_name("test_basics.py")
    source = checks.read_text("utf-8")
    checks.write_text(source[: source.index('@criterion(id="unannounced-guest")')], "utf-8")
    result = graded(GREETING / "solution", course=course)
    later = rows(result)["unannounced-guest"]
    assert (later.status, later.graded_later) == (Status.NOT_RUN, True)
    assert later.message == "Graded later, by your instructor."
    assert (result.score, result.max_score, result.later_points) == (90, 100, 10)
    assert result.full_marks
    assert not graded(GREETING / "solution_terse", course=course, only=("answers",)).full_marks


def test_criterion_has_the_heading_that_it_stands_under_in_the_readme(tmp_path: Path) -> None:
    course = shutil.copytree(COURSE, tmp_path / "course")
    readme = course / "assignments" / "greeting" / "README.md"
    readme.write_text(
        "# Greeting\n\n**Answers**\n\n- **40** The server answers *every* message.\n\n"
        "## Manners\n\n- **30** A greeting is answered with the same greeting.\n",
        "utf-8",
    )
    groups = {row.id: row.group for row in graded(GREETING / "solution", course=course).criteria}
    assert groups == {
        "answers": "Answers",
        "polite": "Manners",
        "remembers": "",
        "unannounced-guest": "",
    }
    readme.unlink()
    assert {row.group for row in graded(GREETING / "solution", course=course).criteria} == {""}
    request = GradingRequest(Catalogue(COURSE).lesson("greeting"), GREETING / "solution", seed=7)
    problem = Problem(kind="x", title="It does not start", cure="Start it.")
    assert [row.id for row in ungraded(request, problem).criteria][:2] == ["polite", "answers"]
