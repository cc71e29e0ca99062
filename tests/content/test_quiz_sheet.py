"""What a student has of a quiz: questions without answers, and the file with the own answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.engine.content.quiz import Level, Option, Question
from graders.engine.content.quiz_sheet import (
    Sheet,
    load_sheet,
    read_answers,
    render_answers,
    render_sheet,
)
from graders.engine.core.errors import ContentError

KNOWN = {"paths": ("a", "b", "c"), "methods": ("a", "b", "c")}
QUESTION = Question(
    id="paths",
    topic="rest",
    level=Level.REMEMBER,
    question='How many "paths"? `{}`: # 多少',
    options=(
        Option(id="one", text="One", right=True),
        Option(id="two", text="no", tempting="Streams."),
        Option(id="many", text="1.10", tempting="REST."),
    ),
    reason="There is a type.",
)


def sheet_of(folder: Path, *questions: Question) -> Sheet:
    path = folder / "quiz-questions.yaml"
    path.write_text(render_sheet("lesson01", questions), encoding="utf-8")
    return load_sheet(path)


def answers_in(folder: Path, text: str) -> dict[str, frozenset[str]]:
    path = folder / "quiz.yaml"
    path.write_text(f"format_version: 1\n{text}", encoding="utf-8")
    return read_answers(path, KNOWN)


def test_sheet_has_the_texts_to_the_character(tmp_path: Path) -> None:
    asked = sheet_of(tmp_path, QUESTION).questions[0]
    assert asked.question == QUESTION.question
    assert asked.options == {letter: each.text for letter, each in QUESTION.dealt.items()}


def test_sheet_says_nothing_about_what_is_right(tmp_path: Path) -> None:
    sheet_of(tmp_path, QUESTION)
    shown = (tmp_path / "quiz-questions.yaml").read_text("utf-8")
    hidden = ("right", "tempting", QUESTION.reason, "REST.", "Streams.")
    assert [word for word in hidden if word in shown] == []


def test_sheet_is_the_same_each_time() -> None:
    assert render_sheet("lesson01", [QUESTION]) == render_sheet("lesson01", [QUESTION])


def test_only_the_right_letters_fit_the_hash(tmp_path: Path) -> None:
    asked = sheet_of(tmp_path, QUESTION).questions[0]
    fitting = [letter for letter in asked.options if asked.is_right(letter)]
    assert fitting == list(QUESTION.right)
    assert not asked.is_right(asked.options)


def test_reason_is_told_for_the_right_answer_only(tmp_path: Path) -> None:
    asked = sheet_of(tmp_path, QUESTION).questions[0]
    told = {letter: asked.why(letter) for letter in asked.options}
    assert [letter for letter, text in told.items() if text == QUESTION.reason] == list(
        QUESTION.right
    )


def test_wrong_option_is_remarked_on_and_a_right_one_is_not(tmp_path: Path) -> None:
    asked = sheet_of(tmp_path, QUESTION).questions[0]
    wanted = {
        letter: option.tempting for letter, option in QUESTION.dealt.items() if option.tempting
    }
    assert asked.why_not(asked.options) == wanted
    assert asked.why_not(QUESTION.right) == {}


def test_length_of_a_remark_does_not_tell_which_option_is_right(tmp_path: Path) -> None:
    asked = sheet_of(tmp_path, QUESTION).questions[0]
    assert len({len(text) for text in asked.remarks.values()}) == 1


def test_same_answer_to_two_questions_has_two_hashes(tmp_path: Path) -> None:
    other = QUESTION.model_copy(update={"id": "methods"})
    one, two = sheet_of(tmp_path, QUESTION, other).questions
    assert (one.salt, one.hash) != (two.salt, two.hash)


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("answers: {}", {}),
        ("answers:\n  paths: b", {"paths": {"b"}}),
        ("answers:\n  paths: B", {"paths": {"b"}}),
        ("answers:\n  paths: [c, a, a]", {"paths": {"a", "c"}}),
        ("answers:\n  methods: a\n  paths: [b]", {"methods": {"a"}, "paths": {"b"}}),
    ],
)
def test_answers_are_read(tmp_path: Path, text: str, answers: dict[str, set[str]]) -> None:
    assert answers_in(tmp_path, text) == answers


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("answers:\n  paths: a\n  path: b", 4, "`path` is not a question"),
        ("answers:\n  paths: a\n  methods: e", 4, "`methods` has no option `e`"),
        ("answers:\n  paths: yes", 3, "a letter or a list"),
        ("answers:\n  paths: []", 3, "a letter or a list"),
        ("answers:\n  paths: {a: true}", 3, "must be a list"),
        ("answers:\n  paths: a\n  paths: b", 4, "there already"),
        ("answers: b", 2, "keys and values"),
        ("answer:\n  paths: a", 2, "not a known key"),
        ("answers:\n  paths: [a, b", None, "is not valid YAML"),
    ],
)
def test_mistake_in_the_answers_is_told_with_its_line(
    tmp_path: Path, text: str, line: int | None, says: str
) -> None:
    with pytest.raises(ContentError) as raised:
        answers_in(tmp_path, text)
    assert says in raised.value.message
    assert line is None or raised.value.line == line


@pytest.mark.parametrize("answers", [{}, {"paths": {"a"}, "methods": {"c", "b"}}])
def test_written_answers_are_read_back(tmp_path: Path, answers: dict[str, set[str]]) -> None:
    path = tmp_path / "quiz.yaml"
    path.write_text(render_answers(answers), encoding="utf-8")
    assert read_answers(path, KNOWN) == answers


@pytest.mark.parametrize("letters", ["", "a", "b", "c", "ab", "abc"])
def test_sheet_judges_each_choice_as_the_bank_does(tmp_path: Path, letters: str) -> None:
    asked = sheet_of(tmp_path, QUESTION).questions[0]
    assert asked.texts == QUESTION.texts
    assert asked.is_right(letters) == QUESTION.is_right(letters)
    assert asked.why_not(letters) == QUESTION.why_not(letters)
