"""The catalogue finds lessons by their folders alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.models import Database, LessonInfo, load_lesson_info
from graders.engine.core.errors import ContentError, UsageError

RUBRIC = """\
criteria:
  - {id: a, title: A, points: 100, requirement: A., hints: {default: B.}}
"""


def make_lesson(root: Path, name: str, text: str = "title: First agent\n") -> Path:
    folder = root / "graders" / name
    folder.mkdir(parents=True)
    (folder / "lesson.yaml").write_text(text, encoding="utf-8")
    (folder / "rubric.yaml").write_text(RUBRIC, encoding="utf-8")
    return folder


def test_lessons_are_the_folders_with_a_lesson_file(tmp_path: Path) -> None:
    for name in ("rag", "lesson10", "lesson02", "engine"):
        make_lesson(tmp_path, name)
    (tmp_path / "graders" / "notes").mkdir()
    (tmp_path / "graders" / "lesson.yaml").touch()
    assert Catalogue(tmp_path).ids() == ["lesson02", "lesson10", "rag"]
    assert [lesson.id for lesson in Catalogue(tmp_path).lessons()] == [
        "lesson02",
        "lesson10",
        "rag",
    ]


def test_course_without_lessons_has_none(tmp_path: Path) -> None:
    assert Catalogue(tmp_path).lessons() == []
    with pytest.raises(UsageError) as caught:
        Catalogue(tmp_path).lesson("lesson02")
    assert caught.value.cure == "There are none."


def test_lesson_knows_its_folders(tmp_path: Path) -> None:
    grader_dir = make_lesson(tmp_path, "lesson02")
    lesson = Catalogue(tmp_path).lesson("lesson02")
    assert lesson.title == "First agent"
    assert lesson.grader_dir == grader_dir
    assert lesson.assignment_dir == tmp_path / "assignments" / "lesson02"
    assert lesson.solutions_dir == tmp_path / "reference_solutions" / "lesson02"
    assert lesson.rubric.ids == ("a",)
    assert lesson.rubric is lesson.rubric


def test_rubric_is_read_only_when_it_is_asked_for(tmp_path: Path) -> None:
    (make_lesson(tmp_path, "lesson02") / "rubric.yaml").unlink()
    lesson = Catalogue(tmp_path).lesson("lesson02")
    with pytest.raises(ContentError, match="is not a file"):
        _ = lesson.rubric


@pytest.mark.parametrize(
    ("asked", "cure"),
    [("lesson20", "Did you mean `lesson02`?"), ("zzz", "Known: `lesson02`, `rag`.")],
)
def test_unknown_lesson_names_close_matches(tmp_path: Path, asked: str, cure: str) -> None:
    make_lesson(tmp_path, "lesson02")
    make_lesson(tmp_path, "rag")
    with pytest.raises(UsageError) as caught:
        Catalogue(tmp_path).lesson(asked)
    assert caught.value.cure == cure


@pytest.mark.parametrize("name", ["2", "02", "lesson2", "lesson02", "Lesson 2", "lesson-02"])
def test_lesson_may_be_named_in_short(tmp_path: Path, name: str) -> None:
    make_lesson(tmp_path, "lesson02")
    make_lesson(tmp_path, "lesson12")
    catalogue = Catalogue(tmp_path)
    assert catalogue.named(name) == (catalogue.lesson("lesson02"), None)
    assert catalogue.has(name)


@pytest.mark.parametrize("name", ["", "1", "rag2", "lesson", "2x", "lesson2/", "../lesson02"])
def test_what_is_no_lesson_is_not_taken_for_one(tmp_path: Path, name: str) -> None:
    make_lesson(tmp_path, "lesson02")
    make_lesson(tmp_path, "lesson12")
    assert not Catalogue(tmp_path).has(name)


def test_number_of_two_lessons_names_none(tmp_path: Path) -> None:
    make_lesson(tmp_path, "lesson02")
    make_lesson(tmp_path, "extra02")
    assert not Catalogue(tmp_path).has("2")


def test_path_names_the_lesson_and_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_lesson(tmp_path, "lesson02")
    (tmp_path / "assignments" / "lesson02").mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("assignments/lesson02", "./assignments/lesson02/"):
        lesson, folder = Catalogue(tmp_path).named(name)
        assert lesson.id == "lesson02"
        assert folder == Path("assignments/lesson02")


@pytest.mark.parametrize(
    ("file", "lesson"),
    [
        ("assignments/rag/conversations/first.yaml", "rag"),
        ("elsewhere/first.yaml", "lesson02"),
        ("assignments/lesson03/first.yaml", "lesson02"),
    ],
)
def test_file_belongs_to_the_lesson_of_its_folder_else_to_the_first(
    tmp_path: Path, file: str, lesson: str
) -> None:
    make_lesson(tmp_path, "rag")
    make_lesson(tmp_path, "lesson02")
    assert Catalogue(tmp_path).lesson_of(tmp_path / file).id == lesson


def test_lesson_with_a_file_is_found_else_that_of_a_folder(tmp_path: Path) -> None:
    make_lesson(tmp_path, "lesson02")
    folder = make_lesson(tmp_path, "lesson08")
    found = Catalogue(tmp_path).lesson_with("odd.yaml", tmp_path / "spec.yaml")
    assert found.id == "lesson02"
    (folder / "odd.yaml").touch()
    found = Catalogue(tmp_path).lesson_with("odd.yaml", tmp_path / "spec.yaml")
    assert found.id == "lesson08"


def test_file_belongs_to_no_lesson_where_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no lesson"):
        Catalogue(tmp_path).lesson_of(tmp_path / "first.yaml")


def test_lesson_does_not_need_the_others_to_be_right(tmp_path: Path) -> None:
    make_lesson(tmp_path, "lesson02")
    make_lesson(tmp_path, "lesson03", "titel: x\n")
    assert Catalogue(tmp_path).lesson("lesson02").title == "First agent"
    with pytest.raises(ContentError, match="Did you mean `title`"):
        Catalogue(tmp_path).lessons()


def test_folder_that_is_not_named_like_a_lesson_is_a_content_error(tmp_path: Path) -> None:
    make_lesson(tmp_path, "Lesson_2")
    with pytest.raises(ContentError, match="not named like a lesson"):
        Catalogue(tmp_path).ids()


def test_lesson_file_with_every_key(tmp_path: Path) -> None:
    text = (
        "format_version: 1\ntitle: A\nserver: false\nendpoint: /x\n"
        "limits: {cpu_seconds: 9}\nenv: {SESSION_TTL_HOURS: 24}\n"
        "databases: [postgresql]\n"
        "preload: [numpy, a.b_c]\n"
    )
    folder = make_lesson(tmp_path, "lesson05", text)
    assert load_lesson_info(folder / "lesson.yaml", "lesson05") == LessonInfo(
        id="lesson05",
        title="A",
        server=False,
        endpoint="/x",
        limits={"cpu_seconds": 9},
        env={"SESSION_TTL_HOURS": "24"},
        databases=(Database.POSTGRESQL,),
        preload=("numpy", "a.b_c"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("endpoint: chatkit", "`endpoint`: The endpoint must be a path"),
        ("endpoint: /a?b", "must be a path"),
        ("endpoint: http://x/y", "must be a path"),
        ("limits: {memory_mb: 0}", "must be at least 1"),
        (
            "limits: {memory: 5}",
            "`limits.memory`: There is no limit `memory`. Did you mean `memory_mb`",
        ),
        ("limits: {memory_mb: 0.5}", "`limits.memory_mb`: A whole number is wanted here"),
        ("limits: {memory_mb: 1000001}", "must be at most 1000000"),
        ("limits: 5", "`limits`: must have keys and values"),
        ("databases: [oracle]", "oracle"),
        ("env: {lower: x}", "`env.lower`: Not a variable's name"),
        ('env: {NUL: "a\\0"}', "cannot hold NUL"),
        ("env: {A: [x]}", "`env.A`: must be a text, not a list"),
        ("preload: [a-b]", "`a-b` is not a module of Python"),
        ("id: lesson09", "not a known key"),
    ],
)
def test_mistake_in_a_lesson_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    folder = make_lesson(tmp_path, "lesson02", f"title: A\n{text}\n")
    with pytest.raises(ContentError) as caught:
        load_lesson_info(folder / "lesson.yaml", "lesson02")
    assert message in str(caught.value)
    assert caught.value.line == 2


def test_lesson_has_the_databases_that_its_file_names(tmp_path: Path) -> None:
    make_lesson(tmp_path, "lesson05", "title: A\ndatabases: [postgresql]\n")
    make_lesson(tmp_path, "lesson06")
    stored, plain = Catalogue(tmp_path).lessons()
    assert stored.database is Database.SQLITE
    assert stored.on(Database.POSTGRESQL).database is Database.POSTGRESQL
    assert plain.on(Database.SQLITE) == plain
    with pytest.raises(UsageError, match="lesson06 cannot be graded with postgresql"):
        plain.on(Database.POSTGRESQL)
