"""The miniature course and a stand-in for a student's server, for tests of the machinery.

The stand-in reads the dictionary ``ANSWERS`` of a submission's ``server.py`` without running it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from graders.engine.core.errors import Finding
from graders.engine.core.results import (
    NOT_STARTED,
    Isolation,
    IsolationLevel,
    Problem,
    SideCall,
    TranscriptLine,
)
from graders.engine.grading.folder import OpenStarter
from graders.engine.server.trouble import StartFailed

COURSE = Path(__file__).parent / "data" / "miniature_course"
PRACTICE = Isolation(level=IsolationLevel.PRACTICE, missing=("Nothing is isolated.",))


@dataclass
class TraceStandIn:
    """Two lines for each question asked."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    explanations: tuple[str, ...] = ()

    def lines(self, marked: int | None = None) -> tuple[TranscriptLine, ...]:
        """Return all that was said, with one line marked."""
        return tuple(
            TranscriptLine(
                serial=serial,
                actor="server" if serial % 2 else "client",
                kind=kind,
                text=text,
                at_ms=float(serial),
                marked=serial == marked,
            )
            for serial, (kind, text) in enumerate(self.texts)
        )


@dataclass
class ModelStandIn:
    """A model that is never asked."""

    def findings(self) -> Sequence[Finding]:
        """Return nothing: all is well."""
        return ()


@dataclass
class ServerStandIn:
    """Answers from a dictionary."""

    answers: dict[str, str]
    trace: TraceStandIn
    stops: int = 0

    def ask(self, text: str) -> str | None:
        """Return the answer, if there is one."""
        answer = self.answers.get(text)
        self.trace.texts += [("request", text), ("answer", answer or "(nothing)")]
        return answer

    async def stop(self) -> None:
        """Count the stops."""
        self.stops += 1


@dataclass
class StarterStandIn:
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

    def new_trace(self) -> TraceStandIn:
        """Return an empty trace."""
        return TraceStandIn()

    def new_model(self, trace: TraceStandIn) -> ModelStandIn:
        """Return a model."""
        trace.texts.clear()
        return ModelStandIn()

    async def start(self, model: ModelStandIn, trace: TraceStandIn) -> ServerStandIn:
        """Read the submission and "start" it."""
        del model
        self.isolation = self.offered
        server = ServerStandIn(answers_in(self.root / "server.py"), trace)
        self.servers.append(server)
        return server


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
def stand_in_servers() -> Iterator[OpenStarter]:
    """Yield what opens stand-ins for any submission, in the place of the real servers."""
    yield lambda _lesson, submission: nullcontext(StarterStandIn(submission.root))
