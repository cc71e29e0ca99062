"""An audit finds a score that is not always the same, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from graders.engine.bulk.assigning import assign
from graders.engine.bulk.audit import COLD, AuditReport, audit
from graders.engine.bulk.finding import found_submissions
from graders.engine.bulk.journal import NAME, opened_journal
from graders.engine.bulk.orders import CourseVersions, OpenServers
from graders.engine.bulk.repositories import Repositories
from graders.engine.bulk.roster import Roster
from graders.engine.bulk.run import BulkRun, GradingWorkers
from graders.engine.content.catalogue import Lesson
from graders.engine.grading.folder import OpenFactory
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.submissions.submission import Submission
from tests.bulk.class_folder import RUDE, a_class, hand_in
from tests.bulk.test_run import broken_servers, plan
from tests.bulk.test_schedule import Immediate
from tests.miniature import FactoryStandIn, stand_in_servers


def audited(
    tmp_path: Path,
    cold: OpenServers,
    count: int = 99,
    versions: CourseVersions | None = None,
) -> tuple[AuditReport, bytes, bytes]:
    """Grade a class and audit it, with ``versions`` meanwhile another grader's.

    Return the report, and the journal before and after.
    """
    out = tmp_path / "out"
    with (
        found_submissions(a_class(tmp_path / "class"), "greeting", Repositories()) as deliveries,
        opened_journal(out) as journal,
    ):
        workers = GradingWorkers(Immediate(), stand_in_servers, 1)
        run = BulkRun(plan(out), assign(deliveries, Roster()).entries, journal, lambda *_: None)
        run.grade(workers)
        before = (out / NAME).read_bytes()
        if versions is not None:
            run.plan = replace(run.plan, versions=versions)
        report = audit(run, workers, cold, count)
    return report, before, (out / NAME).read_bytes()


def test_what_is_always_the_same_is_told_so(tmp_path: Path) -> None:
    report, before, after = audited(tmp_path, stand_in_servers, 3)
    assert (report.submissions, report.gradings, report.differences) == (3, 6, ())
    assert report.sentence.endswith("none differs.")
    assert before == after


def test_what_differs_on_a_cold_interpreter_is_told(tmp_path: Path) -> None:
    rude = hand_in(tmp_path / "rude", RUDE)

    @contextmanager
    def rude_servers() -> Iterator[OpenFactory]:
        def opened(lesson: Lesson, submission: Submission) -> AbstractContextManager[ServerFactory]:
            del lesson, submission
            return nullcontext(FactoryStandIn(rude))

        yield opened

    report, before, after = audited(tmp_path, rude_servers)
    assert before == after
    assert (report.submissions, report.gradings) == (5, 10)
    found = {each.student: each for each in report.differences}
    assert found["ada"].criteria == (("polite", 30, 20),)
    assert {each.way for each in report.differences} == {COLD}
    # What cannot be opened has no server that could differ.
    assert "eve" not in found


def test_score_of_another_version_is_not_compared(tmp_path: Path) -> None:
    other = CourseVersions("older", "older", "older", "")
    report, _, _ = audited(tmp_path, stand_in_servers, versions=other)
    assert (report.submissions, report.gradings, report.differences) == (0, 0, ())
    assert report.sentence.endswith("no score of this version of the grader to compare with.")


def test_error_of_ours_is_a_difference(tmp_path: Path) -> None:
    report, _, _ = audited(tmp_path, broken_servers)
    assert {each.error for each in report.differences} == {"OSError: out of memory"}
    assert report.sentence.endswith("4 differ.")
