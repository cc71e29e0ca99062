"""Starts real servers for tests: a submission written on the spot, in a process of its own."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from graders.engine.core.results import Problem
from graders.engine.harness import ScriptedModel, ServerSettings, StartFailed, Student, Trace
from graders.engine.sandbox.process import Launcher
from tests.processes import number_here

HONEST = """
    async def app(scope, receive, send):
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"honest"})
"""
"""The smallest server that works."""


class Bench:
    """Writes submissions below ``folder``, starts them, and stops what it started."""

    def __init__(self, launcher: Launcher, folder: Path) -> None:
        self.model = ScriptedModel(api_key="sk-test")
        self.trace = Trace()
        self._launcher = launcher
        self._folder = folder
        self._students: list[Student] = []

    async def serve(
        self, server: str | None, *, files: Mapping[str, str] | None = None, **settings: Any
    ) -> Student:
        """Start a submission whose ``server.py`` is ``server``; ``files`` are its other files."""
        own = {} if server is None else {"server.py": server}
        source = self.write({**own, **(files or {})})
        settings.setdefault("variables", {"OPENAI_API_KEY": "sk-test"})
        student = await Student.launch(
            self._launcher, ServerSettings(source=source, **settings), self.model, self.trace
        )
        self._students.append(student)
        return student

    async def problem(self, server: str | None, **options: Any) -> Problem:
        """Start a submission that cannot be started; return the problem."""
        with pytest.raises(StartFailed) as failed:
            await self.serve(server, **options)
        return failed.value.problem

    async def serve_honest(self) -> None:
        """Start an honest server from the same launcher, and see that it answers."""
        student = await self.serve(HONEST)
        assert (await student.http.get("/")).text == "honest"

    def write(self, files: Mapping[str, str]) -> Path:
        """Write a submission; return its folder."""
        number = len(list(self._folder.iterdir()))
        source = self._folder / f"submission{number}"
        for name, text in files.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        source.mkdir(exist_ok=True)
        return source

    async def close(self) -> None:
        """Stop all servers."""
        for student in self._students:
            await student.stop()


def number_of(student: Student, number: int) -> int:
    """Return our number of a process that ``student`` knows by ``number``."""
    return number_here(student.pid, number)


@pytest_asyncio.fixture
async def bench(launcher: Launcher, tmp_path: Path) -> AsyncIterator[Bench]:
    """Yield a bench whose servers are stopped after the test."""
    made = Bench(launcher, tmp_path)
    yield made
    await made.close()
