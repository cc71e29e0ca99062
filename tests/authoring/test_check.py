"""The whole check of the miniature course, and what it says of a wrong one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from graders.engine.authoring import matrix_page
from graders.engine.authoring.check import Choice, LessonCheck, check_lesson, entries_of
from graders.engine.authoring.cost import cpu_seconds
from graders.engine.authoring.matrix import Row, RowKind
from graders.engine.authoring.rows import Order, open_graders
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.models import Database
from graders.engine.core.errors import ContentError, GraderBrokeError, UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Status
from graders.engine.course_servers.mutants import load_mutant, mutants_of
from graders.engine.grading.folder import OpenFactory
from graders.engine.harness.server_factory import ServerFactory
from graders.engine.reports.glyphs import ASCII
from graders.engine.submissions.submission import Submission
from tests.miniature import COURSE, stand_in_servers
from tests.reports.samples import as_text, result


@contextmanager
def servers_that_end_the_process() -> Iterator[OpenFactory]:
    """End the process that they are opened in."""
    os._exit(1)
    yield


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Return a copy of the miniature course, to be spoilt."""
    shutil.copytree(COURSE, tmp_path / "course")
    return tmp_path / "course"


def checked(
    course: Path = COURSE,
    told: list[str] | None = None,
    jobs: int = 1,
    *,
    whole: bool = False,
    rows: tuple[str, ...] = (),
) -> LessonCheck:
    """Check the lesson `greeting` of a course."""
    lesson = Catalogue(course).lesson("greeting")
    choice = Choice(rows, whole)
    with open_graders(stand_in_servers, jobs) as grade_all:
        return check_lesson(
            lesson,
            grade_all(Order(course, lesson.id, 1, choice)),
            lambda row, count: (told if told is not None else []).append(f"{row.name} of {count}"),
            choice,
        )


def mutant_of(course: Path, name: str) -> Path:
    """Return the folder of a mutant."""
    return course / "reference_solutions" / "greeting" / "mutants" / name


def forget_and_shout(course: Path, told: str) -> None:
    """Add a mutant `halves` that loses two criteria; ``told`` ends its settings."""
    folder = mutant_of(course, "halves")
    (folder / "files").mkdir(parents=True)
    answers = {"hello": "HELLO", "good morning": "good morning", "good night": "good night"}
    (folder / "files" / "server.py").write_text(f"ANSWERS = {answers}\n", encoding="utf-8")
    (folder / "mutant.yaml").write_text(f"format_version: 1\nwhy: W.\n{told}\n", encoding="utf-8")


def test_right_course_has_no_flaws() -> None:
    told: list[str] = []
    check = checked(told=told)
    assert check.flaws == ()
    assert told[0] == "stub of 7"
    assert [row.name for row in check.rows] == [
        "stub",
        "solution",
        "solution_terse",
        "forgetful",
        "hospitable",
        "mute",
        "rude",
    ]


def test_side_by_side_gives_what_one_by_one_gives() -> None:
    told: list[str] = []
    alone, beside = checked(), checked(jobs=2, told=told)
    assert [(row.name, row.lost) for row in beside.rows] == [
        (row.name, row.lost) for row in alone.rows
    ]
    assert beside.flaws == alone.flaws
    assert told[0] == "stub of 7"


def test_wrong_content_found_by_another_process_is_told_as_ever(course: Path) -> None:
    patch = mutant_of(course, "rude") / "change.patch"
    patch.write_text("--- a/none.py\n+++ b/none.py\n@@ -1 +1 @@\n-a\n+b\n", encoding="utf-8")
    with pytest.raises(ContentError, match=r"change\.patch") as alone:
        checked(course)
    with pytest.raises(ContentError) as beside:
        checked(course, jobs=2)
    assert (beside.value.path, beside.value.cure) == (alone.value.path, alone.value.cure)
    assert str(beside.value) == str(alone.value)


def test_a_process_that_ends_by_itself_is_our_fault() -> None:
    order = Order(COURSE, "greeting", seed=1)
    with (
        open_graders(servers_that_end_the_process, 2) as grade_all,
        pytest.raises(GraderBrokeError),
    ):
        list(grade_all(order))


