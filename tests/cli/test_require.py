"""``--require``: no score below the level that was asked for, and none of its code has run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.results import Isolation, IsolationLevel
from graders.engine.grading.folder import OpenFactory, open_servers
from graders.engine.harness.server_factory import open_factory
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.process import Launcher
from tests.cli.course import SOLUTION, run
from tests.miniature import FactoryStandIn

# Without the latter two as well, code that runs can leave its trace.
WITHOUT = frozenset({Layer.FILES, Layer.SYSCALLS, Layer.ROOT, Layer.UID})
CI = {"CI": "true"}


def servers(level: IsolationLevel) -> Callable[[], AbstractContextManager[OpenFactory]]:
    """Return what opens stand-ins that are isolated so well."""
    isolation = Isolation(level=level, missing=("A layer is missing.",))

    @contextmanager
    def opened() -> Iterator[OpenFactory]:
        yield lambda _, submission: nullcontext(FactoryStandIn(submission.root, offered=isolation))

    return opened


@pytest.mark.parametrize(
    ("level", "words", "environment"),
    [
        ("strong", ("--require", "strong"), {}),
        ("full", ("--require", "strong"), {}),
        ("full", ("--require", "full"), {}),
        ("strong", (), CI),
        ("strong", (), {"GITHUB_ACTIONS": "true"}),
    ],
)
def test_run_that_is_shut_in_as_required_counts(
    level: str, words: tuple[str, ...], environment: Mapping[str, str]
) -> None:
    opened = servers(IsolationLevel(level))
    found = run("greeting", SOLUTION, *words, servers=opened, environment=environment)
    assert found.code == ExitCode.FULL_MARKS
    assert "This run counts" in found.out
    assert f"Isolation: {level}. Missing: A layer is missing." in found.out


@pytest.mark.parametrize(
    ("level", "words", "environment"),
    [
        ("practice", (), {}),
        ("strong", (), {}),
        ("strong", ("--require", "practice"), CI),
    ],
)
def test_run_that_requires_nothing_is_practice_and_says_so(
    level: str, words: tuple[str, ...], environment: Mapping[str, str]
) -> None:
    opened = servers(IsolationLevel(level))
    found = run("greeting", SOLUTION, *words, servers=opened, environment=environment)
    assert found.code == ExitCode.FULL_MARKS
    assert "it does not count as your score" in found.out


@pytest.mark.parametrize(
    ("level", "words", "environment"),
    [
        ("practice", ("--require", "strong"), {}),
        ("practice", ("--require", "full"), {}),
        ("strong", ("--require", "full"), {}),
        ("practice", (), CI),
    ],
)
def test_less_than_required_gives_no_score(
    level: str, words: tuple[str, ...], environment: Mapping[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "result.json"
    opened = servers(IsolationLevel(level))
    words = (*words, "--json", str(file))
    found = run("greeting", SOLUTION, *words, servers=opened, environment=environment)
    assert found.code == ExitCode.NOT_ISOLATED
    assert found.out == ""
    assert "Nothing was graded" in found.err
    assert "A layer is missing." in found.err
    assert "docs/security.md" in found.err
    assert "Traceback" not in found.err
    assert not file.exists()


def test_json_tells_whether_it_counts() -> None:
    opened = servers(IsolationLevel.STRONG)
    for words, advisory in ((("--require", "strong"), False), ((), True)):
        found = run("greeting", SOLUTION, "--json", "-", *words, servers=opened)
        data = json.loads(found.out)
        assert data["advisory"] is advisory
        assert data["isolation"]["level"] == "strong"
        assert data["isolation"]["missing"] == ["A layer is missing."]


def test_submission_that_is_none_gets_its_score_anywhere(tmp_path: Path) -> None:
    found = run("greeting", str(tmp_path), "--require", "strong")
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert "There is no `server.py`" in found.out
    assert "no server was started" in found.out


def test_level_that_does_not_exist_is_a_usage_error() -> None:
    found = run("greeting", SOLUTION, "--require", "total")
    assert found.code == ExitCode.USAGE
    assert "total" in found.err


# --- real processes, forced to be as on a system without these layers --------------------------


def submission(folder: Path) -> tuple[str, Path]:
    """Write a submission whose code leaves a trace as soon as it runs."""
    ran = folder.parent / "ran"
    folder.mkdir()
    (folder / "server.py").write_text(f"open({str(ran)!r}, 'w').close()\n", encoding="utf-8")
    return str(folder), ran


def test_without_the_layers_no_code_of_the_submission_runs(
    launcher: Launcher, tmp_path: Path
) -> None:
    @contextmanager
    def weak() -> Iterator[OpenFactory]:
        yield lambda _, found: open_factory(found, launcher, limits={}, env={}, without=WITHOUT)

    folder, ran = submission(tmp_path / "own")
    found = run("greeting", folder, "--require", "strong", servers=weak)
    assert found.code == ExitCode.NOT_ISOLATED
    assert "needs Landlock" in found.err
    assert "needs seccomp" in found.err
    assert not ran.exists()
    run("greeting", folder, "--require", "practice", servers=weak)
    assert ran.exists()


def test_a_fresh_process_without_the_layers_is_found_out_as_well(tmp_path: Path) -> None:
    folder, ran = submission(tmp_path / "own")
    found = run(
        "greeting",
        folder,
        servers=lambda: open_servers(fresh=True, without=WITHOUT),
        environment=CI,
    )
    assert found.code == ExitCode.NOT_ISOLATED
    assert not ran.exists()
