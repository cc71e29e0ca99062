"""One student's server as graders see it: start, restart, kill, stop, its users, its clock.

Must not know a lesson, and judges nothing: what goes wrong with the server is raised as the
:class:`ServerTrouble` that it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx

from graders.engine.database.databases import ServerDatabase
from graders.engine.harness.chat import Chat
from graders.engine.harness.stores import Stores
from graders.engine.model import ScriptedModel
from graders.engine.sandbox.process import Exit, Launcher, LaunchSpec
from graders.engine.server.diagnosis.output import last_lines
from graders.engine.server.link.link import Link
from graders.engine.server.running import RunningServer
from graders.engine.server.settings import ServerSettings
from graders.engine.server.trace import Trace
from graders.engine.server.trouble import DidNotStartAgain, ServerDied, StartFailed
from graders.engine.server.watch.deadlines import CheckClock, RunClock
from graders.engine.server.workspace import Workspace
from graders.engine.wire.frames import Refused

_MOST_REFUSED = 100
_PRINTED_CHARACTERS = 8_000


class Student:
    """A student's server, with a data folder that outlives restarts, as its own copy does.

    ``own_dirs`` are these two, where a server may keep what it stores; ``stores`` is all of it,
    with the ``database`` that it is given.
    Use :meth:`launch`; ``stop`` ends everything and removes its folders.
    """

    def __init__(
        self,
        launcher: Launcher,
        settings: ServerSettings,
        model: ScriptedModel,
        trace: Trace,
        run: RunClock,
        *,
        database: ServerDatabase | None = None,
    ) -> None:
        self._launcher = launcher
        self._database = database
        self._settings = settings
        self._model = model
        self._trace = trace
        self._clock = CheckClock(run)
        trace.ends_with("printed", lambda: last_lines(self._said))
        trace.prints(lambda: self._said[-_PRINTED_CHARACTERS:])
        self._workspace = Workspace()
        self.data_dir = self._workspace.data
        self.own_dirs = (self.data_dir, self._workspace.copy)
        self.stores = Stores(self.data_dir, self.own_dirs, database)
        self.refused: list[Refused] = []
        self._server: RunningServer | None = None
        self._not_started: DidNotStartAgain | None = None

    @classmethod
    async def launch(
        cls,
        launcher: Launcher,
        settings: ServerSettings,
        model: ScriptedModel,
        trace: Trace,
        run: RunClock | None = None,
        *,
        database: ServerDatabase | None = None,
    ) -> Student:
        """Start a pristine server; raises :class:`StartFailed` with the problem.

        ``run`` is the clock of the run that it belongs to. ``database`` is dropped at the end.
        """
        student = cls(launcher, settings, model, trace, run or RunClock(), database=database)
        try:
            elsewhere = () if database is None else database.folders
            student._workspace.fill(settings.source, elsewhere)
            await student.start()
        except BaseException:
            await student.stop()
            raise
        return student

    @property
    def http(self) -> httpx.AsyncClient:
        """A plain HTTP client of this server."""
        return self._running().http

    @property
    def frontend(self) -> Path:
        """The folder of web code as it was handed in: no process of the submission reaches it."""
        return self._settings.source / self._settings.frontend

    @property
    def endpoint(self) -> str:
        """The path that ChatKit requests go to."""
        return self._settings.endpoint

    @property
    def pid(self) -> int:
        """The number of the server's process, for the grader."""
        return self._running().process.pid

    @property
    def printed(self) -> str:
        """The end of what the server has printed."""
        return self._server.printed if self._server is not None else ""

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers of isolation that its process has, by what it said itself."""
        return self._link.layers if self._link is not None else ()

    @property
    def running(self) -> bool:
        """Whether the server is up."""
        link = self._link
        return link is not None and link.trouble is None and not link.closed

    def chat(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        sign_in: Callable[[], Mapping[str, str]] = dict,
        name: str = "user",
    ) -> Chat:
        """Return a user's ChatKit client; ``headers`` go with each request.

        So do the headers that ``sign_in`` makes for each.
        """
        return Chat(
            lambda: self.http,
            self._settings.endpoint,
            self._trace,
            headers=headers,
            sign_in=sign_in,
            name=name,
        )

    async def start(self) -> None:
        """Start the process, load the app and run its start-up.

        Raises :class:`StartFailed`; :class:`DidNotStartAgain` where it had run before. It has ended
        then, as with uvicorn.
        """
        is_first = self._server is None
        self._not_started = self._trace.stopped = None
        settings, moved, database = self._settings, self._moved_seconds, self._database
        variables = {**settings.variables}
        if database is not None:
            variables["DATABASE_URL"] = database.url
        spec = LaunchSpec(
            root=self._workspace.copy,
            environment=self._workspace.environment(variables),
            limits=settings.limits,
            cold=bool(settings.shadows),
            writable=self._workspace.beside,
            sockets=() if database is None else (database.socket_folder,),
            without=frozenset(settings.without),
            preload=settings.preload,
        )
        self._server = RunningServer(
            self._launcher.start(spec),
            settings,
            self._workspace,
            model=self._model,
            trace=self._trace,
            clock=self._clock,
            tell_refused=self._refuse,
            partner=database,
        )
        try:
            await self._server.load(moved)
        except StartFailed as failure:
            if is_first:
                raise
            mark = self._trace.add("grader", "restart", "starts the server again: it fails")
            self._not_started = self._trace.stopped = DidNotStartAgain(failure, mark)
            await self._end()
            raise self._not_started from None

    async def kill(self) -> Exit:
        """End the process as a power failure would (SIGKILL); the data folder stays."""
        self._trace.add("grader", "kill", "kills the server's process")
        return await self._end()

    async def restart(
        self, *, spec_version: str | None = None, variables: Mapping[str, str] | None = None
    ) -> None:
        """Kill the server and start it again on the same data folder.

        ``spec_version`` is the ASGI version that it is told from now on, ``variables`` are added to
        its environment.
        """
        await self.kill()
        if spec_version is not None:
            self._settings = replace(self._settings, spec_version=spec_version)
        added = variables or {}
        self._settings = replace(self._settings, variables={**self._settings.variables, **added})
        await self.start()
        under = f", under ASGI {spec_version}" if spec_version is not None else ""
        having = "".join(f", {name}={value}" for name, value in added.items())
        self._trace.add("grader", "restart", f"starts the server again{under}{having}")

    async def advance(self, seconds: float) -> None:
        """Move the server's virtual clock forward; timers on the way fire at their time."""
        self._trace.add("grader", "clock", f"moves the clock by {seconds:g} s")
        await self._running().link.advance(seconds)

    async def stop_clock(self) -> None:
        """Let the server's clock stand still until it is moved: what comes has the same time."""
        self._trace.add("grader", "clock", "stops the clock")
        await self._running().link.advance(0, stop=True)

    def ask_loop_at_calls(self) -> None:
        """Let each call of the model wait until the server's event loop has shown that it goes on.

        A server whose event loop itself waits for the model is then stalled. Until the next start.
        """
        self._running().ask_loop_at_calls()

    @property
    def now(self) -> float:
        """Seconds since the epoch by the server's clock, which a restart does not set back."""
        return time.time() + self._moved_seconds

    @property
    def _moved_seconds(self) -> float:
        return self._link.moved_seconds if self._link is not None else 0.0

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables that the lesson gives to the server."""
        return self._settings.variables

    @property
    def skipped_seconds(self) -> float:
        """Virtual seconds since the start that were skipped since the server only waited for them.

        What comes while this does not grow came without waiting for a timer.
        """
        return self._link.skipped_seconds if self._link is not None else 0.0

    @property
    def blocked_seconds(self) -> float:
        """Virtual seconds since the start that a sleep was given which blocked the event loop.

        While the clock is stopped, no `time.sleep` in the event loop's thread ends without them.
        """
        return self._link.blocked_seconds if self._link is not None else 0.0

    async def rest(self) -> None:
        """Wait until the server has nothing left to do, in its event loop and in its threads."""
        await self._running().link.rest()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds()``, which something that the server does must bring about.

        Raises :class:`Stalled` when the server has nothing left to do.
        """
        await self._running().link.until(holds)

    async def stop(self) -> None:
        """End the server and remove its folders; more than once does no harm."""
        if self._server is not None:
            await self._server.end()
        self._workspace.remove()
        if self._database is not None:
            self._database.drop()

    # --- inside --------------------------------------------------------------------------------

    @property
    def _link(self) -> Link | None:
        return self._server.link if self._server is not None else None

    def _running(self) -> RunningServer:
        if self._not_started is not None:
            raise DidNotStartAgain(self._not_started, self._not_started.mark)
        if self._server is None or self._server.link.closed:
            raise ServerDied("the server is not running")
        return self._server

    async def _end(self) -> Exit:
        assert self._server is not None, "only a started server is ended"
        end = await self._server.end()
        if self._database is not None:
            self._database.end_connections()
        return end

    @property
    def _said(self) -> str:
        """The end of what was printed, with the names of files as they were handed in."""
        return self.printed.replace(f"{self._workspace.copy}/", "")

    def _refuse(self, frame: Refused) -> None:
        if len(self.refused) < _MOST_REFUSED:
            self.refused.append(frame)
