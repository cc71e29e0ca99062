"""The question bank's format: what is wrong is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.quiz import Question, load_bank, load_questions, needed_to_pass
from graders.engine.core.errors import ContentError

FILE = """\
format_version: 1
lesson: lesson01
sections:
  rest: ChatKit and REST
questions:
  - id: paths
    topic: rest
    level: remember
    question: How many paths?
    options:
      - {id: one, text: One, right: true}
      - {id: two, text: Two, tempting: There are two kinds of answer.}
      - {id: many, text: Many, tempting: REST has many.}
    reason: The type says what is wanted.
"""


def written(folder: Path, text: str, name: str = "lesson01.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def question(folder: Path, text: str = FILE) -> Question:
    return load_questions(written(folder, text)).questions[0]


def test_options_are_dealt_in_an_order_that_the_ids_decide(tmp_path: Path) -> None:
    dealt = question(tmp_path).dealt
    lines = FILE.splitlines(keepends=True)
    turned = "".join([*lines[:10], *reversed(lines[10:13]), *lines[13:]])
    assert list(dealt) == ["a", "b", "c"]
    assert question(tmp_path, turned).dealt == dealt


def test_right_letters_are_those_of_the_right_options(tmp_path: Path) -> None:
    asked = question(tmp_path)
    assert [asked.dealt[letter].id for letter in asked.right] == ["one"]
    assert not asked.several


def test_several_options_may_be_right(tmp_path: Path) -> None:
    both = FILE.replace("tempting: REST has many.", "right: true")
    assert question(tmp_path, both).several


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        (", right: true", "", 11, "tempting"),
        ("right: true", "right: true, tempting: No", 11, "tempting"),
        ("tempting: REST has many.", "right: yes", 13, "`true` or `false`"),
        ("{id: two,", "{id: one,", 6, "`one` is there twice"),
        ("level: remember", "level: guess", 8, "'remember'"),
        ("reason:", "why:", 14, "not a known key"),
        ("      - {id: many, text: Many, tempting: REST has many.}\n", "", 10, "3 to 5 options"),
        ("id: paths", "id: Paths!", 6, "not an id"),
        ("  rest: ChatKit and REST", "  rest: X\n  other: Y", 3, "No question is about `other`"),
        ("  rest: ChatKit", "  rets: ChatKit", 3, "`rest` has no section"),
    ],
)
def test_mistake_is_told_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    with pytest.raises(ContentError) as raised:
        question(tmp_path, FILE.replace(old, new))
    assert raised.value.line == line
    assert says in raised.value.message


@pytest.mark.parametrize(
    ("old", "new"),
    [("right: true", "tempting: No"), ("tempting: REST has many.", "right: true")],
)
def test_some_option_is_right_and_some_is_wrong(tmp_path: Path, old: str, new: str) -> None:
    all_alike = FILE.replace("tempting: There are two kinds of answer.", new).replace(old, new)
    with pytest.raises(ContentError, match="must be right, and some must be wrong"):
        question(tmp_path, all_alike)


def test_bank_has_the_questions_of_all_lessons(tmp_path: Path) -> None:
    written(tmp_path, FILE)
    other = FILE.replace("lesson01", "lesson02").replace("paths", "other")
    written(tmp_path, other, "lesson02.yaml")
    bank = load_bank(tmp_path)
    assert list(bank.lessons) == ["lesson01", "lesson02"]
    assert [asked.id for asked in bank.questions] == ["paths", "other"]


def test_question_of_two_lessons_is_refused(tmp_path: Path) -> None:
    written(tmp_path, FILE)
    written(tmp_path, FILE.replace("lesson01", "lesson02"), "lesson02.yaml")
    with pytest.raises(ContentError, match=r"`paths` is a question of lesson01\.yaml, too"):
        load_bank(tmp_path)


def test_lesson_with_two_files_is_refused(tmp_path: Path) -> None:
    written(tmp_path, FILE)
    written(tmp_path, FILE.replace("paths", "other"), "more.yaml")
    with pytest.raises(ContentError, match="has another file"):
        load_bank(tmp_path)


@pytest.mark.parametrize("other", ["paths", "nowhere"])
def test_question_that_must_not_be_asked_together_is_another_one(
    tmp_path: Path, other: str
) -> None:
    written(tmp_path, f"{FILE}    not_with: [{other}]\n")
    with pytest.raises(ContentError, match=f"names `{other}`, which is no other question"):
        load_bank(tmp_path)


@pytest.mark.parametrize(("count", "needed"), [(15, 12), (10, 8), (11, 9), (1, 1)])
def test_eighty_percent_pass_rounded_up(count: int, needed: int) -> None:
    assert needed_to_pass(count) == needed
