"""One student's server as graders see it: start, restart, kill, stop, its users, its clock.

Must not know a lesson, and judges nothing: what goes wrong with the server is raised as the
:class:`ServerTrouble` that it is.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path

import httpx

from graders.engine.core.limits import MOST, ProcessLimits, WireLimits
from graders.engine.core.results import Problem
from graders.engine.core.text import shorten, visible
from graders.engine.harness.chat import Chat
from graders.engine.harness.folders import Contents, contents_of, remove
from graders.engine.harness.footprint import Footprint, amount
from graders.engine.harness.incidents import Incidents
from graders.engine.harness.link import Link
from graders.engine.harness.model import ScriptedModel
from graders.engine.harness.model_calls import ModelCalls
from graders.engine.harness.output import Output, last_traceback
from graders.engine.harness.problems import ended_at_start, explained, load_problem
from graders.engine.harness.trace import Trace
from graders.engine.harness.transport import StudentTransport
from graders.engine.harness.trouble import ServerDied, ServerTrouble, StartFailed
from graders.engine.harness.wall import CheckClock, RunClock
from graders.engine.sandbox import Exit, Launcher, LaunchSpec, Layer, Process
from graders.engine.sandbox.environment import student_environment
from graders.engine.wire.frames import (
    ExchangeCrash,
    Load,
    LoadFailed,
    ModelRequest,
    Refused,
    Shutdown,
)

BASE_URL = "http://testserver"
_OWN_FOLDERS = ("data", "home", "tmp")


@dataclass(frozen=True)
class ServerSettings:
    """What a server is started with.

    ``source`` is the folder that each server gets a private copy of; ``variables`` its environment
    (``{data}`` in a value becomes the data folder); ``spec_version`` the ASGI version it is told;
    ``without`` the layers of isolation that tests leave off; ``limits`` are those of its process,
    ``wire`` those of what it says.
    """

    source: Path
    app: str = "server:app"
    endpoint: str = "/chatkit"
    variables: Mapping[str, str] = field(default_factory=dict)
    limits: ProcessLimits = field(default_factory=ProcessLimits)
    shadows: tuple[str, ...] = ()
    spec_version: str = "2.3"
    without: Collection[Layer] = ()
    wire: WireLimits = field(default_factory=WireLimits)


class Student:
    """A student's server, with a data folder that outlives restarts, as its own copy does.

    ``own_dirs`` are these two, where a server may keep what it stores.
    Use :meth:`launch`; ``stop`` ends everything and removes its folders.
    """

    def __init__(
        self,
        launcher: Launcher,
        settings: ServerSettings,
        model: ScriptedModel,
        trace: Trace,
        run: RunClock,
    ) -> None:
        self._launcher = launcher
        self._settings = settings
        self._model = model
        self._trace = trace
        self._clock = CheckClock(run)
        trace.ends_with("printed", self._last_traceback)
        self._workspace = _new_workspace()
        self._copy = self._workspace / "submission"
        self.data_dir = self._workspace / "data"
        self.own_dirs = (self.data_dir, self._copy)
        self.refused: list[Refused] = []
        self.layers: tuple[str, ...] = ()
        self._process: Process | None = None
        self._link: Link | None = None
        self._output: Output | None = None
        self._calls: ModelCalls | None = None
        self._client: httpx.AsyncClient | None = None
        self._incidents: Incidents | None = None
        self._handed_in = Contents()

    @classmethod
    async def launch(
        cls,
        launcher: Launcher,
        settings: ServerSettings,
        model: ScriptedModel,
        trace: Trace,
        run: RunClock | None = None,
    ) -> Student:
        """Start a pristine server; raises :class:`StartFailed` with the problem.

        ``run`` is the clock of the run that it belongs to.
        """
        student = cls(launcher, settings, model, trace, run or RunClock())
        try:
            student._make_folders()
            await student.start()
        except BaseException:
            await student.stop()
            raise
        return student

    @property
    def http(self) -> httpx.AsyncClient:
        """A plain HTTP client of this server."""
        if self._client is None:
            raise ServerDied("the server is not running")
        return self._client

    @property
    def printed(self) -> str:
        """The end of what the server has printed."""
        return visible(self._output.text) if self._output is not None else ""

    @property
    def running(self) -> bool:
        """Whether the server is up."""
        return self._link is not None and self._link.trouble is None and not self._link.closed

    def chat(self, *, headers: Mapping[str, str] | None = None, name: str = "user") -> Chat:
        """Give a user's ChatKit client; ``headers`` go with each request."""
        return Chat(
            lambda: self.http, self._settings.endpoint, self._trace, headers=headers, name=name
        )

    async def start(self) -> None:
        """Start the process, load the app and run its start-up."""
        spec = LaunchSpec(
            root=self._copy,
            environment=self._environment(),
            limits=self._settings.limits,
            cold=bool(self._settings.shadows),
            writable=tuple(self._workspace / name for name in _OWN_FOLDERS),
            without=frozenset(self._settings.without),
        )
        moved = self._moved_seconds
        process = self._process = self._launcher.start(spec)
        incidents = self._incidents = self._incidents_of(process)
        self._output = Output(
            process.output, self._settings.wire, on_flood=self._flooded, on_text=incidents.heed
        )
        self._link = incidents.link = Link(
            process.wire,
            process.pid,
            self._settings.wire,
            on_model_request=self._called,
            on_model_cancelled=lambda number: self._model_calls().cancelled(number),
            on_refused=self._refuse,
            on_eof=incidents.ended,
            on_end=self._done_with_a_request,
            on_flood=incidents.flooded,
            look=incidents.look,
        )
        self._calls = ModelCalls(self._model, self._link)
        self._client = httpx.AsyncClient(
            transport=StudentTransport(self._link),
            base_url=BASE_URL,
            headers={"accept-encoding": "identity"},
            cookies=_no_cookies(),
            timeout=None,  # noqa: S113 - the link's watchdog tells waiting from hanging
        )
        await self._load(moved)

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

    async def shut_down(self) -> str:
        """End the server gently; return what went wrong in its shutdown, or an empty string."""
        link = self._running_link()
        link.send(Shutdown())
        await link.until(lambda: link.shutdown_done is not None)
        await self._end()
        return link.shutdown_done.problem if link.shutdown_done else ""

    async def advance(self, seconds: float) -> None:
        """Move the server's virtual clock forward; timers on the way fire at their time."""
        self._trace.add("grader", "clock", f"moves the clock by {seconds:g} s")
        await self._running_link().advance(seconds)

    async def stop_clock(self) -> None:
        """Let the server's clock stand still until it is moved: what comes has the same time."""
        self._trace.add("grader", "clock", "stops the clock")
        await self._running_link().advance(0, stop=True)

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

    async def settle(self) -> None:
        """Wait until the server's event loop has nothing left to do."""
        link = self._running_link()
        pong = link.ping()
        await link.until(pong.done)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until ``holds()``, which something that the server does must bring about.

        Raises :class:`Stalled` when the server has nothing left to do.
        """
        await self._running_link().until(holds)

    async def stop(self) -> None:
        """End the server and remove its folders; more than once does no harm."""
        if self._process is not None:
            await self._end()
        remove(self._workspace)

    def _last_traceback(self) -> str:
        return last_traceback(self.printed, str(self._copy))

    # --- inside --------------------------------------------------------------------------------

    def _make_folders(self) -> None:
        shutil.copytree(self._settings.source, self._copy, symlinks=True)
        for name in _OWN_FOLDERS:
            (self._workspace / name).mkdir()
        self._handed_in = contents_of([self._copy], most_files=MOST)

    def _incidents_of(self, process: Process) -> Incidents:
        limits = self._settings.limits
        folders = (self._copy, *(self._workspace / name for name in _OWN_FOLDERS))
        return Incidents(
            trace=self._trace,
            limits=limits,
            footprint=Footprint(process.pid, folders, limits, self._handed_in),
            clock=self._clock,
            own_folder=self._workspace,
            end=process.kill,
        )

    def _environment(self) -> dict[str, str]:
        variables = {
            name: value.replace("{data}", str(self.data_dir))
            for name, value in self._settings.variables.items()
        }
        return student_environment(
            {**variables, "CHATKIT_DATA_DIR": str(self.data_dir)},
            home=self._workspace / "home",
            temp=self._workspace / "tmp",
        )

    async def _load(self, moved: float) -> None:
        """Load the app, at the time that it is for the server: its clock was ``moved`` before."""
        link = self._running_link()
        settings = self._settings
        load = Load(
            app=settings.app,
            root=str(self._copy),
            shadows=settings.shadows,
            spec_version=settings.spec_version,
        )
        try:
            if moved:
                await link.advance(moved)
            link.send(load)
            await link.until(lambda: link.loaded is not None)
        except ServerTrouble as trouble:
            layers = _layers(link)
            raise StartFailed(await self._why_not_loaded(trouble), layers) from None
        self.layers = _layers(link)
        if isinstance(link.loaded, LoadFailed):
            self._its_incidents().failed_to_load(link.loaded)
            problem = load_problem(link.loaded, settings.app, settings.shadows)
            raise StartFailed(explained(problem, self._trace.explanations), self.layers)

    async def _why_not_loaded(self, trouble: ServerTrouble) -> Problem:
        printed = self.printed.replace(f"{self._copy}/", "")
        end = await self._end()
        return ended_at_start(trouble, end, printed, self._settings.app)

    def _running_link(self) -> Link:
        if self._link is None or self._link.closed:
            raise ServerDied("the server is not running")
        return self._link

    def _model_calls(self) -> ModelCalls:
        assert self._calls is not None, "made with the link"
        return self._calls

    def _its_incidents(self) -> Incidents:
        assert self._incidents is not None, "made with the link"
        return self._incidents

    def _called(self, frame: ModelRequest) -> None:
        self._model_calls().begin(frame)

    def _done_with_a_request(self, crash: ExchangeCrash | None) -> None:
        if self._output is not None:
            # What the app has printed meanwhile belongs to this request, and may not be read yet.
            self._output.read()
        if crash is not None:
            self._crashed(crash)

    def _crashed(self, crash: ExchangeCrash) -> None:
        own = crash.detail.strip().splitlines()[-5:]
        text = " | ".join(line.strip() for line in own) or f"{crash.error}: {crash.message}"
        self._trace.add("server", "raised", shorten(text, 280))
        self._its_incidents().crashed(crash)

    def _refuse(self, frame: Refused) -> None:
        if len(self.refused) < 100:
            self.refused.append(frame)
        self._its_incidents().refuse(frame)

    def _flooded(self) -> None:
        if self._link is not None:
            printed = amount(self._settings.wire.printed_mb)
            self._link.give_up(self._its_incidents().flooded(f"printed more than {printed}"))

    async def _end(self) -> Exit:
        """Close everything of the running process, in the order in which nothing is lost."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
        if self._calls is not None:
            await self._calls.close()
        assert self._process is not None, "only a started server is ended"
        end = self._process.kill()
        if self._link is not None:
            self._link.close()
        if self._output is not None:
            self._output.close()
        return end


def _new_workspace() -> Path:
    """Make a folder for all of one server's; where root grades, another user must get through."""
    folder = Path(tempfile.mkdtemp(prefix="chatkit-"))
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        folder.chmod(0o711)
    return folder


def _no_cookies() -> CookieJar:
    """Give a jar that stays empty: cookies are a user's, so each chat has its own."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def _layers(link: Link) -> tuple[str, ...]:
    """Give what the process has said of its layers, which it does before student code runs."""
    return link.hello.layers if link.hello is not None else ()
