"""Each digest changes with what decides a score, and with nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue
from graders.engine.content.versions import (
    digest_of_bank,
    digest_of_grader,
    digest_of_lesson,
    digest_of_lock,
)
from tests.miniature import COURSE

Digest = Callable[[Path], str]


def of_lesson(root: Path) -> str:
    return digest_of_lesson(Catalogue(root).lesson("greeting"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "course"
    shutil.copytree(COURSE, root)
    put(root, "graders/engine/core/text.py", "VALUE = 1")
    put(root, "uv.lock", "version = 1")
    put(root, "fixtures/quiz/greeting.yaml", "questions: []")
    return root


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("graders/engine/core/text.py", digest_of_grader),
        ("graders/engine/reports/pages/report.css", digest_of_grader),
        ("graders/greeting/rubric.yaml", of_lesson),
        ("graders/greeting/helper/more.py", of_lesson),
        ("fixtures/quiz/greeting.yaml", of_lesson),
        ("reference_solutions/greeting/solution/server.py", of_lesson),
        ("uv.lock", digest_of_lock),
    ],
)
def test_a_change_changes_its_own_digest_alone(root: Path, name: str, changed: Digest) -> None:
    digests: list[Digest] = [digest_of_grader, of_lesson, digest_of_lock]
    before = {each: each(root) for each in digests}
    put(root, name, "# changed")
    assert [each for each in digests if each(root) != before[each]] == [changed]


@pytest.mark.parametrize(
    "name",
    [
        "graders/engine/core/__pycache__/text.cpython-311.pyc",
        "graders/other/rubric.yaml",
        "graders/greeting/__pycache__/x.pyc",
        "fixtures/quiz/other.yaml",
        "reference_solutions/greeting/mutants/new/mutant.yaml",
        "assignments/greeting/notes.txt",
    ],
)
def test_what_decides_no_score_changes_nothing(root: Path, name: str) -> None:
    digests: list[Digest] = [digest_of_grader, of_lesson, digest_of_lock]
    before = [each(root) for each in digests]
    put(root, name, "changed")
    assert [each(root) for each in digests] == before


def test_digest_of_the_bank_is_of_all_its_questions(root: Path) -> None:
    bank = root / "fixtures" / "quiz"
    before = digest_of_bank(bank)
    put(root, "fixtures/quiz/other.yaml", "questions: []")
    assert digest_of_bank(bank) != before


def test_a_checkout_elsewhere_has_the_same(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "other")
    assert of_lesson(tmp_path / "other") == of_lesson(root)


def test_lesson_without_solutions_and_quiz_has_one_too(root: Path) -> None:
    whole = of_lesson(root)
    shutil.rmtree(root / "reference_solutions")
    (root / "fixtures" / "quiz" / "greeting.yaml").unlink()
    assert of_lesson(root) not in {whole, ""}
