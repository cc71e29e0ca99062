"""A student's copy grades all that a student may see, and holds nothing that is hidden."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import yaml

from graders.bootstrap.launch import MARK
from graders.engine.bundles import kinds, lesson_files
from graders.engine.bundles.files import Files, files_below, write_folder
from graders.engine.content.catalogue import Catalogue
from graders.engine.content.course import find_course
from graders.engine.content.models import Database
from graders.engine.content.quiz import load_bank
from graders.engine.core.errors import ContentError, UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import Status
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import grade
from tests.miniature import COURSE, FactoryStandIn

LESSONS = Catalogue(REPOSITORY).lessons()
NAMED = {lesson.id: lesson for lesson in LESSONS}
HIDDEN_FOLDERS = ("reference_solutions", "tests", "fixtures")
LONGEST_FAMILIAR = 12
"""Words of fewer letters may stand anywhere by chance."""
SOLUTION = COURSE / "reference_solutions" / "greeting" / "solution"


@pytest.fixture(scope="module")
def bundle() -> Files:
    """Return the copy of all lessons."""
    return kinds.student(REPOSITORY, LESSONS)


def grade_py(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a copy's own ``grade.py`` in this environment, as its second run does."""
    command = [sys.executable, "-I", "-X", "utf8", "-X", MARK, str(folder / "grade.py"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def hidden_files() -> Iterator[Path]:
    """Yield every file of the project that students may not have."""
    for name in HIDDEN_FOLDERS:
        yield from (REPOSITORY / name / file for file in files_below(REPOSITORY / name))


def words_of(texts: Sequence[str]) -> set[str]:
    """Return the longer words and numbers of texts."""
    return {
        word
        for text in texts
        for word in re.findall(r"[\w-]+", text)
        if len(word) > LONGEST_FAMILIAR
    }


def text_of(files: Files) -> str:
    """Return all files as one text."""
    return "\n".join(data.decode("utf-8", "replace") for data in files.values())


def test_no_hidden_file_is_in_it_byte_by_byte(bundle: Files) -> None:
    held = set(bundle.values())
    shared = {data for lesson in LESSONS for data in files_below(lesson.assignment_dir).values()}
    own_tests = set(files_below(REPOSITORY / "classrooms").values())
    found = [
        path.relative_to(REPOSITORY).as_posix()
        for path in hidden_files()
        if (data := path.read_bytes()).strip() and data in held - shared - own_tests
    ]
    assert found == []
    assert len([*hidden_files()]) > 1000


def test_no_word_that_only_hidden_files_have_is_in_it(bundle: Files) -> None:
    public = [
        REPOSITORY / folder / name
        for folder in ("assignments", "graders", "docs", "classrooms")
        for name in files_below(REPOSITORY / folder)
    ]
    public += [REPOSITORY / name for name in ("grade.py", "pyproject.toml", "uv.lock", "LICENSE")]
    allowed = words_of([f"{path} {path.read_text('utf-8', 'replace')}" for path in public])
    hidden = words_of([path.read_text("utf-8", "replace") for path in hidden_files()]) - allowed
    assert len(hidden) > 500
    assert words_of([text_of(bundle)]) & hidden == set()


def test_no_answer_of_the_quiz_can_be_read_in_it(bundle: Files) -> None:
    text = text_of(bundle)
    questions = load_bank(REPOSITORY / "fixtures" / "quiz").questions
    for question in questions:
        for secret in (question.reason, *(each.tempting for each in question.options)):
            assert secret is None or secret not in text
    assert "right: true" not in text_of({k: v for k, v in bundle.items() if k.endswith(".yaml")})


def test_every_file_and_link_that_its_documents_name_is_in_it(bundle: Files) -> None:
    pages = {name: data.decode() for name, data in bundle.items() if name.endswith(".md")}
    assert {"README.md", "docs/what-a-server-may-use.md"} <= set(pages)
    for name, text in pages.items():
        folder = name.rpartition("/")[0]
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            place = (Path("/") / folder / target).resolve().relative_to("/").as_posix()
            assert place in bundle, f"{name} links to {target}"
    engine = text_of({k: v for k, v in bundle.items() if k.startswith("graders/engine/server")})
    assert set(re.findall(r"docs/[\w-]+\.md", engine)) <= set(bundle)


def test_manifest_has_what_is_not_to_be_edited(bundle: Files) -> None:
    manifest = json.loads(bundle[kinds.MANIFEST])
    assert "graders/engine/host/serve.py" in manifest["files"]
    assert not [name for name in manifest["files"] if name.startswith("assignments/")]
    assert manifest["graded_later"] == {
        lesson.id: len(lesson_files.played_on_course_servers(lesson)) for lesson in LESSONS
    }
    assert manifest["graded_later"]["lesson06"] == 0


def test_workflow_grades_the_chosen_lessons() -> None:
    files = kinds.student(REPOSITORY, [NAMED["lesson02"], NAMED["lesson03"]])
    workflow = yaml.safe_load(files[".github/workflows/grade.yml"])
    assert workflow["jobs"]["grade"]["strategy"]["matrix"] == {"lesson": ["lesson02", "lesson03"]}
    assert "| `lesson02` | " in files["README.md"].decode()
    assert {name.split("/")[1] for name in files if name.startswith("assignments/")} == {
        "lesson02",
        "lesson03",
    }


def test_copy_grades_and_tests_itself_with_the_same_two_commands(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    write_folder(kinds.student(REPOSITORY, [NAMED["lesson01"]]), copy)
    solution = REPOSITORY / "reference_solutions" / "lesson01" / "solution_words"
    graded = grade_py(copy, "lesson01", str(solution))
    assert (graded.returncode, "Full marks." in graded.stdout) == (0, True), graded.stderr
    stub = grade_py(copy, "lesson01")
    assert (stub.returncode, "0 / 100" in stub.stdout) == (1, True), stub.stderr
    tested = grade_py(copy, "test", "-q")
    assert (tested.returncode, "3 passed" in tested.stdout) == (0, True), tested.stdout
    (copy / "graders" / "engine" / "host" / "serve.py").write_text("")
    changed = grade_py(copy, "test", "-q", "-k", "changed")
    assert changed.returncode == 1
    assert "graders/engine/host/serve.py" in changed.stdout


def test_copy_says_clearly_what_it_cannot_do(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    write_folder(kinds.student(REPOSITORY, [NAMED["lesson01"]]), copy)
    made = grade_py(copy, "bundle", "lesson01", "--student", str(tmp_path / "other"))
    assert made.returncode == 2
    assert "This copy of the grader cannot make bundles" in made.stderr
    assert not (tmp_path / "other").exists()


def open_copy(course: Path, folder: Path) -> Catalogue:
    """Write the students' copy of the miniature lesson and return what finds it there."""
    lesson = Catalogue(course).lesson("greeting")
    write_folder(lesson_files.open_to_students(lesson), folder / "graders" / "greeting")
    shutil.copytree(lesson.assignment_dir, folder / "assignments" / "greeting")
    return Catalogue(folder)


def test_hidden_criterion_is_graded_later_and_the_others_as_before(tmp_path: Path) -> None:
    (tmp_path / "graders").mkdir()
    lesson = open_copy(COURSE, tmp_path).lesson("greeting")
    result = grade(GradingRequest(lesson, SOLUTION, seed=7), SOLUTION, FactoryStandIn(SOLUTION))
    statuses = {row.id: row.status for row in result.criteria}
    assert statuses.pop("unannounced-guest") is Status.NOT_RUN
    assert set(statuses.values()) == {Status.PASSED}
    assert (result.score, result.max_score, result.full_marks) == (90, 100, True)


def test_no_word_of_a_hidden_criterion_is_in_it_but_title_and_requirement(tmp_path: Path) -> None:
    course = shutil.copytree(COURSE, tmp_path / "course")
    grader = course / "graders" / "greeting"
    checks, rubric = grader / "test_basics.py", grader / "rubric.yaml"
    source = checks.read_text("utf-8")
    source = source.replace('"""Who is not known gets nothing."""', '"""Zanzibar."""\n    ZEBRA()')
    checks.write_text(source + "\n\ndef ZEBRA() -> None:\n    '''Zephyr.'''\n", "utf-8")
    told = rubric.read_text("utf-8")
    told = told.replace("default: Do not answer strangers.", "default: Zigzag. # Zodiac")
    told = told.replace("needs: [answers]", "needs: [answers, unannounced-guest]", 1)
    rubric.write_text(told.replace("needs: [answers, remembers]", "needs: [answers]"), "utf-8")
    (grader / "why.yaml").write_text(
        "format_version: 1\nwhy:\n  answers: Seen.\n  unannounced-guest: Zenith.\n", "utf-8"
    )
    lesson = Catalogue(course).lesson("greeting")
    files = lesson_files.open_to_students(lesson)
    text = text_of(files)
    assert [word for word in re.findall(r"Z\w+", text) if word.lower() != "zero"] == []
    assert "Seen." in text
    (tmp_path / "open" / "graders").mkdir(parents=True)
    later = open_copy(course, tmp_path / "open").lesson("greeting").rubric
    guest = later.criterion("unannounced-guest")
    assert (guest.title, guest.graded_later) == ("A stranger is turned away", True)
    assert later.criterion("polite") == lesson.rubric.criterion("polite").model_copy(
        update={"needs": ("answers",)}
    )


COURSE_YAML = """\
format_version: 1
name: Agents
term: Spring
lessons:
  greeting:
    criteria:
      answers: {points: 50}
      polite: {points: 5, visibility: hidden, feedback: {title: hidden}}
      unannounced-guest: {visibility: visible}
  counting: {}
late:
  extensions: {dora: {greeting: 2027-03-20T23:59:00+01:00}}
"""


def in_course(folder: Path) -> tuple[Path, Catalogue]:
    """Return the miniature course with a class of its own."""
    course = shutil.copytree(COURSE, folder / "course")
    (course / "course.yaml").write_text(COURSE_YAML, "utf-8")
    return course, Catalogue(course, find_course(course))


def test_copy_has_the_points_of_the_course_and_hides_what_it_hides(tmp_path: Path) -> None:
    _, catalogue = in_course(tmp_path)
    lesson = catalogue.lesson("greeting")
    copy = tmp_path / "copy"
    (copy / "graders").mkdir(parents=True)
    write_folder(lesson_files.open_to_students(lesson), copy / "graders" / "greeting")
    files = lesson_files.course_file([lesson], to_students=True)
    (copy / "course.yaml").write_bytes(files["course.yaml"])
    assert yaml.safe_load(files["course.yaml"]) == {
        "format_version": 1,
        "name": "Agents",
        "term": "Spring",
        "lessons": {
            "greeting": {"criteria": {"answers": {"points": 50}, "graded-later-1": {"points": 5}}}
        },
    }
    there = Catalogue(copy, find_course(copy)).lesson("greeting").rubric
    assert [(each.id, each.points) for each in there.criteria] == [
        ("graded-later-1", 5),
        ("answers", 50),
        ("remembers", 20),
        ("unannounced-guest", 10),
    ]
    assert there.visible_ids == there.ids
    text = text_of(files_below(copy))
    assert "polite" not in text
    assert "answered in kind" not in text
    assert "test_stranger" in text


def test_copy_has_what_is_optional_with_the_name_of_who_gives_the_points(tmp_path: Path) -> None:
    course, _ = in_course(tmp_path)
    rubric = course / "graders" / "greeting" / "rubric.yaml"
    line = """
  - id: front-end
    title: The front end loads
    points: 5
    optional: {part: front-end, points_from: polite}
    requirement: The front end loads.
    hints: {default: Open it.}
"""
    rubric.write_text(rubric.read_text("utf-8") + line, "utf-8")
    lesson = Catalogue(course, find_course(course)).lesson("greeting")
    told = yaml.safe_load(lesson_files.open_to_students(lesson)["rubric.yaml"])["criteria"]
    assert told[-1]["optional"] == {"part": "front-end", "points_from": "graded-later-1"}


def test_grader_for_instructors_has_what_the_course_says_of_its_lessons(tmp_path: Path) -> None:
    _, catalogue = in_course(tmp_path)
    lesson = catalogue.lesson("greeting")
    (told,) = lesson_files.course_file([lesson], to_students=False).values()
    written = yaml.safe_load(COURSE_YAML)["lessons"]["greeting"]["criteria"]
    assert yaml.safe_load(told)["lessons"] == {"greeting": {"criteria": written}}
    assert lesson_files.course_file([Catalogue(COURSE).lesson("greeting")], to_students=True) == {}


def test_data_that_only_a_hidden_check_names_is_left_out(tmp_path: Path) -> None:
    course = shutil.copytree(COURSE, tmp_path / "course")
    grader = course / "graders" / "greeting"
    source = (grader / "test_basics.py").read_text("utf-8")
    source = source.replace('ask("stranger")', 'ask("traps.yaml and common.yaml")')
    source = source.replace('ask(student, "hello")', 'ask(student, "common.yaml")', 1)
    (grader / "test_basics.py").write_text(source, "utf-8")
    for name in ("traps.yaml", "common.yaml"):
        (grader / name).write_text("format_version: 1\n", "utf-8")
    files = lesson_files.open_to_students(Catalogue(course).lesson("greeting"))
    assert "common.yaml" in files
    assert "traps.yaml" not in files


def test_hidden_criterion_whose_check_is_not_found_is_a_mistake_of_the_course(
    tmp_path: Path,
) -> None:
    course = shutil.copytree(COURSE, tmp_path / "course")
    checks = course / "graders" / "greeting" / "test_basics.py"
    source = checks.read_text("utf-8")
    checks.write_text(source.replace('(id="unannounced-guest")', "(id=NAME)"), "utf-8")
    with pytest.raises(ContentError, match="is not found, so it cannot be cut out"):
        lesson_files.open_to_students(Catalogue(course).lesson("greeting"))


def test_lesson_with_nothing_hidden_is_copied_byte_by_byte() -> None:
    lesson = NAMED["lesson02"]
    assert lesson_files.open_to_students(lesson) == files_below(lesson.grader_dir)


def test_what_a_course_hides_of_a_lender_is_not_shown(tmp_path: Path) -> None:
    def made(criterion: str) -> Files:
        told = {"lesson06": {"criteria": {criterion: {"visibility": "hidden"}}}, "lesson08": {}}
        file = tmp_path / "course.yaml"
        file.write_text(yaml.safe_dump({"format_version": 1, "lessons": told}), "utf-8")
        catalogue = Catalogue(REPOSITORY, find_course(REPOSITORY, file))
        return kinds.student(REPOSITORY, [catalogue.lesson("lesson08")])

    files = made("scheme-case")
    assert b'"scheme-case"' not in files["graders/lesson06/test_users.py"]
    with pytest.raises(UsageError, match="lesson08 borrows it"):
        made("list-own")


@pytest.mark.parametrize("to_students", [True, False])
def test_database_of_the_class_goes_along(tmp_path: Path, to_students: bool) -> None:
    mine = tmp_path / "course.yaml"
    mine.write_text(
        "format_version: 1\nlessons:\n  lesson05: {database: postgresql}\n  lesson06: {}\n", "utf-8"
    )
    lessons = Catalogue(REPOSITORY, find_course(REPOSITORY, mine)).lessons()
    files = lesson_files.course_file(lessons, to_students=to_students)
    (tmp_path / "copy.yaml").write_bytes(files["course.yaml"])
    there = Catalogue(REPOSITORY, find_course(REPOSITORY, tmp_path / "copy.yaml"))
    assert there.lesson("lesson05").database is Database.POSTGRESQL
    assert there.lesson("lesson06").database is Database.SQLITE
