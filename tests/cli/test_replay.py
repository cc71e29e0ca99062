"""``grade.py replay``; how a conversation is played is the harness's, and stood in for here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graders.engine.cli.exit_codes import ExitCode
from graders.engine.core.errors import Finding
from tests.cli.course import SOLUTION, Outcome, run

SCRIPT = """\
format_version: 1
name: says-hello
description: A greeting is answered.
users: [user]
turns:
  - say: hello
    model:
      - say: hello
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Return the file of a conversation."""
    file = tmp_path / "hello.yaml"
    file.write_text(SCRIPT, encoding="utf-8")
    return file


def replay(monkeypatch: pytest.MonkeyPatch, *words: str, finding: Finding | None = None) -> Outcome:
    """Replay with a player that asks the first question and then raises ``finding``."""

    async def play(conversation: Any, student: Any, *_others: object) -> None:
        student.ask(conversation.turns[0].say)
        if finding is not None:
            raise finding

    monkeypatch.setattr("graders.engine.harness.playback.play", play)
    return run("replay", *words, "--seed", "4")


def test_transcript_is_printed(monkeypatch: pytest.MonkeyPatch, script: Path) -> None:
    found = replay(monkeypatch, str(script), SOLUTION)
    assert found.code == ExitCode.FULL_MARKS
    assert "says-hello: A greeting is answered." in found.out
    assert "request  hello" in found.out
    assert "all came as expected" in found.out


def test_first_thing_that_is_not_as_expected_is_marked(
    monkeypatch: pytest.MonkeyPatch, script: Path
) -> None:
    finding = Finding("Turn 1: no `error` event came.", mark=1)
    found = replay(monkeypatch, str(script), SOLUTION, finding=finding)
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert "Not as expected. Turn 1: no `error` event came." in found.out
    assert [line for line in found.out.splitlines() if line.startswith("▶")] != []


def test_server_that_does_not_start_says_why(
    monkeypatch: pytest.MonkeyPatch, script: Path, tmp_path: Path
) -> None:
    (tmp_path / "server.py").write_text("ANSWERS = {", encoding="utf-8")
    found = replay(monkeypatch, str(script), str(tmp_path))
    assert found.code == ExitCode.NOT_FULL_MARKS
    assert "`server.py` is not Python" in found.out


def test_script_that_is_wrong_names_its_line(monkeypatch: pytest.MonkeyPatch, script: Path) -> None:
    script.write_text(SCRIPT.replace("turns:", "turn:"), encoding="utf-8")
    found = replay(monkeypatch, str(script), SOLUTION)
    assert found.code == ExitCode.CONTENT
    assert "hello.yaml:5" in found.err


def test_script_that_does_not_exist_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = replay(monkeypatch, str(tmp_path / "none.yaml"), SOLUTION)
    assert found.code == ExitCode.USAGE
    assert "none.yaml" in found.err


SPECIFICATION = """\
format_version: 1
requirements:
  - {id: a, area: conversation, text: One.}
  - {id: b, area: authentication, text: Two.}
  - {id: c, area: session, text: Three.}
  - {id: d, area: tasks, text: Four.}
scenarios:
  - name: says-hello
    covers: [a, b, c, d]
    description: A greeting is answered.
    turns: [{say: hello}]
"""


def test_scenario_of_a_specification_is_played(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPECIFICATION, encoding="utf-8")
    found = replay(monkeypatch, f"{file}:says-hello", SOLUTION)
    assert found.code == ExitCode.FULL_MARKS
    assert "says-hello: all came as expected" in found.out


def test_scenario_that_is_not_there_is_answered_with_a_close_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(SPECIFICATION, encoding="utf-8")
    found = replay(monkeypatch, f"{file}:say-hello", SOLUTION)
    assert found.code == ExitCode.USAGE
    assert "Did you mean `says-hello`?" in found.err
