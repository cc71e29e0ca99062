"""Every attack as a whole submission: graded, and then all is as it was before.

The score is that of the same server without the attack, or a finding that says what it did; no
process is left, nothing is changed outside, and an honest submission gets full marks.
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
import threading
from collections.abc import Collection
from pathlib import Path

import pytest
from rich.console import Console

from graders.engine.cli.context import print_page
from graders.engine.core.results import Result, Status
from graders.engine.isolation.layers import Layer
from graders.engine.reports import terminal
from graders.engine.reports.glyphs import ASCII
from graders.engine.sandbox.fork_client import ForkLauncher
from graders.engine.sandbox.process import Launcher
from tests.hostile.attack import Attack
from tests.hostile.families import ATTACKS
from tests.hostile.submissions import HONEST, Graded, graded, lesson02, write_submission
from tests.hostile.targets import Bystanders


@pytest.fixture(scope="module")
def honest(launcher: Launcher) -> Result:
    """Return the result of the honest server that all attacks are put into."""
    return graded(HONEST, launcher).result


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_attack_gains_nothing_and_harms_nobody(  # noqa: PLR0917 - pytest gives them by name
    attack: Attack,
    launcher: Launcher,
    honest: Result,
    beside: Bystanders,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(launcher, ForkLauncher)
    around = tmp_path / "around"
    targets = beside.around(around, grader=os.getpid(), fork_server=launcher.pid)
    submission = write_submission(tmp_path, attack, targets)
    files, processes, settings = state_of(around), descendants(os.getpid()), own_settings()
    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "tempdir", targets["SHARED"])
        # As a student does, and where files that steer would be found.
        patched.chdir(submission)
        outcome = graded_attack(attack, submission, launcher)
    assert "succeeded" not in outcome.outcomes
    assert bool(outcome.outcomes) == bool(attack.tries)
    assert_ended_as_expected(attack, outcome.result, honest)
    assert state_of(around) == files
    assert descendants(os.getpid()) == processes
    assert own_settings() == settings
    assert beside.unharmed()
    assert graded(HONEST, launcher).result.score == honest.score
    assert_shown_harmlessly(outcome.result, monkeypatch)


def graded_attack(
    attack: Attack,
    submission: Path,
    launcher: Launcher,
    *,
    without: Collection[Layer] = (),
) -> Graded:
    """Grade the submission of ``attack`` within its limits."""
    return graded(submission, launcher, limits=attack.limits, without=without)


def assert_ended_as_expected(attack: Attack, result: Result, honest: Result) -> None:
    """See that the result is that of the honest server, or has what the attack is known for."""
    ending = attack.ends
    kind = result.problem.kind if result.problem else ""
    assert kind == ending.problem, result.problem
    assert not result.grader_failed
    if ending.problem:
        assert result.score == 0
    elif ending.finding:
        failed = [each for each in result.criteria if each.status is Status.FAILED]
        assert failed
        said = [
            "\n".join([case.feedback.seen, *(line.text for line in case.feedback.transcript)])
            for each in failed
            for case in each.cases
            if case.feedback
        ]
        assert all(re.search(ending.finding, text, re.IGNORECASE) for text in said), said
        assert result.score < honest.score
    else:
        assert _statuses(result) == _statuses(honest)


def _statuses(result: Result) -> list[tuple[str, Status, int]]:
    return [(each.id, each.status, each.score) for each in result.criteria]


def assert_shown_harmlessly(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """See that nothing in the report is a command to a terminal or to a workflow."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    shown = io.StringIO()
    print_page(Console(file=shown, width=100), terminal.render(result, ASCII, title="A lesson"))
    assert "\x1b" not in shown.getvalue()
    assert obeyed(shown.getvalue()) == []


def obeyed(text: str) -> list[str]:
    """Return the commands in ``text`` that a runner of GitHub Actions would obey."""
    commands, token = [], ""
    for line in map(str.strip, text.splitlines()):
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::") or "##[" in line:
            commands.append(line)
    assert not token, "commands are not obeyed again afterwards"
    return commands


def own_settings() -> tuple[object, ...]:
    """Tell what a submission might change in this process."""
    return (list(sys.path), dict(os.environ), sys.stdout, threading.active_count())


def state_of(folder: Path) -> dict[str, tuple[object, ...]]:
    """Tell of everything below ``folder`` its mode, and of files time and content."""
    return {str(path.relative_to(folder)): _state(path) for path in sorted(folder.rglob("*"))}


def _state(path: Path) -> tuple[object, ...]:
    seen = path.lstat()
    # A folder's time is changed by what the grader itself makes in it and removes.
    own = () if path.is_dir() else (seen.st_mtime_ns, path.is_symlink() or path.read_bytes())
    return (seen.st_mode, *own)


def descendants(pid: int) -> set[int]:
    """Return all processes below ``pid``, the ended ones that nobody has collected among them."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (parent := _parent(entry)):
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = set[int](), [pid]
    while todo:
        below = children.get(todo.pop(), [])
        found.update(below)
        todo += below
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def test_honest_submission_gets_full_marks_after_all_attacks(launcher: Launcher) -> None:
    criteria = [each.id for each in lesson02().rubric.criteria]
    result = graded(HONEST, launcher, only=criteria).result
    assert result.full_marks


def test_attacks_have_names_of_their_own_and_say_what_they_want() -> None:
    assert len(ATTACKS) >= 60
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    for attack in ATTACKS:
        assert attack.wants
        assert attack.tries or attack.does or attack.files, attack.name
