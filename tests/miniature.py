"""The miniature course and a stand-in for a student's server, for tests of the machinery.

The stand-in reads the dictionary ``ANSWERS`` of a submission's ``server.py`` without running it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from graders.engine.core.results import (
    NOT_STARTED,
    Isolation,
    IsolationLevel,
    Problem,
    SideCall,
)
from graders.engine.grading.folder import OpenFactory
from graders.engine.harness.server_factory import Served, ServerFactory
from graders.engine.harness.student import Student
from graders.engine.model import ScriptedModel
from graders.engine.sandbox.process import LaunchSpec, Process
from graders.engine.server.settings import ServerSettings
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import StartFailed
from graders.engine.server.watch.deadlines import RunClock

COURSE = Path(__file__).parent / "data" / "miniature_course"
PRACTICE = Isolation(level=IsolationLevel.PRACTICE, missing=("Nothing is isolated.",))


class NoLauncher:
    """Starts nothing."""

    kind = "none"

    def start(self, spec: LaunchSpec) -> Process:
        """Fail: a stand-in has no process."""
        raise NotImplementedError(f"no process for {spec.root}")

    def close(self) -> None:
        """There is nothing to end."""


class ServerStandIn(Student):
    """Answers from a dictionary; it has folders and clients as the real one, but no process."""

    def __init__(
        self, root: Path, answers: dict[str, str], model: ScriptedModel, trace: Trace
    ) -> None:
        super().__init__(NoLauncher(), ServerSettings(source=root), model, trace, RunClock())
        self.answers = answers
        self.trace = trace
        self.stops = 0

    def ask(self, text: str) -> str | None:
        """Return the answer, if there is one."""
        answer = self.answers.get(text)
        self.trace.add("client", "request", text)
        self.trace.add("server", "answer", answer or "(nothing)")
        return answer

    async def stop(self) -> None:
        """Count the stops."""
        self.stops += 1
        await super().stop()


@dataclass
class FactoryStandIn(ServerFactory):
    """Starts stand-ins for the submission in ``root``."""

    root: Path
    notes: Sequence[str] = ()
    side_calls: Sequence[SideCall] = ()
    isolation: Isolation = NOT_STARTED
    servers: list[ServerStandIn] = field(default_factory=list)
    offered: Isolation = PRACTICE

    def probe_isolation(self) -> None:
        """Find out what the test has said."""
        self.isolation = self.offered

    def reference(self, folder: Path) -> FactoryStandIn:
        """Return what starts stand-ins for the course's own server."""
        return FactoryStandIn(folder)

    async def start(self, trace: Trace) -> Served:
        """Read the submission and "start" it, with a model that is never asked."""
        self.isolation = self.offered
        answers, model = answers_in(self.root / "server.py"), ScriptedModel()
        server = ServerStandIn(self.root, answers, model, trace)
        self.servers.append(server)
        return Served(server, model)


def answers_in(server_file: Path) -> dict[str, str]:
    """Return the value of ``ANSWERS``; a problem of the submission if the file has none."""
    try:
        tree = ast.parse(server_file.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise StartFailed(
            Problem(
                kind="syntax-error",
                title=f"`server.py` is not Python: {error.msg}.",
                detail=f"server.py, line {error.lineno}",
                cure="Mend the line and try again.",
            )
        ) from error
    for node in tree.body:
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict):
            answers: dict[str, str] = ast.literal_eval(value)
            return answers
    return {}


@contextmanager
def stand_in_servers() -> Iterator[OpenFactory]:
    """Yield what opens stand-ins for any submission, in the place of the real servers."""
    yield lambda _lesson, submission: nullcontext(FactoryStandIn(submission.root))
