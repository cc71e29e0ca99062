"""Whole runs over the miniature course: what is graded, what is kept, what a kill costs."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graders.engine.bulk.assigning import assign
from graders.engine.bulk.finding import found_submissions
from graders.engine.bulk.journal import NAME, opened_journal
from graders.engine.bulk.orders import CourseVersions, OpenServers
from graders.engine.bulk.processes import SeparateProcesses
from graders.engine.bulk.repositories import Repositories
from graders.engine.bulk.roster import Roster
from graders.engine.bulk.run import (
    Again,
    BulkRun,
    Finished,
    GradingWorkers,
    RunPlan,
    records_in_order,
    replaced,
)
from graders.engine.bulk.worker import versions_of
from graders.engine.content.catalogue import Catalogue
from graders.engine.content.models import Database
from graders.engine.core.errors import UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import IsolationLevel
from graders.engine.grading.folder import OpenFactory
from graders.engine.harness.server_factory import ServerFactory
from tests.bulk.class_folder import POISON, RIGHT, RUDE, a_class, fragile_servers, hand_in
from tests.bulk.test_schedule import Immediate
from tests.miniature import COURSE, stand_in_servers

LESSON = Catalogue(COURSE).lesson("greeting")
ON_POSTGRESQL = replace(LESSON, database=Database.POSTGRESQL)
SCORES = {"ada": 100, "bob": 0, "cyd": 0, "dee": 100, "eve": 0}


def plan(out: Path, **changes: Any) -> RunPlan:
    """Return a plan for the lesson `greeting`."""
    usual = RunPlan(
        lesson=LESSON,
        out=out,
        require=IsolationLevel.PRACTICE,
        versions=versions_of(LESSON),
        new_seed=1,
        root=COURSE,
    )
    return replace(usual, **changes)


def run_of(
    source: Path,
    made: RunPlan,
    servers: OpenServers = stand_in_servers,
    listen: Callable[[Finished, str], None] = lambda *_: None,
) -> BulkRun:
    """Run over a folder, in this process."""
    with (
        found_submissions(source, "greeting", Repositories()) as deliveries,
        opened_journal(made.out) as journal,
    ):
        run = BulkRun(made, assign(deliveries, Roster()).entries, journal, listen)
        run.grade(GradingWorkers(Immediate(), servers, 1))
    return run


def scores(run: BulkRun) -> dict[str, int]:
    """Return the scores by student."""
    return {entry.student: record.score for entry, record in records_in_order(run)}


def graded(run: BulkRun) -> list[str]:
    """Return who was graded now."""
    return [each.entry.student for _, each in sorted(run.finished.items()) if each.graded]


@contextmanager
def broken_servers() -> Iterator[OpenFactory]:
    """Yield what fails by a mistake of ours."""

    def opened(*_: object) -> AbstractContextManager[ServerFactory]:
        raise OSError("out of memory")

    yield opened


def test_every_submission_gets_its_score_and_its_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = run_of(a_class(tmp_path / "class"), plan(out))
    assert scores(run) == SCORES
    result = json.loads((out / "results" / "dee.json").read_text(encoding="utf-8"))
    assert (result["submission"], result["score"]) == ("dee.zip", 100)
    assert result["submission_path"].endswith("class/dee.zip")
    assert result["content_hash"]
    assert run.finished[4].record.problem == "The archive cannot be used"


def test_page_for_a_student_tells_nothing_that_is_hidden(tmp_path: Path) -> None:
    open_to_all = RIGHT.replace('"my name": "Ada"', '"my name": "Ada", "stranger": "come in"')
    source, out = hand_in(tmp_path / "class" / "ada", open_to_all).parent, tmp_path / "out"
    assert scores(run_of(source, plan(out))) == {"ada": 90}
    assert "let in" in (out / "results" / "ada.json").read_text(encoding="utf-8")
    assert "let in" not in (out / "reports" / "ada.html").read_text(encoding="utf-8")


def test_second_run_grades_only_what_has_changed(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    first = run_of(source, plan(out))
    assert graded(first) == list(SCORES)
    assert graded(run_of(source, plan(out, new_seed=2))) == []
    hand_in(source / "ada", RUDE)
    (out / "results" / "bob.json").unlink()
    second = run_of(source, plan(out))
    assert graded(second) == ["ada", "bob"]
    before, now = replaced(second)["ada"]
    assert (before.score, now.score) == (100, 90)
    assert now.criteria["polite"].finding is not None
    assert "HELLO" in now.criteria["polite"].finding.seen


def test_what_is_graded_again_is_as_asked(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    run_of(source, plan(out))
    other = CourseVersions("other", "other", "other")
    made = plan(out, versions=other)
    assert len(graded(run_of(source, replace(made, again=Again.ERRORS), broken_servers))) == 0
    assert len(graded(run_of(source, replace(made, again=Again.CHANGED), broken_servers))) == 0
    assert len(graded(run_of(source, plan(out, again=Again.ALL)))) == 5
    assert len(graded(run_of(source, plan(out, again=Again.ALL)))) == 5
    assert len(graded(run_of(source, plan(out, seed=9)))) == 5
    assert len(graded(run_of(source, plan(out, seed=9)))) == 0


def test_newcomer_does_not_get_the_score_of_a_student_of_nearly_the_same_name(
    tmp_path: Path,
) -> None:
    source, out = hand_in(tmp_path / "class" / "jane-doe", RIGHT).parent, tmp_path / "out"
    assert scores(run_of(source, plan(out))) == {"jane-doe": 100}
    hand_in(source / "jane doe", RUDE)
    again = run_of(source, plan(out, again=Again.ERRORS))
    assert scores(again) == {"jane doe": 90, "jane-doe": 100}
    assert scores(run_of(source, plan(out))) == {"jane doe": 90, "jane-doe": 100}


def test_practice_does_not_stand_in_for_a_score_that_counts(tmp_path: Path) -> None:
    source, out = hand_in(tmp_path / "class" / "ada").parent, tmp_path / "out"
    run_of(source, plan(out))
    with pytest.raises(UsageError, match="another version"):
        # The worker is asked, so the result from practice was not taken.
        run_of(
            source, plan(out, require=IsolationLevel.STRONG, versions=CourseVersions("", "", ""))
        )


def test_failed_run_never_replaces_a_score_and_is_no_zero(tmp_path: Path) -> None:
    source, out = a_class(tmp_path / "class"), tmp_path / "out"
    run_of(source, plan(out))
    hand_in(source / "fay")
    run = run_of(source, plan(out, again=Again.ALL), broken_servers)
    assert scores(run) == {**SCORES, "fay": 0}
    records = {entry.student: record for entry, record in records_in_order(run)}
    assert records["fay"].error == "OSError: out of memory"
    assert records["ada"].error == ""
    assert not (out / "results" / "fay.json").exists()
    again = run_of(source, plan(out, again=Again.ERRORS))
    # Those that cannot be opened need no server.
    assert graded(again) == ["ada", "bob", "cyd", "dee", "fay"]
    assert scores(again) == {**SCORES, "fay": 100}


def test_poisoned_submission_costs_nobody_else(tmp_path: Path) -> None:
    source = a_class(tmp_path / "class")
    hand_in(source / "bad", POISON)
    with (
        found_submissions(source, "greeting", Repositories()) as deliveries,
        opened_journal(tmp_path / "out") as journal,
        SeparateProcesses(2) as processes,
    ):
        entries = assign(deliveries, Roster()).entries
        run = BulkRun(plan(tmp_path / "out"), entries, journal, lambda *_: None)
        run.grade(GradingWorkers(processes, fragile_servers, 2))
    assert scores(run) == {**SCORES, "bad": 0}
    assert [each.record.error for each in run.finished.values() if each.record.error] == [
        "WorkerDiedError: The process that graded it has ended."
    ]


def test_results_of_another_lesson_are_not_mixed_in(tmp_path: Path) -> None:
    source, out = hand_in(tmp_path / "class" / "ada").parent, tmp_path / "out"
    run_of(source, plan(out))
    with pytest.raises(UsageError, match="holds results of greeting"):
        run_of(source, plan(out, lesson=Catalogue(COURSE).lesson("counting")))


def test_results_that_cannot_be_written_end_the_run(tmp_path: Path) -> None:
    source, out = hand_in(tmp_path / "class" / "ada").parent, tmp_path / "out"
    out.mkdir()
    (out / "results").touch()
    with pytest.raises(UsageError, match="results cannot be written"):
        run_of(source, plan(out))


def test_worker_with_another_grader_refuses(tmp_path: Path) -> None:
    source = hand_in(tmp_path / "class" / "ada").parent
    other = replace(versions_of(LESSON), grader="x", lock="y")
    with pytest.raises(UsageError, match="another version of the grader and the lock file"):
        run_of(source, plan(tmp_path / "out", versions=other))


# Tells each result, and waits until it may go on: so it can be killed at any point.
KILLED = """
import sys
from pathlib import Path
from tests.bulk.test_run import plan, run_of

