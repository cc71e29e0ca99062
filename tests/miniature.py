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
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import StartFailed

COURSE = Path(__file__).parent / "data" / "miniature_course"
PRACTICE = Isolation(level=IsolationLevel.PRACTICE, missing=("Nothing is isolated.",))


class ServerStandIn(Student):
    """Answers from a dictionary; there is no process, so nothing of the real one is set up."""

    def __init__(self, answers: dict[str, str], trace: Trace) -> None:
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
        server = ServerStandIn(answers_in(self.root / "server.py"), trace)
        self.servers.append(server)
        return Served(server, ScriptedModel())


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
