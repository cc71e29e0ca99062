"""From what is handed in, a folder or an archive, to a result; with stand-ins for servers."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.core.errors import GraderBrokeError, UsageError
from graders.engine.core.results import NOT_STARTED, Result
from graders.engine.grading.folder import grade_folder, no_servers, open_servers
from graders.engine.grading.request import GradingRequest
from graders.engine.submissions.content_hash import content_hash
from graders.engine.submissions.submission import Submission
from tests.miniature import COURSE, FactoryStandIn

SOLUTION = COURSE / "reference_solutions" / "greeting" / "solution"


@contextmanager
def stand_ins(_lesson: Lesson, submission: Submission) -> Iterator[FactoryStandIn]:
    yield FactoryStandIn(submission.root)


def graded(path: Path) -> Result:
    request = GradingRequest(Catalogue(COURSE).lesson("greeting"), path, seed=7)
    return grade_folder(request, stand_ins)


def test_archive_is_graded_as_the_folder_in_it(tmp_path: Path) -> None:
    archive = tmp_path / "student.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in SOLUTION.iterdir():
            packed.write(file, f"handed-in/{file.name}")
    result = graded(archive)
    assert result.full_marks
    assert result.submission == "student.zip"
    assert result.content_hash == graded(SOLUTION).content_hash == content_hash(SOLUTION)


def test_link_in_an_archive_becomes_a_note(tmp_path: Path) -> None:
    archive = tmp_path / "student.tar.gz"
    link = tarfile.TarInfo("answers")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with tarfile.open(archive, "w:gz") as packed:
        packed.addfile(link)
        for file in SOLUTION.iterdir():
            packed.add(file, file.name)
    result = graded(archive)
    assert result.full_marks
    assert result.notes == ("`answers` is no file, and was left out.",)


def test_archive_that_cannot_be_unpacked_is_a_problem_of_the_result(tmp_path: Path) -> None:
    archive = tmp_path / "student.zip"
    archive.write_bytes(b"no zip")
    result = graded(archive)
    assert result.score == 0
    assert result.problem is not None
    assert result.problem.kind == "bad-archive"
    assert result.content_hash == ""
    assert result.submission == "student.zip"


def test_file_that_is_no_archive_is_a_mistake_at_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="is a file") as refused:
        graded(tmp_path / "server.py")
    assert ".tar.gz" in refused.value.cure


def test_folder_without_a_server_has_its_files_graded_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("To do.", encoding="utf-8")
    result = graded(tmp_path)
    assert result.score == 0
    assert result.problem is not None
    assert result.problem.kind == "no-server-file"
    assert result.submission == tmp_path.name


def test_nothing_is_started_before_it_is_asked_for() -> None:
    lesson = Catalogue(COURSE).lesson("greeting")
    with open_servers() as open_factory, open_factory(lesson, Submission(SOLUTION)) as factory:
        assert factory.isolation == NOT_STARTED


def test_lesson_without_a_server_misses_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("To do.", encoding="utf-8")
    request = GradingRequest(Catalogue(COURSE).lesson("counting"), tmp_path, seed=7)
    with no_servers() as open_factory:
        result = grade_folder(request, open_factory)
    assert result.full_marks
    assert result.problem is None
    assert result.isolation == NOT_STARTED


def test_server_of_a_lesson_without_one_is_our_own_error() -> None:
    lesson = Catalogue(COURSE).lesson("counting")
    with (
        no_servers() as open_factory,
        open_factory(lesson, Submission(SOLUTION)) as factory,
        pytest.raises(GraderBrokeError, match="A lesson without a server starts one"),
    ):
        factory.probe_isolation()