def told(finished, log):
    print(finished.entry.student, finished.graded, flush=True)
    sys.stdin.readline()

if __name__ == "__main__":
    run_of(Path(sys.argv[1]), plan(Path(sys.argv[2])), listen=told)
    print("end", flush=True)
"""


def test_run_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    source, out = tmp_path / "class", tmp_path / "out"
    a_class(source)
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    turns, known = random.Random(5), set[str]()
    while True:
        ended, told = killed_after(turns.randrange(1, 4), script, source, out)
        again = {line.split()[0] for line in told if line.endswith("True")}
        # A result that was told is never graded a second time.
        assert not again & known
        known |= again
        if ended:
            break
    assert known == set(SCORES)
    assert scores(run_of(source, plan(out))) == SCORES


def killed_after(results: int, script: Path, source: Path, out: Path) -> tuple[bool, list[str]]:
    """Run until so many are graded, then kill it; return whether it ended before, and its lines."""
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, script, source, out],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            told.append(line.strip())
            if told[-1] == "end":
                return True, told
            if sum(each.endswith("True") for each in told) == results:
                process.kill()
                break
            process.stdin.write("\n")
            process.stdin.flush()
    with (out / NAME).open("ab") as journal:
        journal.write(b'{"kind":"result","file":"torn')
    return False, told


def test_workers_are_told_what_servers_store_in(tmp_path: Path) -> None:
    chosen = plan(tmp_path / "out", lesson=ON_POSTGRESQL, versions=versions_of(ON_POSTGRESQL))
    assert chosen.versions != versions_of(LESSON)
    # No other lesson of this course knows it either: so the worker that is told of it refuses.
    with pytest.raises(UsageError, match="greeting cannot be graded with postgresql"):
        run_of(hand_in(tmp_path / "class" / "ada").parent, chosen)


def test_name_that_is_no_utf8_has_a_result_as_others_have(tmp_path: Path) -> None:
    source = tmp_path / "class"
    hand_in(source / os.fsdecode(b"\xff"))
    hand_in(source / os.fsdecode(b"\xfe"), RUDE)
    run = run_of(source, plan(tmp_path / "out"))
    assert scores(run) == {r"\udcfe": 90, r"\udcff": 100}
    assert len(list((tmp_path / "out" / "results").iterdir())) == 2