# Its output ends once nobody is left who could write to it.
KILLED = """
import sys
from pathlib import Path
from graders.engine.authoring.rows import Order, open_graders
from tests.miniature import COURSE, stand_in_servers

if __name__ == "__main__":
    with open_graders(stand_in_servers, 2) as grade_all:
        for row in grade_all(Order(COURSE, "greeting", seed=1)):
            print(row.name, flush=True)
            sys.stdin.read()
"""


def test_processes_end_with_the_one_that_gave_the_orders(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"stub\n"
        process.kill()
        assert not process.communicate(timeout=60)[0]


def test_page_of_a_right_course() -> None:
    page = as_text(matrix_page.render(checked(), ASCII))
    assert "hospitable        90 +++x" in page
    assert "mute               0 -x--" in page
    assert "2 answers           mute" in page
    assert "greeting: 1/1 stub, 2/2 solutions, 4/4 mutants; all as it must be." in page


def test_mutant_that_loses_something_else_is_a_flaw(course: Path) -> None:
    file = mutant_of(course, "rude") / "mutant.yaml"
    file.write_text("format_version: 1\nwhy: W.\nloses: [remembers]\n", encoding="utf-8")
    check = checked(course)
    page = as_text(matrix_page.render(check, ASCII))
    assert "<< wrong" in page
    assert "3 wrong." in page
    assert "rude: was to lose `remembers` and did not." in check.flaws
    assert "`polite`: no mutant loses it." in check.flaws


def test_the_end_of_a_run_tells_all_flaws_again_without_the_matrices(course: Path) -> None:
    (mutant_of(course, "rude") / "mutant.yaml").write_text(
        "format_version: 1\nwhy: W.\nloses: [remembers]\n", encoding="utf-8"
    )
    wrong, right = checked(course), checked()
    page = as_text(matrix_page.render_end([wrong, right]))
    assert all(flaw in page for flaw in wrong.flaws)
    assert matrix_page.summary(wrong) in page
    assert matrix_page.summary(right) in page
    assert "+++x" not in page


def test_mutant_may_be_graded_on_a_part_of_the_criteria(course: Path) -> None:
    file = mutant_of(course, "rude") / "mutant.yaml"
    file.write_text(
        "format_version: 1\nwhy: W.\nloses: [polite]\ngraded_on: [polite]\n", encoding="utf-8"
    )
    check = checked(course)
    assert check.flaws == ()
    rude = check.rows[-1].result
    tried = [each.id for each in rude.criteria if each.status is not Status.NOT_RUN]
    assert "polite" in tried
    assert len(tried) < len(rude.criteria)
    assert "rude (on polite)" in as_text(matrix_page.render(check, ASCII))


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_wrong_outside_of_the_part_is_told_by_the_whole_check_only(
    course: Path, jobs: int
) -> None:
    (mutant_of(course, "rude") / "mutant.yaml").write_text(
        "format_version: 1\nwhy: W.\nloses: [polite, remembers]\ngraded_on: [polite]\n",
        encoding="utf-8",
    )
    forget_and_shout(course, "loses: [polite]\ngraded_on: [polite]")
    assert checked(course, jobs=jobs).flaws == ()
    flaws = checked(course, jobs=jobs, whole=True).flaws
    assert [flaw.partition(" Seen:")[0] for flaw in flaws] == [
        "halves: lost `remembers`, undeclared.",
        "rude: was to lose `remembers` and did not.",
    ]


def test_what_is_true_outside_of_the_part_is_right_in_both_checks(course: Path) -> None:
    forget_and_shout(course, "loses: [polite, remembers]\ngraded_on: [polite]")
    assert checked(course).flaws == ()
    assert checked(course, whole=True).flaws == ()


def test_what_is_lost_in_the_part_is_compared_in_both_checks(course: Path) -> None:
    forget_and_shout(course, "loses: [answers, polite]\ngraded_on: [polite, remembers]")
    for whole in (False, True):
        missed, extra = checked(course, whole=whole).flaws
        # `polite` needs `answers`, which is graded with it.
        assert missed == "halves: was to lose `answers` and did not."
        assert extra.startswith("halves: lost `remembers`, undeclared.")


def test_the_whole_check_grades_everything_and_names_no_part(course: Path) -> None:
    (mutant_of(course, "rude") / "mutant.yaml").write_text(
        "format_version: 1\nwhy: W.\nloses: [polite]\ngraded_on: [polite]\n", encoding="utf-8"
    )
    narrow, whole = checked(course).rows[-1], checked(course, whole=True).rows[-1]
    assert narrow.left_out == {"remembers", "unannounced-guest"}
    assert (whole.left_out, whole.graded_on) == (frozenset(), ())
    assert Status.NOT_RUN not in {each.status for each in whole.result.criteria}


def test_criterion_that_is_lost_only_where_it_is_not_graded_has_no_mutant(course: Path) -> None:
    forget_and_shout(course, "loses: [polite, remembers]\ngraded_on: [polite]")
    shutil.rmtree(mutant_of(course, "forgetful"))
    assert checked(course).flaws == ("`remembers`: no mutant loses it.",)
    assert checked(course, whole=True).flaws == ()


@pytest.mark.parametrize("jobs", [1, 2])
def test_rows_that_are_named_are_graded_alone(jobs: int) -> None:
    told: list[str] = []
    check = checked(told=told, jobs=jobs, rows=("rude", "solution*"))
    assert told == ["solution of 3", "solution_terse of 3", "rude of 3"]
    assert check.flaws == ()


def test_row_that_is_not_there_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="has no stub, solution or mutant `rood`") as error:
        checked(rows=("solution", "rood"))
    assert "rude" in (error.value.cure or "")


