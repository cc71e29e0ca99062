"""The host's main: says hello, loads the app, then acts on the grader's frames to the end.

Must not import anything of the grader's trusted side.
"""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from graders.engine.host.clock import VirtualClock
from graders.engine.host.connection import HostConnection
from graders.engine.host.exchanges import Exchanges
from graders.engine.host.file_settings import miss_files_that_are_not_there
from graders.engine.host.guard import install_guard
from graders.engine.host.lifespan import Lifespan
from graders.engine.host.loading import LoadError, load_app, routes_of
from graders.engine.host.loop import Loop
from graders.engine.host.process_locks import keep_locks_in_the_process
from graders.engine.host.raised import RaisedReports
from graders.engine.host.relay import Relay, silence_tls
from graders.engine.host.sql_time import SQLITES_WAIT
from graders.engine.host.surroundings import answer_for_the_machine
from graders.engine.host.whereabouts import answer_signals
from graders.engine.wire.frames import (
    Advance,
    Advanced,
    Disconnect,
    Hello,
    Load,
    Loaded,
    LoadFailed,
    ModelChunk,
    ModelDrop,
    ModelEnd,
    ModelHead,
    Ping,
    Pong,
    Request,
    RequestBody,
    ToStudent,
)


def run(
    sock: socket.socket,
    layers: tuple[str, ...],
    *,
    one_process: bool = True,
    lock_seconds: float = SQLITES_WAIT,
) -> NoReturn:
    """Serve the wire on ``sock`` until the grader closes it; never returns.

    ``layers`` names the isolation layers that were applied, for the grader's report;
    ``one_process`` says that the app may start no other; ``lock_seconds`` how long SQLite may wait
    for a lock.
    """
    _print_at_once()
    code = 1
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(Host(sock, lock_seconds=lock_seconds).serve(layers, one_process=one_process))
    except SystemExit as stop:
        code = stop.code & 0xFF if isinstance(stop.code, int) else bool(stop.code)
    except BaseException:  # noqa: BLE001 - the last place where it can be told
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: the exit handlers of libraries may take seconds, and are nobody's business.
        os._exit(code)


class Host:
    """Ties wire, clock, relay and app together."""

    def __init__(self, sock: socket.socket, *, lock_seconds: float) -> None:
        self._sock = sock
        self._wake: Callable[[], None] = lambda: None
        self._connection = HostConnection(sock, on_frame=self._act, on_close=lambda: os._exit(0))
        self._clock = VirtualClock(lock_seconds=lock_seconds)
        self._relay: Relay | None = None
        self._exchanges: Exchanges | None = None
        self._lifespan: Lifespan | None = None  # kept, as it lasts as long as the server
        self._tasks: set[asyncio.Task[None]] = set()
        self._actions: dict[type[Any], Callable[[Any], None]] = {
            Request: lambda frame: self._serving().begin(frame),
            RequestBody: lambda frame: self._serving().body(frame),
            Disconnect: lambda frame: self._serving().disconnect(frame),
            ModelHead: self._answer,
            ModelChunk: self._answer,
            ModelEnd: self._answer,
            ModelDrop: self._answer,
            Load: lambda frame: self._spawn(self._load(frame)),
            Ping: lambda frame: self._spawn(self._pong(frame)),
            Advance: self._grant,
        }

    async def serve(self, layers: tuple[str, ...], *, one_process: bool) -> None:
        """Serve until the process ends."""
        silence_tls()
        answer_signals()
        install_guard(self._connection, one_process=one_process)
        answer_for_the_machine()
        miss_files_that_are_not_there()
        if one_process:
            keep_locks_in_the_process()
        self._clock.pump = self._connection.pump
        self._clock.install()
        self._relay = Relay(self._connection)
        self._relay.install()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Loop), "run() made it"
        loop.quiet_file = self._sock.fileno()
        loop.sleep_while(lambda: self._clock.stands_still)
        self._wake = loop.wake
        self._connection.attach(loop)
        self._connection.send(Hello(layers=layers))
        await asyncio.Event().wait()

    def _act(self, frame: ToStudent) -> None:
        if not isinstance(frame, Ping | Advance):
            self._wake()
        self._actions[type(frame)](frame)

    def _answer(self, frame: ModelHead | ModelChunk | ModelEnd | ModelDrop) -> None:
        assert self._relay is not None, "serve() made it"
        self._relay.arrive(frame)

    def _serving(self) -> Exchanges:
        assert self._exchanges is not None, "the grader sends requests only after Loaded"
        return self._exchanges

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self, frame: Load) -> None:
        reports = RaisedReports(self._connection, frame.root)
        reports.install()
        try:
            app = load_app(frame.app, frame.root, frame.shadows)
            self._exchanges = Exchanges(
                app,
                self._connection,
                root=frame.root,
                spec_version=frame.spec_version,
                tell=reports.tell,
            )
            if frame.lifespan:
                self._lifespan = Lifespan(app, frame.root)
                await self._lifespan.startup()
                self._exchanges.state = self._lifespan.state
        except LoadError as error:
            if error.__cause__ is not None:
                reports.tell(error.__cause__)
            self._connection.send(
                LoadFailed(
                    stage=error.stage,
                    error=error.error,
                    message=error.message[:1_900],
                    detail=error.detail,
                )
            )
        else:
            self._connection.send(Loaded(routes=routes_of(app)))

    async def _pong(self, frame: Ping) -> None:
        await self._clock.quiet()
        self._connection.send(Pong(ticket=frame.ticket, next_timer=self._clock.next_timer()))

    def _grant(self, frame: Advance) -> None:
        # At once and not in a task: a `time.sleep` that blocks the event loop waits for it.
        self._clock.grant(frame.seconds)
        self._spawn(self._advance(frame))

    async def _advance(self, frame: Advance) -> None:
        await self._clock.advance(stop=frame.stop)
        self._connection.send(Advanced(ticket=frame.ticket, next_timer=self._clock.next_timer()))


def _print_at_once() -> None:
    """Let no line wait in a buffer, which a killed process would take with it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)


_OURS = frozenset({"graders", "pytest", "_pytest"})


def forget_engine() -> None:
    """Take the engine's modules out of reach of a careless ``import``, keeping those in use alive.

    A submission may well have a package of its own named ``graders``; and servers that look for
    ``pytest`` in ``sys.modules`` (respx's mocker and time-machine import it) would think that they
    are under test. To be called once all of the engine is imported, before any student code runs.
    """
    for name in list(sys.modules):
        if name.partition(".")[0] in _OURS:
            del sys.modules[name]
