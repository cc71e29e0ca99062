"""The fork server is started before the rest is imported, and only where a command needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from graders.engine.cli.context import CommandContext
from graders.engine.cli.early import starts_servers, with_early_servers
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.grading.folder import open_servers
from graders.engine.submissions.submission import Submission
from tests.miniature import COURSE


@pytest.mark.parametrize(
    "line",
    ["", "--help", "list", "quiz lesson01", "lesson check lesson02", "lesson02 --help", "-x"],
)
def test_these_start_none(line: str) -> None:
    assert not starts_servers(line.split())


@pytest.mark.parametrize("line", ["lesson02", "grade lesson02 .", "replay a.yaml", "lesson02 -x"])
def test_these_start_some(line: str) -> None:
    assert starts_servers(line.split())


def test_a_context_with_other_servers_stays_as_it_is() -> None:
    context = CommandContext(servers=open_servers)
    with with_early_servers(context, ["lesson02"]) as same:
        assert same is context


def test_they_start_at_once_and_end_with_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    @contextmanager
    def open_launcher() -> Iterator[None]:
        told.append("started")
        yield
        told.append("ended")

    monkeypatch.setattr("graders.engine.sandbox.launcher.open_launcher", open_launcher)
    with with_early_servers(CommandContext(), ["lesson02"]):
        assert told == ["started"]
    assert told == ["started", "ended"]


@pytest.mark.parametrize("line", ["counting", "counting FOLDER", "grade counting FOLDER"])
def test_a_lesson_without_a_server_starts_none(line: str) -> None:
    context = CommandContext(root=COURSE)
    with with_early_servers(context, line.split()) as same:
        assert same is context
    with with_early_servers(context, ["greeting"]) as other:
        assert other is not context


def test_they_start_the_servers_of_a_submission(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text("async def app(scope, receive, send): ...\n")
    lesson = Catalogue(REPOSITORY).lesson("lesson01")
    submission = Submission(root=tmp_path, app="server:app", endpoint="/chatkit")
    with (
        with_early_servers(replace(CommandContext(), root=REPOSITORY), ["lesson01"]) as context,
        context.servers() as open_factory,
        open_factory(lesson, submission) as factory,
    ):
        factory.probe_isolation()
        assert factory.isolation.layers[0] == "fork server"
