"""A submission is found, or the student is told what to put where."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.engine.core.errors import UsageError
from graders.engine.core.results import Problem
from graders.engine.submissions.submission import (
    Submission,
    SubmissionProblem,
    find_submission,
)


def write(root: Path, *names: str, **texts: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for stem, text in texts.items():
        (root / f"{stem}.yaml").write_text(text, encoding="utf-8")
    return root


def problem_of(root: Path) -> Problem:
    with pytest.raises(SubmissionProblem) as caught:
        find_submission(root)
    return caught.value.problem


def test_submission_without_settings_has_the_defaults(tmp_path: Path) -> None:
    found = find_submission(write(tmp_path, "server.py"))
    assert found == Submission(tmp_path.resolve(), "server:app", "/chatkit", None)
    assert found.module == "server"


def test_submission_with_every_setting(tmp_path: Path) -> None:
    text = "app: backend.main:app\nendpoint: /api/chatkit\nfrontend: web/\n"
    found = find_submission(write(tmp_path, "backend/main.py", submission=text))
    assert (found.app, found.endpoint) == ("backend.main:app", "/api/chatkit")
    assert found.module == "backend.main"
    assert found.frontend == found.root / "web"


def test_module_may_be_a_package(tmp_path: Path) -> None:
    root = write(tmp_path, "web/__init__.py", submission="app: web:create.app")
    assert find_submission(root).app == "web:create.app"


def test_settings_may_be_named_yml(tmp_path: Path) -> None:
    write(tmp_path, "server.py")
    (tmp_path / "submission.yml").write_text("endpoint: /x")
    assert find_submission(tmp_path).endpoint == "/x"


def test_endpoint_of_the_lesson_holds_unless_the_submission_has_its_own(tmp_path: Path) -> None:
    root = write(tmp_path, "server.py")
    assert find_submission(root, endpoint="/lesson").endpoint == "/lesson"
    write(root, submission="endpoint: /mine")
    assert find_submission(root, endpoint="/lesson").endpoint == "/mine"


def test_folder_may_be_given_through_a_link(tmp_path: Path) -> None:
    write(tmp_path / "real", "server.py")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert find_submission(tmp_path / "link").root == (tmp_path / "real").resolve()


@pytest.mark.parametrize(
    ("given_path", "message"),
    [
        ("none", "There is no folder"),
        ("server.py", "is a file"),
        ("x" * 300, "cannot be read"),
        ("\x1b[2J", r"\x1b[2J"),
    ],
)
def test_path_that_is_no_folder_is_a_usage_error(
    tmp_path: Path, given_path: str, message: str
) -> None:
    write(tmp_path, "server.py")
    with pytest.raises(UsageError) as caught:
        find_submission(tmp_path / given_path)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("names", "cure"),
    [
        ([], "Put your server into `server.py`"),
        (["README.md"], "Put your server into `server.py`"),
        (["main.py", "a.py"], "If `main.py` is your server, write `app: main:app`"),
        (["backend/app.py"], "write `app: backend.app:app`"),
        (["a.py"], "write `app: a:app`"),
        (["project/server.py", "main.py"], "There is `project/server.py`: hand in the folder"),
        (["server.py/x"], "Put your server"),
    ],
)
def test_missing_server_file_names_what_is_there(
    tmp_path: Path, names: list[str], cure: str
) -> None:
    problem = problem_of(write(tmp_path, *names))
    assert (problem.kind, problem.title) == ("no-server-file", "There is no `server.py`")
    assert cure in problem.cure


def test_missing_module_of_the_settings_is_named(tmp_path: Path) -> None:
    problem = problem_of(write(tmp_path, "server.py", submission="app: backend.main:app"))
    assert problem.title == "There is no `backend/main.py`"
    assert "If `server.py` is your server" in problem.cure


def test_server_file_behind_a_link_is_not_taken(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "server.py", "main.py")
    root = write(tmp_path / "inside", "README.md", submission="app: out.main:app")
    (root / "out").symlink_to(outside)
    assert problem_of(root).kind == "no-server-file"
    (root / "submission.yaml").unlink()
    (root / "server.py").symlink_to(outside / "server.py")
    assert "is a link" in problem_of(root).cure


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("app: server.py:app", "`server:app`"),
        ("app: server", "`server:app`"),
        ("app: ./backend/main.py", "`backend.main:app`"),
        ("app: backend/main:api", "`backend.main:api`"),
        ("app: backend.main.app", "`backend.main:app`"),
        ("app: server:create_app()", "`server:create_app`"),
        ("app: my-server:app", "`server:app`"),
        ("app: uvicorn server:app", "`server:app`"),
        ("endpoint: chatkit", "Begin it with `/`"),
        ("endpoint: http://localhost:8000/chatkit", "leave out host"),
        ("endpoint: /chat kit", "spaces"),
        ("frontend: ../web", "such as `web/`"),
        ("frontend: /web", "such as `web/`"),
        ("frontend: C:\\web", "such as `web/`"),
        ("ap: server:app", "Did you mean `app`?"),
        ("app: [server, app]", ""),
        ("app:\tserver:app\n\tb: 1", "spaces"),
    ],
)
def test_wrong_setting_is_the_submissions_problem_with_a_cure(
    tmp_path: Path, text: str, cure: str
) -> None:
    problem = problem_of(write(tmp_path, "server.py", submission=text))
    assert problem.kind == "bad-submission-yaml"
    assert problem.detail.startswith("Line ")
    assert cure in problem.cure


def test_empty_settings_are_the_submissions_problem(tmp_path: Path) -> None:
    problem = problem_of(write(tmp_path, "server.py", submission="# app: server:app\n"))
    assert problem.detail == "The file is empty."


def test_large_settings_are_the_submissions_problem(tmp_path: Path) -> None:
    problem = problem_of(write(tmp_path, "server.py", submission="#" * 20_001))
    assert problem.detail == "The file is larger than 20,000 bytes."


def test_two_settings_files_are_the_submissions_problem(tmp_path: Path) -> None:
    write(tmp_path, "server.py", "submission.yml", submission="app: server:app")
    assert "Remove `submission.yml`" in problem_of(tmp_path).cure


@pytest.mark.parametrize("target", ["secret", "nowhere"])
def test_settings_behind_a_link_are_not_read(tmp_path: Path, target: str) -> None:
    (tmp_path / "secret").write_text("password: hunter2")
    root = write(tmp_path / "root", "server.py")
    (root / "submission.yaml").symlink_to(tmp_path / target)
    problem = problem_of(root)
    assert problem.detail == "It is a link."
    assert "hunter2" not in problem.model_dump_json()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["app", "endpoint", "frontend"]), st.text(st.characters(codec="utf-8")))
def test_any_setting_gives_a_submission_or_a_problem(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "server.py").touch()
    (tmp_path / "submission.yaml").write_text(f"{key}: {value}", encoding="utf-8")
    with suppress(SubmissionProblem):
        found = find_submission(tmp_path)
        assert found.endpoint.startswith("/")
        assert found.frontend is None or found.frontend.is_relative_to(found.root)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("work.zip", "There is an archive in it, `work.zip`"),
        ("work.ipynb", "There is a notebook, `work.ipynb`: write its code into a Python file"),
        ("notes.txt", "It holds: `notes.txt`"),
    ],
)
def test_what_is_there_in_the_place_of_a_server_is_named(
    name: str, words: str, tmp_path: Path
) -> None:
    assert words in problem_of(write(tmp_path, name)).cure
