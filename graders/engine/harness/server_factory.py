"""Everything that the checks of one submission share: its copy, its settings, the way to start it.

:class:`ServerFactory` is what checks, recordings and replays know of it. Must not know a rubric.
"""

from __future__ import annotations

import importlib.metadata
import secrets
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from graders.engine.core.errors import IsolationError
from graders.engine.core.limits import Limits
from graders.engine.core.results import NOT_STARTED, Isolation, SideCall
from graders.engine.core.text import quote
from graders.engine.database.databases import Databases, ServerDatabase
from graders.engine.harness.student import Student
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.isolation.levels import is_root, isolation_of
from graders.engine.model import ModelEvent, ScriptedModel
from graders.engine.sandbox.process import Launcher, LaunchSpec
from graders.engine.server.isolation_probe import probe_isolation
from graders.engine.server.settings import ServerSettings
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import StartFailed
from graders.engine.server.watch.deadlines import RunClock
from graders.engine.submissions.shadows import shadowing_names
from graders.engine.submissions.submission import (
    CopyReport,
    Submission,
    copy_submission,
    find_submission,
)

_PROVIDER_API = "provider's API"


class Served(NamedTuple):
    """A server that has been started, and the scripted model that it asks."""

    student: Student
    model: ScriptedModel


class ServerFactory(ABC):
    """Starts servers of one submission, as often as asked, each time pristine.

    :class:`ProcessFactory` is the real one; tests of grading have stand-ins.
    """

    @property
    @abstractmethod
    def isolation(self) -> Isolation:
        """How well the servers are isolated, as far as one was started or it was probed."""

    @property
    @abstractmethod
    def notes(self) -> Sequence[str]:
        """Plain sentences for the report, collected over all servers so far."""

    @property
    @abstractmethod
    def side_calls(self) -> Sequence[SideCall]:
        """The model calls that carried no conversation, over all servers so far."""

    @abstractmethod
    def probe_isolation(self) -> None:
        """Find out how well servers are isolated, before any code of the submission runs."""

    @abstractmethod
    def reference(self, folder: Path) -> ServerFactory:
        """Return what starts servers of the course's own, from ``folder``."""

    @abstractmethod
    async def start(self, trace: Trace) -> Served:
        """Start a server with a model of its own, for :meth:`serve`, which stops it."""

    @asynccontextmanager
    async def serve(self, trace: Trace) -> AsyncIterator[Served]:
        """Start a server with a model of its own; it is stopped at the end of the block.

        ``trace`` becomes the record of both. It comes from outside, because it tells of a server
        that could not be started as well.
        Raises :class:`StartFailed` with the problem, or another :class:`Finding` when the server
        fails right after its start.
        """
        served = await self.start(trace)
        try:
            yield served
        finally:
            await served.student.stop()


