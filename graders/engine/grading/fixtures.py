"""The fixtures that the tests of a lesson work with: ``student model canary scene trace recorded``.

``measured`` and ``noted`` report what no point depends on.
For checks of files there are ``submission of_reference course_servers``, which need no server of
the submission; ``servers`` starts several of it, ``went_on`` tells how far a long check is, and
``kept`` spares it what was found before.

A pytest plugin. Must stay thin: what these things can do is the harness's business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from graders.engine.content.canaries import Canaries
from graders.engine.core.results import Measurement
from graders.engine.grading.events import CheckWentOn, Listener, nobody_listens
from graders.engine.harness.kept import KeptTexts
from graders.engine.harness.recording import Recordings, Scenario
from graders.engine.harness.said import Scene
from graders.engine.harness.server_factory import Served, ServerFactory
from graders.engine.harness.student import Student
from graders.engine.model import ScriptedModel
from graders.engine.server.trace import Trace


@dataclass(frozen=True)
class Bench:
    """What all checks of one run share; ``submission`` is the folder that was handed in.

    ``measurements`` is what the checks measured so far, ``notes`` what they noted; ``on_event``
    hears of checks that go on. ``kept`` is what is known of the course's own servers.
    """

    seed: int
    factory: ServerFactory
    recordings: Recordings
    submission: Path
    measurements: list[Measurement] = field(default_factory=list)
    on_event: Listener = nobody_listens
    notes: list[str] = field(default_factory=list)
    kept: KeptTexts = field(default_factory=KeptTexts)


BENCH = pytest.StashKey[Bench]()
TRACE = pytest.StashKey[Trace]()


@pytest.fixture
def canary(pytestconfig: pytest.Config) -> Canaries:
    """Return words that nobody can have guessed, the same ones for the same seed."""
    return Canaries(pytestconfig.stash[BENCH].seed)


@pytest.fixture
def trace(request: pytest.FixtureRequest) -> Trace:
    """Return the record of this check; a failed check shows it to the student.

    It is kept with the test: where another fixture fails, it would not be among its arguments.
    """
    made = Trace()
    request.node.stash[TRACE] = made
    return made


@pytest_asyncio.fixture
async def served(pytestconfig: pytest.Config, trace: Trace) -> AsyncIterator[Served]:
    """Yield a server and its model, started for this check alone; it is stopped afterwards."""
    async with pytestconfig.stash[BENCH].factory.serve(trace) as started:
        yield started


@pytest.fixture
def student(served: Served) -> Student:
    """Return the student's server."""
    return served.student


@pytest.fixture
def model(served: Served) -> ScriptedModel:
    """Return the scripted model that this server asks.

    What is wrong with its use at the end (`findings()`) is for the check to judge: raised here it
    would fail every criterion by one mistake.
    """
    return served.model


@pytest.fixture
def measured(pytestconfig: pytest.Config) -> Callable[[str, float, str, str], None]:
    """Return what reports a measurement: its name, value, unit, and the goal in words."""

    def report(name: str, value: float, unit: str, goal: str = "") -> None:
        measurement = Measurement(name=name, value=round(value, 3), unit=unit, goal=goal)
        pytestconfig.stash[BENCH].measurements.append(measurement)

    return report


@pytest.fixture
def noted(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Return what puts a plain sentence into the report, such as how the checks were made."""
    return pytestconfig.stash[BENCH].notes.append


@pytest.fixture
def recorded(
    pytestconfig: pytest.Config, trace: Trace
) -> Callable[[Scenario[Any]], Awaitable[Any]]:
    """Return a function that plays a scenario, or hands out its recording if it was played before.

    The record of this check becomes that of the scenario.
    """

    async def play(scenario: Scenario[Any]) -> Any:
        return await pytestconfig.stash[BENCH].recordings.of(scenario, trace)

    return play


@pytest.fixture
def submission(pytestconfig: pytest.Config) -> Path:
    """Return the folder that was handed in, for checks of its files: nothing in it may be run."""
    return pytestconfig.stash[BENCH].submission


@pytest.fixture
def of_reference(
    pytestconfig: pytest.Config,
) -> Callable[[Scenario[Any], Path], Awaitable[Any]]:
    """Return a function that plays a scenario on a server of the course's own, once in a run.

    What it says is no fault of a submission, and needs no server of one.
    """
    return pytestconfig.stash[BENCH].recordings.of_reference


@pytest.fixture
def servers(pytestconfig: pytest.Config) -> ServerFactory:
    """Return what starts servers of the submission, for a check that needs several."""
    return pytestconfig.stash[BENCH].factory


@pytest.fixture
def course_servers(pytestconfig: pytest.Config) -> Callable[[Path], ServerFactory]:
    """Return what starts servers of the course's own, from a folder: no server of a submission."""
    return pytestconfig.stash[BENCH].factory.reference


@pytest.fixture
def kept(pytestconfig: pytest.Config) -> KeptTexts:
    """Return what keeps what a check finds of the course's own servers."""
    return pytestconfig.stash[BENCH].kept


@pytest.fixture
def went_on(pytestconfig: pytest.Config) -> Callable[[int, int], None]:
    """Return what tells how far a check is that takes long."""
    tell = pytestconfig.stash[BENCH].on_event
    return lambda done, parts: tell(CheckWentOn(done, parts))


@pytest.fixture
def scene(student: Student, model: ScriptedModel, canary: Canaries) -> Scene:
    """Return a scene with a pristine server of this check's own."""
    return Scene(student, model, canary)
