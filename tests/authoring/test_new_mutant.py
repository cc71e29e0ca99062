"""A new mutant is written as the author has made it, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from graders.engine.authoring.new_mutant import (
    Draft,
    checked_loses,
    checked_why,
    new_draft,
    with_loses,
)
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.errors import UsageError
from graders.engine.course_servers.mutants import Mutant, load_mutant, mutants_of
from tests.miniature import COURSE


@pytest.fixture
def lesson(tmp_path: Path) -> Lesson:
    """Return the lesson `greeting` of a course that may be written to."""
    shutil.copytree(COURSE, tmp_path / "course")
    return Catalogue(tmp_path / "course").lesson("greeting")


def changed(copy: Path, old: str = "Ada", new: str = "Bob") -> None:
    """Change the server of a copy."""
    server = copy / "server.py"
    server.write_text(server.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def written(draft: Draft, copy: Path, why: str = "W.") -> Mutant:
    """Write the mutant of a copy that has been changed."""
    return draft.write(draft.change_in(copy), copy, why, ("remembers",))


def everything(folder: Path) -> set[Path]:
    """Return all that is in a folder."""
    return set(folder.rglob("*"))


@pytest.mark.parametrize("base", ["solution", "solution_terse"])
def test_mutant_is_written_beside_the_others(lesson: Lesson, base: str) -> None:
    before = everything(lesson.solutions_dir)
    draft = new_draft(lesson, "confused", base)
    with draft.copied() as copy:
        changed(copy)
        made = written(draft, copy, why="It's `Ada`: not kept.")
    assert made in mutants_of(lesson)
    assert made == load_mutant(draft.target, lesson)
    assert made.why == "It's `Ada`: not kept."
    assert everything(lesson.solutions_dir) - before == {
        draft.target,
        draft.target / "change.patch",
        draft.target / "mutant.yaml",
    }
    assert (draft.target / "mutant.yaml").read_text(encoding="utf-8") == (
        f"format_version: 1\nwhy: 'It''s `Ada`: not kept.'\nloses: [remembers]\nbase: {base}\n"
    )
    with made.built() as folder:
        assert '"my name": "Bob"' in (folder / "server.py").read_text(encoding="utf-8")


def test_first_mutant_of_a_lesson_makes_their_folder(lesson: Lesson) -> None:
    shutil.rmtree(lesson.solutions_dir / "mutants")
    draft = new_draft(lesson, "confused", "solution")
    with draft.copied() as copy:
        changed(copy)
        written(draft, copy)
    assert [each.name for each in mutants_of(lesson)] == ["confused"]


def test_files_that_are_no_text_are_written_whole(lesson: Lesson) -> None:
    draft = new_draft(lesson, "confused", "solution")
    with draft.copied() as copy:
        changed(copy)
        (copy / "data").mkdir()
        (copy / "data" / "names.db").write_bytes(b"\xff\x00")
        made = written(draft, copy)
    assert (made.folder / "files" / "data" / "names.db").read_bytes() == b"\xff\x00"
    with made.built() as folder:
        assert (folder / "data" / "names.db").read_bytes() == b"\xff\x00"


def test_other_files_are_created_and_removed(lesson: Lesson) -> None:
    draft = new_draft(lesson, "confused", "solution")
    with draft.copied() as copy:
        (copy / "server.py").rename(copy / "app.py")
        made = written(draft, copy)
    with made.built() as folder:
        assert [path.name for path in folder.iterdir()] == ["app.py"]


def test_copy_that_is_not_changed_is_a_usage_error(lesson: Lesson) -> None:
    draft = new_draft(lesson, "confused", "solution")
    with draft.copied() as copy, pytest.raises(UsageError, match="Nothing was changed"):
        draft.change_in(copy)


def test_copy_is_removed_afterwards(lesson: Lesson) -> None:
    with new_draft(lesson, "confused", "solution").copied() as copy:
        assert (copy / "server.py").exists()
    assert not copy.exists()


def test_change_that_cannot_be_written_leaves_nothing(lesson: Lesson) -> None:
    base = lesson.solutions_dir / "solution"
    (base / "data").mkdir()
    (base / "data" / "names").write_text("Ada\n", encoding="utf-8")
    before = everything(lesson.solutions_dir)
    draft = new_draft(lesson, "confused", "solution")
    with draft.copied() as copy:
        shutil.rmtree(copy / "data")
        (copy / "data").write_text("Ada\n", encoding="utf-8")
        with pytest.raises(UsageError, match="cannot be written as a patch"):
            written(draft, copy)
    assert everything(lesson.solutions_dir) == before


def test_mutant_that_appeared_meanwhile_is_not_written_over(lesson: Lesson) -> None:
    draft = new_draft(lesson, "confused", "solution")
    with draft.copied() as copy:
        changed(copy)
        shutil.copytree(lesson.solutions_dir / "mutants" / "rude", draft.target)
        before = everything(lesson.solutions_dir)
        with pytest.raises(UsageError, match="cannot be written: "):
            written(draft, copy)
    assert everything(lesson.solutions_dir) == before
    assert load_mutant(draft.target, lesson).loses == {"polite"}


def test_change_made_while_it_is_written_is_found(lesson: Lesson) -> None:
    draft = new_draft(lesson, "confused", "solution")
    with draft.copied() as copy:
        changed(copy)
        change = draft.change_in(copy)
        changed(copy, "Bob", "Eve")
        with pytest.raises(UsageError, match=r"`server\.py` cannot be written"):
            draft.write(change, copy, "W.", ("remembers",))
    assert not draft.target.exists()


@pytest.mark.parametrize(
    ("name", "base", "message", "cure"),
    [
        ("Confused", "solution", "`Confused` cannot be the name", "small letters"),
        ("../rude", "solution", "cannot be the name", "small letters"),
        ("", "solution", "cannot be the name", "small letters"),
        ("rude", "solution", "has a mutant `rude` already", "Take another name"),
        ("confused", "solution_ters", "no solution `solution_ters`", "`solution_terse`?"),
        ("confused", "mutants", "no solution `mutants`", "Known: `solution`"),
    ],
)
def test_draft_that_cannot_be_is_a_usage_error(
    lesson: Lesson, name: str, base: str, message: str, cure: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        new_draft(lesson, name, base)
    assert cure in caught.value.cure


@pytest.mark.parametrize("text", ["", "  ", "one\ntwo", "\x1b[31m", "\ud800"])
def test_why_is_one_line_of_text(text: str) -> None:
    with pytest.raises(UsageError, match="one line of text"):
        checked_why(text)


def test_why_is_stripped() -> None:
    assert checked_why(" Names are lost. \n") == "Names are lost."


def test_loses_come_in_the_order_of_the_rubric(lesson: Lesson) -> None:
    assert checked_loses(["answers", "polite", "answers"], lesson) == ("polite", "answers")


@pytest.mark.parametrize(
    ("told", "message", "cure"),
    [
        (["answer"], "no criterion `answer`", "Did you mean `answers`?"),
        ([], "at least one", "Known: polite, answers"),
    ],
)
def test_loses_that_are_unknown_or_missing_are_a_usage_error(
    lesson: Lesson, told: list[str], message: str, cure: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        checked_loses(told, lesson)
    assert cure in caught.value.cure


def test_other_criteria_are_written(lesson: Lesson) -> None:
    rude = load_mutant(lesson.solutions_dir / "mutants" / "rude", lesson)
    now = with_loses(rude, ("polite", "remembers"))
    assert now == load_mutant(rude.folder, lesson)
    assert now.loses == {"polite", "remembers"}
    assert now.why == rude.why