def test_the_slowest_gradings_are_told() -> None:
    slow = [
        Row(
            RowKind.MUTANT,
            f"m{seconds}",
            result().model_copy(update={"duration_ms": 1000.0 * seconds}),
            cpu_seconds=seconds / 2,
        )
        for seconds in range(1, 13)
    ]
    checks = [
        LessonCheck("one", (), tuple(slow[:6]), ()),
        LessonCheck("two", (), tuple(slow[6:]), ()),
    ]
    lines = as_text(matrix_page.render_slowest(checks)).split("\n")
    told = [line.split() for line in lines if line.startswith("m")]
    assert told[0] == ["m12", "two", "12.0", "6.0"]
    assert told[-1] == ["m3", "one", "3.0", "1.5"]
    assert len(told) == 10


def test_what_a_grading_costs_has_what_its_processes_cost() -> None:
    before = cpu_seconds()
    with subprocess.Popen(
        [sys.executable, "-c", WORKING], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # It has worked for 0.3 s, half of it by a process that has ended.
        while_it_runs = cpu_seconds() - before
        process.communicate()
    assert while_it_runs >= 0.25
    assert cpu_seconds() - before >= 0.25


WORKING = """
import subprocess, sys, time
work = "import time\\nwhile time.process_time() < 0.15: pass"
exec(work)
subprocess.run([sys.executable, "-c", work])
print("done", flush=True)
sys.stdin.read()
"""


def test_criterion_that_is_not_announced_is_a_flaw(course: Path) -> None:
    (course / "assignments" / "greeting" / "README.md").write_text("Greet.", encoding="utf-8")
    assert len(checked(course).flaws) == 4


def test_readme_with_other_points_than_the_rubric_is_a_flaw(course: Path) -> None:
    readme = course / "assignments" / "greeting" / "README.md"
    text = readme.read_text(encoding="utf-8")
    readme.write_text(text.replace("**40**", "**4**"), encoding="utf-8")
    assert checked(course).flaws == (
        "`answers`: the assignment's README gives 4 for it, the rubric 40.",
    )


def test_lesson_without_tests_is_a_content_error(course: Path) -> None:
    (course / "graders" / "greeting" / "test_basics.py").unlink()
    with pytest.raises(ContentError, match=r"greeting: has no tests: no file `test_\*\.py`"):
        checked(course)


def test_assignment_without_readme_is_a_content_error(course: Path) -> None:
    (course / "assignments" / "greeting" / "README.md").unlink()
    with pytest.raises(ContentError, match=r"README\.md: is missing"):
        checked(course)


def test_lesson_without_solution_is_a_content_error(course: Path) -> None:
    shutil.rmtree(course / "reference_solutions")
    with pytest.raises(ContentError, match="has no `solution`"):
        checked(course)


def test_stub_without_server_is_just_not_gradable(course: Path) -> None:
    (course / "assignments" / "greeting" / "server.py").unlink()
    check = checked(course)
    assert check.flaws == ()
    assert check.rows[0].result.problem is not None


def test_built_mutant_is_the_changed_solution_and_is_removed() -> None:
    rude = mutants_of(Catalogue(COURSE).lesson("greeting"))[3]
    with rude.built() as folder:
        assert folder.name == "rude"
        assert '"good night": "GOOD NIGHT"' in (folder / "server.py").read_text(encoding="utf-8")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("why: W.\nloses: [answers]\n", "format_version"),
        ("format_version: 1\nwhy: W.\nloses: []\n", "must not be empty"),
        ("format_version: 1\nwhy: W.\nloses: [answer]\n", "Did you mean `answers`"),
        ("format_version: 1\nwhy: W.\nloses: [answers]\nbase: nothing\n", "no solution `nothing`"),
        ("format_version: 1\nwhy: W.\nloses: [answers]\nloss: [a]\n", "loss"),
        ("format_version: 1\nwhy: W.\nloses: [answers]\ngraded_on: [answer]\n", "none that begins"),
        ("format_version: 1\nwhy: W.\nloses: [answers]\ngraded_on: [polite]\n", "is graded"),
        ("format_version: 1\nwhy: W.\nloses: [answers]\ndatabase: oracle\n", "oracle"),
        (
            "format_version: 1\nwhy: W.\nloses: [answers]\ndatabase: postgresql\n",
            "cannot be graded with postgresql",
        ),
    ],
)
def test_mutant_that_is_described_wrongly_is_a_content_error(
    course: Path, text: str, message: str
) -> None:
    folder = mutant_of(course, "mute")
    (folder / "mutant.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ContentError, match=message):
        load_mutant(folder, Catalogue(course).lesson("greeting"))


def test_mutant_that_changes_nothing_is_a_content_error(course: Path) -> None:
    shutil.rmtree(mutant_of(course, "mute") / "files")
    with pytest.raises(ContentError, match="changes nothing"):
        checked(course)


def test_patch_that_no_longer_fits_is_a_content_error(course: Path) -> None:
    server = course / "reference_solutions" / "greeting" / "solution" / "server.py"
    server.write_text("ANSWERS = {}\n", encoding="utf-8")
    with pytest.raises(ContentError, match="does not fit"):
        checked(course)


def with_databases(course: Path, text: str) -> Lesson:
    """Let the lesson of a course know PostgreSQL, and say what its solutions are graded with."""
    lesson_file = course / "graders" / "greeting" / "lesson.yaml"
    told = lesson_file.read_text(encoding="utf-8")
    lesson_file.write_text(f"{told}databases: [postgresql]\n", encoding="utf-8")
    file = course / "reference_solutions" / "greeting" / "databases.yaml"
    file.write_text(f"format_version: 1\nsolutions: {text}\n", encoding="utf-8")
    return Catalogue(course).lesson("greeting")


def test_solutions_and_mutants_are_graded_with_the_databases_that_they_name(course: Path) -> None:
    lesson = with_databases(course, "{solution_terse: [sqlite, postgresql]}")
    with (mutant_of(course, "mute") / "mutant.yaml").open("a", encoding="utf-8") as file:
        file.write("database: postgresql\n")
    graded = {each.name: each.database for each in entries_of(lesson)}
    assert {name for name, database in graded.items() if database is Database.POSTGRESQL} == {
        "solution_terse (postgresql)",
        "mute",
    }
    assert "solution_terse" in graded
    asked: list[Database] = []

    @contextmanager
    def servers() -> Iterator[OpenFactory]:
        with stand_in_servers() as open_stand_in:

            def opened(
                lesson: Lesson, submission: Submission
            ) -> AbstractContextManager[ServerFactory]:
                asked.append(lesson.database)
                return open_stand_in(lesson, submission)

            yield opened

    with open_graders(servers, 1) as grade_all:
        check_lesson(lesson, grade_all(Order(course, "greeting", seed=1)), lambda *_: None)
    assert asked == list(graded.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{solution_tense: [postgresql]}", "Did you mean `solution_terse`"),
        ("{solution: []}", "must not be empty"),
        ("{solution: [oracle]}", "oracle"),
    ],
)
def test_databases_that_are_told_wrongly_are_a_content_error(
    course: Path, text: str, message: str
) -> None:
    with pytest.raises(ContentError, match=message):
        list(entries_of(with_databases(course, text)))
