"""The grader's end of one started process, a frame at a time: nothing is answered by itself."""

from __future__ import annotations

import json
import os
import select
import textwrap
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from graders.engine.core.limits import ProcessLimits
from graders.engine.isolation.layers import Layer
from graders.engine.sandbox.environment import student_environment
from graders.engine.sandbox.process import (
    Exit,
    Launcher,
    LaunchError,
    LaunchSpec,
    Process,
)
from graders.engine.wire import Frame, FrameBuffer, FromStudent, encode, parse_from_student
from graders.engine.wire.frames import (
    ExchangeCrash,
    ExchangeEnd,
    Hello,
    Load,
    Loaded,
    LoadFailed,
    Raised,
    Refused,
    Request,
    RequestBody,
    ResponseBody,
)

# Only a test that is about to fail waits so long.
LAST_RESORT_SECONDS = 120.0

PROBE = """
    import json

    async def app(scope, receive, send):
        assert scope["type"] == "http"
        message = await receive()
        names = {"__name__": "probe"}
        exec(message["body"].decode(), names)
        body = json.dumps(names.get("answer")).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""
"""A server that runs the Python that it is sent, and answers with what that calls ``answer``."""

F = TypeVar("F", bound=Frame)


class Wired:
    """A process and the wire to it."""

    def __init__(self, process: Process, spec: LaunchSpec) -> None:
        process.wire.settimeout(LAST_RESORT_SECONDS)
        self.process = process
        self.spec = spec
        self.root = spec.root
        self.refused: list[Refused] = []
        self._buffer = FrameBuffer()
        self._frames: deque[FromStudent] = deque()
        self._exchange = 0

    def say(self, *frames: Frame) -> None:
        """Send ``frames``."""
        for frame in frames:
            self.process.wire.sendall(encode(frame))

    def hear(self, kind: type[F]) -> F:
        """Return the next frame, which must be of ``kind``."""
        while not self._frames:
            data = self.process.wire.recv(1024 * 1024)
            if not data:
                raise EOFError(f"the wire was closed; printed: {self.printed()}")
            self._frames += map(parse_from_student, self._buffer.feed(data))
        frame = self._frames.popleft()
        assert isinstance(frame, kind), f"{frame!r} instead of {kind.__name__}"
        return frame

    def load(self, **fields: Any) -> Loaded | LoadFailed:
        """Load ``server:app``; return the answer."""
        self.say_load(**fields)
        answer = self.hear(Frame)
        while isinstance(answer, Raised):
            answer = self.hear(Frame)
        assert isinstance(answer, Loaded | LoadFailed)
        return answer

    def say_load(self, **fields: Any) -> None:
        """Say that ``server:app`` is to be loaded."""
        self.layers = self.hear(Hello).layers
        self.say(Load(**{"app": "server:app", "root": str(self.root), "lifespan": False, **fields}))

    def begin(self, path: str = "/", body: bytes = b"") -> int:
        """Send a request; return its number."""
        self._exchange += 1
        number = self._exchange
        self.say(
            Request(exchange=number, method="POST", path=path, query="", headers=()),
            RequestBody(exchange=number, body=body, more=False),
        )
        return number

    def post(self, body: bytes = b"") -> bytes:
        """Send a request; return the whole body of its answer."""
        self.begin(body=body)
        answer = bytearray()
        while not isinstance(frame := self.hear(Frame), ExchangeEnd):
            assert not isinstance(frame, ExchangeCrash), f"{frame.message}\n{frame.detail}"
            if isinstance(frame, Refused):
                self.refused.append(frame)
            if isinstance(frame, ResponseBody):
                answer += frame.body
        return bytes(answer)

    def ask(self, code: str) -> Any:
        """Let a :data:`PROBE` run ``code``; return its ``answer``."""
        return json.loads(self.post(textwrap.dedent(code).encode()))

    def wait_for_eof(self) -> None:
        """Wait until the wire is closed, whatever is still said."""
        while self.process.wire.recv(1024 * 1024):
            pass

    def printed(self) -> str:
        """Return what the process has printed so far."""
        os.set_blocking(self.process.output, False)
        try:
            return os.read(self.process.output, 65_536).decode()
        except BlockingIOError:
            return ""

    def end(self) -> Exit:
        """Kill the process and close what belongs to it; more than once does no harm."""
        try:
            return self.process.kill()
        finally:
            if self.process.wire.fileno() >= 0:
                self.process.wire.close()
                os.close(self.process.output)


class Starter:
    """Starts processes for one test, each in a folder of its own."""

    def __init__(self, launcher: Launcher, folder: Path) -> None:
        self.launcher = launcher
        self._folder = folder
        self._started: list[Wired] = []

    def start(
        self,
        server: str = PROBE,
        *,
        files: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        limits: ProcessLimits | None = None,
        cold: bool = False,
        without: Collection[Layer] = (),
        sockets: tuple[Path, ...] = (),
        preload: tuple[str, ...] = (),
    ) -> Wired:
        """Start a process whose submission is ``server`` and ``files``; nothing is loaded yet."""
        home = self._folder / str(len(self._started))
        root = home / "submission"
        for name, text in {"server.py": server, **(files or {})}.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        spec = LaunchSpec(
            root=root,
            environment=student_environment(variables or {}, home=home, temp=home),
            limits=limits or ProcessLimits(),
            cold=cold,
            writable=(home,),
            sockets=sockets,
            without=frozenset(without),
            preload=preload,
        )
        return self._start(spec)

    def again(self, ended: Wired) -> Wired:
        """Start a process that has ended again, on the same folders, and load its app."""
        wired = self._start(ended.spec)
        assert isinstance(wired.load(), Loaded)
        return wired

    def _start(self, spec: LaunchSpec) -> Wired:
        wired = Wired(self.launcher.start(spec), spec)
        self._started.append(wired)
        return wired

    def serve(self, server: str = PROBE, **options: Any) -> Wired:
        """Start a process and load its app."""
        wired = self.start(server, **options)
        loaded = wired.load()
        assert isinstance(loaded, Loaded), loaded
        return wired

    def close(self) -> None:
        """End everything that was started, also when the launcher has gone before."""
        for wired in self._started:
            with suppress(LaunchError):
                wired.end()


@contextmanager
def starting(launcher: Launcher, folder: Path) -> Iterator[Starter]:
    """Yield a starter whose processes end with the block."""
    starter = Starter(launcher, folder)
    try:
        yield starter
    finally:
        starter.close()


@contextmanager
def watching(pid: int) -> Iterator[int]:
    """Hold on to the process ``pid``, whatever its number is used for later: a pidfd."""
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def has_ended(pidfd: int) -> bool:
    """Return whether the process has ended by now."""
    return bool(select.select([pidfd], [], [], 0)[0])


def wait_for_end(pidfd: int) -> None:
    """Wait until the process has ended."""
    assert select.select([pidfd], [], [], LAST_RESORT_SECONDS)[0], "the process lives on"


@pytest.fixture
def students(launcher: Launcher, tmp_path: Path) -> Iterator[Starter]:
    """Start processes with the session's launcher."""
    with starting(launcher, tmp_path) as starter:
        yield starter