class ProcessFactory(ServerFactory):
    """Starts each server as a process of its own."""

    def __init__(
        self,
        launcher: Launcher,
        settings: ServerSettings,
        notes: Sequence[str] = (),
        clock: RunClock | None = None,
        databases: Databases | None = None,
    ) -> None:
        self._clock = clock or RunClock()
        self._databases = databases
        self._made: list[ServerDatabase] = []
        self._launcher = launcher
        self._settings = settings
        self._models: list[ScriptedModel] = []
        self._layers: tuple[str, ...] | None = None
        self._notes = notes

    @property
    def isolation(self) -> Isolation:
        """How well the servers are isolated, by what they had before their own code ran."""
        if self._layers is None:
            return NOT_STARTED
        return isolation_of(self._launcher.kind, self._layers, root=is_root())

    @property
    def notes(self) -> Sequence[str]:
        """What was left out of the copy, names that hide packages, and what stored."""
        return (*self._notes, *self._notes_of_databases())

    @property
    def side_calls(self) -> list[SideCall]:
        """The model calls that carried no conversation, without repetitions."""
        seen = {
            (call.purpose, quote(call.instructions or call.text_of("user"), 80))
            for model in self._models
            for call in model.side_calls
        } | {(_PROVIDER_API, name) for model in self._models for name in model.provider_calls}
        return [SideCall(purpose=purpose, summary=summary) for purpose, summary in sorted(seen)]

    def probe_isolation(self) -> None:
        """Find out how well servers are isolated, by a process without the submission."""
        settings = self._settings
        spec = LaunchSpec(
            root=settings.source,
            environment={},
            limits=settings.limits,
            cold=bool(settings.shadows),
            without=frozenset(settings.without),
            preload=settings.preload,
        )
        self._layers = probe_isolation(self._launcher, spec)

    def _new_model(self, trace: Trace) -> ScriptedModel:
        def record(event: ModelEvent) -> None:
            trace.add("model", event.kind, event.text)

        model = ScriptedModel(
            api_key=self._settings.variables.get("OPENAI_API_KEY", ""), on_event=record
        )
        self._models.append(model)
        return model

    async def start(self, trace: Trace) -> Served:
        """Start a process with a model whose events go into ``trace``."""
        model = self._new_model(trace)
        self._clock.require_time()
        database = self._new_database()
        try:
            student = await Student.launch(
                self._launcher, self._settings, model, trace, self._clock, database=database
            )
        except StartFailed as failure:
            # Without any it has ended before it could say which it has.
            self._layers = failure.layers or self._layers
            raise
        self._layers = student.layers
        return Served(student, model)

    def reference(self, folder: Path) -> ServerFactory:
        """Return what starts servers of the course's own, with the key of the submission's."""
        submission = find_submission(folder)  # its own path, not that of what is judged
        own = ServerSettings(
            source=folder,
            app=submission.app,
            endpoint=submission.endpoint,
            variables=self._settings.variables,
            limits=self._settings.limits,
            wire=self._settings.wire,
            preload=self._settings.preload,
        )
        # Always with files: what they show does not depend on what stores.
        return ProcessFactory(self._launcher, own, clock=self._clock)

    def _new_database(self) -> ServerDatabase | None:
        if self._databases is None:
            return None
        self._require_own_root()
        self._made.append(self._databases.new())
        return self._made[-1]

    def _require_own_root(self) -> None:
        """Raise where a server that may connect to a socket would find others than its own."""
        if self._layers is None:
            self.probe_isolation()
        layers = self._layers or ()
        if Layer.SYSCALLS in layers and not {Layer.ROOT, Layer.NETWORK} <= set(layers):
            raise IsolationError(
                "Nothing was graded: a server may use PostgreSQL only where it has a root folder "
                "and a network of its own; here it would find the sockets of other programs.",
                cure="grade on a machine as docs/security.md describes it (as root, or where users "
                "may make namespaces), or without `--database postgresql`.",
            )

    def _notes_of_databases(self) -> Iterator[str]:
        if self._databases is None or not self._made:
            return
        yield f"The server was given {self._databases.version}, not SQLite."
        if not any(database.was_used for database in self._made):
            yield (
                "Your server has made no table in PostgreSQL. `DATABASE_URL` says where it is: "
                "what is stored in files is not what this run is about."
            )


@contextmanager
def open_factory(
    submission: Submission,
    launcher: Launcher,
    *,
    limits: Mapping[str, int],
    env: Mapping[str, str],
    preload: tuple[str, ...] = (),
    without: frozenset[Layer] = NOTHING_OFF,
    databases: Databases | None = None,
) -> Iterator[ServerFactory]:
    """Copy ``submission`` once, and give the factory that starts its servers from the copy.

    ``limits`` are those that the lesson has in place of the defaults; ``preload`` the modules that
    are imported once for all servers; ``without`` the layers of isolation that tests leave off;
    ``databases`` gives each server one, where that is wanted.
    Raises :class:`SubmissionProblem` when it cannot be copied. The copy is removed afterwards.
    """
    allowed = Limits().overridden(limits)
    folder = Path(tempfile.mkdtemp(prefix="chatkit-submission-"))
    try:
        source = folder / "submission"
        report = copy_submission(submission.root, source)
        shadows = tuple(shadowing_names(source, _installed_names()))
        settings = ServerSettings(
            source=source,
            app=submission.app,
            endpoint=submission.endpoint,
            frontend=_frontend(submission),
            variables={"OPENAI_API_KEY": f"sk-{secrets.token_hex(24)}", **env},
            limits=allowed.process,
            wire=allowed.wire,
            shadows=shadows,
            left_out=tuple(report.skipped),
            preload=preload,
            without=without,
        )
        notes = [*_notes(report), *map(_shadow_note, shadows)]
        yield ProcessFactory(launcher, settings, notes, RunClock(allowed.deadlines), databases)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _frontend(submission: Submission) -> str:
    if submission.frontend is None:
        return ServerSettings.frontend
    return submission.frontend.relative_to(submission.root).as_posix()


@cache
def _installed_names() -> frozenset[str]:
    """Return the top-level names of installed packages; reading them all takes 60 ms, so once."""
    return frozenset(importlib.metadata.packages_distributions())


def _notes(report: CopyReport) -> list[str]:
    """Tell of what was left out and a student may miss; caches and the like are not told."""
    return [
        f"`{name}` was left out of the copy that is graded."
        for name in report.skipped
        if not Path(name).name.startswith((".git", ".venv", "venv", "__pycache__"))
    ][:10]


def _shadow_note(name: str) -> str:
    return (
        f"Your own `{name}` has the name of an installed package or a module of Python: other "
        "code may import it by mistake. Another name is safer."
    )
