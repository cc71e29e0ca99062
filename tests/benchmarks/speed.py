"""How fast grading is, as ratios against the naive way, measured within one run.

Nothing is asserted about time: it is a report. Run it with
``python grade.py test tests/benchmarks/speed.py -s -q``.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from pathlib import Path

import httpx
import pytest

from graders.engine.cli.context import CommandContext
from graders.engine.cli.watching import run_watch
from graders.engine.content.canaries import Canaries
from graders.engine.content.catalogue import Catalogue, Lesson
from graders.engine.content.specification import load_specification
from graders.engine.grading.folder import OpenFactory, servers_of
from graders.engine.grading.request import GradingRequest
from graders.engine.grading.run import grade
from graders.engine.harness import Scene, ServerSettings, Student
from graders.engine.harness.kept import KeptTexts
from graders.engine.harness.server_factory import open_factory
from graders.engine.isolation.layers import NOTHING_OFF, Layer
from graders.engine.model import ScriptedModel
from graders.engine.reports.terminal import Detail
from graders.engine.sandbox.fork_client import ForkLauncher
from graders.engine.sandbox.fresh import FreshLauncher
from graders.engine.sandbox.process import Launcher, LaunchSpec, Process
from graders.engine.server.trace import Trace
from graders.engine.specification import load_opponents, worth_of
from graders.engine.submissions.submission import find_submission

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = ROOT / "reference_solutions" / "lesson02" / "solution"
CHUNKS = 5_000
REPETITIONS = 7
GOALS = {"lesson02": 2.0, "lesson05": 6.0, "lesson06": 6.0, "lesson07": 6.0}
"""Seconds of CPU for a lesson; 4 where nothing is said."""
WALL_GOALS = {"lesson07": 8.0}
"""Seconds from the start to the result, on a quiet machine."""
ONE_AFTER_THE_OTHER = """
import sys
root, folder = sys.argv[1:]
sys.path.insert(0, root)
from pathlib import Path
from graders.engine.cli.commands import COMMAND
from graders.engine.cli.grading import run_grade
from graders.engine.content.catalogue import Catalogue
from graders.engine.grading.folder import grade_folder, servers_of
from graders.engine.grading.request import GradingRequest
from graders.engine.sandbox.fork_client import ForkLauncher
launcher = ForkLauncher()
launcher.await_ready()
request = GradingRequest(Catalogue(Path(root)).lesson("lesson02"), Path(folder), seed=1)
assert grade_folder(request, servers_of(launcher)).full_marks
launcher.close()
"""
"""What `grade.py lesson02` does, without doing two things at once."""
STREAMER = """
CHUNK = b'data: {"type":"thread.item.updated","update":' + b"x" * 80 + b"}\\n\\n"

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200,
                "headers": [(b"content-type", b"text/event-stream")]})
    for _ in range(COUNT):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
""".replace("COUNT", str(CHUNKS))


@pytest.fixture(scope="module")
def warm() -> Iterator[ForkLauncher]:
    """Yield a fork server that stands."""
    launcher = ForkLauncher()
    launcher.await_ready()
    yield launcher
    launcher.close()


def report(what: str, ours: str, naive: str, ratio: float, goal: str) -> None:
    print(f"\n{what}\n  ours {ours}   naive {naive}   ratio {ratio:.2f}   goal {goal}")


async def first_conversation(launcher: Launcher, without: Collection[Layer] = ()) -> float:
    """Start a server and have one conversation; return the seconds from "go" to its end."""
    model, trace = ScriptedModel(), Trace()
    began = time.perf_counter()
    settings = ServerSettings(source=SOLUTION, variables={"OPENAI_API_KEY": "k"}, without=without)
    student = await Student.launch(launcher, settings, model, trace)
    said = await Scene(student, model, Canaries(1)).say("first")
    elapsed = time.perf_counter() - began
    assert said.answered
    await student.stop()
    return elapsed


def test_first_conversation(warm: ForkLauncher) -> None:
    forked = statistics.median(asyncio.run(first_conversation(warm)) for _ in range(15))
    fresh_launcher = FreshLauncher()
    fresh = statistics.median(asyncio.run(first_conversation(fresh_launcher)) for _ in range(3))
    fresh_launcher.close()
    report(
        "First whole conversation on a new server: fork server against fresh process",
        f"{forked * 1000:.0f} ms",
        f"{fresh * 1000:.0f} ms",
        fresh / forked,
        ">= 15",
    )


def test_layers_of_isolation(warm: ForkLauncher) -> None:
    """Take turns, so that all see the same machine."""
    pairs = [
        [asyncio.run(first_conversation(warm, without)) for without in ((), set(Layer))]
        for _ in range(15)
    ]
    ours, naive = (statistics.median(column) for column in zip(*pairs, strict=True))
    report(
        "First whole conversation: all layers of isolation against none",
        f"{ours * 1000:.1f} ms",
        f"{naive * 1000:.1f} ms",
        ours / naive,
        "at most 25 ms more",
    )


def test_each_layer_of_isolation(warm: ForkLauncher, tmp_path: Path) -> None:
    """Start servers with one layer at a time; taking turns, as above."""
    cases = [frozenset(Layer), *(frozenset(Layer) - {layer} for layer in Layer), NOTHING_OFF]
    rounds = [[start_and_end(warm, tmp_path, without) for without in cases] for _ in range(15)]
    none, *each, together = map(statistics.median, zip(*rounds, strict=True))
    print(f"\nStart and end of a server: {none * 1000:.1f} ms without any layer; more with")
    for layer, seconds in zip(Layer, each, strict=True):
        print(f"  {layer:<18} {(seconds - none) * 1000:5.1f} ms")
    print(f"  {'all of them':<18} {(together - none) * 1000:5.1f} ms   goal <= 25 ms")


def start_and_end(launcher: Launcher, root: Path, without: frozenset[Layer]) -> float:
    """Start a server up to its first word, and end it; return the seconds."""
    began = time.perf_counter()
    process = launcher.start(LaunchSpec(root=root, environment={}, without=without))
    assert process.wire.recv(1)
    process.kill()
    elapsed = time.perf_counter() - began
    process.wire.close()
    os.close(process.output)
    return elapsed


async def seconds_per_chunk(client: httpx.AsyncClient) -> float:
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        count = 0
        async with client.stream("GET", "/") as response:
            async for chunk in response.aiter_raw():
                count += len(chunk)
        assert count > CHUNKS * 60
        best = min(best, (time.perf_counter() - began) / CHUNKS)
    return best


async def ours_per_chunk(launcher: Launcher, folder: Path) -> float:
    student = await Student.launch(
        launcher, ServerSettings(source=folder), ScriptedModel(), Trace()
    )
    try:
        return await seconds_per_chunk(student.http)
    finally:
        await student.stop()


async def uvicorn_per_chunk(folder: Path) -> float:
    path = folder / "u.sock"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "uvicorn",
        "server:app",
        "--uds",
        str(path),
        "--log-level",
        "error",
        cwd=folder,
    )
    try:
        transport = httpx.AsyncHTTPTransport(uds=str(path), retries=0)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://uvicorn", timeout=None
        ) as client:
            while True:
                with contextlib.suppress(httpx.ConnectError):
                    await client.get("/")
                    break
            return await seconds_per_chunk(client)
    finally:
        process.terminate()
        await process.wait()


def test_streamed_chunk(warm: ForkLauncher, tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(STREAMER)
    ours = asyncio.run(ours_per_chunk(warm, tmp_path))
    naive = asyncio.run(uvicorn_per_chunk(tmp_path))
    report(
        "One streamed chunk: transport and wire against httpx over a Unix socket to uvicorn",
        f"{ours * 1e6:.1f} µs",
        f"{naive * 1e6:.1f} µs",
        ours / naive,
        "<= 3",
    )


def seconds_of(*command: str, check: bool = True) -> float:
    times = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        subprocess.run(
            command,
            check=check,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ,
        )
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def test_start_of_the_command() -> None:
    ours = seconds_of(sys.executable, str(ROOT / "grade.py"), "list")
    naive = seconds_of(sys.executable, "-c", "import chatkit.server, agents")
    report(
        "`grade.py list` with a standing environment, against importing the SDKs",
        f"{ours * 1000:.0f} ms",
        f"{naive * 1000:.0f} ms",
        ours / naive,
        "under 500 ms",
    )


def test_cpu_of_a_row_of_the_matrix(warm: ForkLauncher) -> None:
    """Compare with a fresh interpreter for each server, which is how it would be done at first.

    One lesson is compared: each fresh interpreter takes seconds.
    """
    print("\nA row of the matrix: CPU of grader, servers and fork server, fork server standing")
    for lesson in (each for each in Catalogue(ROOT).lessons() if each.info.server):
        cpu_of_row(lesson, warm)
        ours, wall, starts = min(cpu_of_row(lesson, warm) for _ in range(3))
        goal = GOALS.get(lesson.id, 4.0)
        line = f"  {lesson.id}  ours {ours:5.2f} s for {starts:2} servers   goal <= {goal:g} s"
        if lesson.id == "lesson02":
            fresh = FreshLauncher()
            naive, _, _ = cpu_of_row(lesson, fresh)
            fresh.close()
            line += f"   naive (a fresh process each) {naive:.2f} s   ratio {naive / ours:.1f}"
        if lesson.id in WALL_GOALS:
            line += f"   {wall:.1f} s from start to result   goal <= {WALL_GOALS[lesson.id]:g} s"
        print(line)


def test_cpu_of_a_specification(warm: ForkLauncher) -> None:
    """Play the scenarios of the capstone's solution on all of its right and broken servers."""
    lesson = Catalogue(ROOT).lesson("lesson08")
    spec = load_specification(lesson.solutions_dir / "solution" / "spec.yaml")
    opponents = load_opponents(lesson)
    submission = find_submission(lesson.solutions_dir / "solution", endpoint=lesson.info.endpoint)
    counted, before = CountedStarts(warm), cpu_of_all(warm)
    limits, env = lesson.info.limits, lesson.info.env
    with open_factory(submission, counted, limits=limits, env=env) as factory:
        asyncio.run(worth_of(spec, opponents, factory.reference, seed=1, kept=KeptTexts()))
    ours = cpu_of_all(warm) - before
    pairs = len(spec.scenarios) * (len(opponents.right) + len(opponents.broken))
    print(
        f"\nA specification: {len(spec.scenarios)} scenarios, {len(opponents.right)} right and "
        f"{len(opponents.broken)} broken servers\n  ours {ours:.1f} s for {counted.count} starts   "
        f"naive {pairs} starts   goal <= 25 s"
    )


class CountedStarts:
    """A launcher that counts the servers that it starts."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self.kind = launcher.kind
        self.count = 0

    def start(self, spec: LaunchSpec) -> Process:
        """Count, and start it."""
        self.count += 1
        return self._launcher.start(spec)

    def close(self) -> None:
        """End what was started."""
        self._launcher.close()


def cpu_of_row(lesson: Lesson, launcher: Launcher) -> tuple[float, float, int]:
    """Grade the main solution; return the seconds of CPU of all, of time, and the starts."""
    submission = find_submission(
        ROOT / "reference_solutions" / lesson.id / "solution", endpoint=lesson.info.endpoint
    )
    counted = CountedStarts(launcher)
    before, began = cpu_of_all(launcher), time.perf_counter()
    limits, env = lesson.info.limits, lesson.info.env
    with open_factory(submission, counted, limits=limits, env=env) as factory:
        result = grade(GradingRequest(lesson, submission.root, seed=1), submission.root, factory)
    assert result.full_marks
    return cpu_of_all(launcher) - before, time.perf_counter() - began, counted.count


def cpu_of_all(launcher: Launcher) -> float:
    """Return the seconds of CPU of this process and of all that it has started so far.

    Among these are a bundler, Node and a browser. The fork server has not ended, and the servers
    are its own.
    """
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time() + ended.ru_utime + ended.ru_stime
    if isinstance(launcher, ForkLauncher):
        own += launcher.cpu_seconds + cpu_of_process(launcher.pid)
    return own


def cpu_of_process(pid: int) -> float:
    """Return the seconds of CPU of one process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_from_the_shell_to_the_prompt() -> None:
    """Compare with all steps one after the other: imports, the fork server, the grading."""
    command = (sys.executable, str(ROOT / "grade.py"), "lesson02", str(SOLUTION))
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    ours = seconds_of(*command)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime) / REPETITIONS
    naive = seconds_of(sys.executable, "-c", ONE_AFTER_THE_OTHER, str(ROOT), str(SOLUTION))
    report(
        f"`grade.py lesson02` from the shell to the prompt ({cpu:.2f} s of CPU)",
        f"{ours:.2f} s",
        f"{naive:.2f} s",
        naive / ours,
        "at most 2.5 s on a quiet machine (before: 4 to 5 s)",
    )


class TimedLines(io.StringIO):
    """Standard error that keeps when the first verdict after ``since`` was written."""

    since = 0.0
    first = 0.0

    def write(self, text: str) -> int:
        """Keep the time of a line with a mark."""
        if self.since and not self.first and ("✓" in text or "✗" in text):
            self.first = time.perf_counter()
        return super().write(text)


def seconds_after_a_save(warm: ForkLauncher, folder: Path) -> float:
    """Watch a folder, save its server once, and return the seconds up to the first verdict."""
    shutil.copytree(SOLUTION, folder)
    err = TimedLines()

    @contextlib.contextmanager
    def servers() -> Iterator[OpenFactory]:
        yield servers_of(warm)

    def save_once() -> str:
        if err.since:
            return "q" if err.first else ""
        err.since = time.perf_counter()
        with (folder / "server.py").open("a", encoding="utf-8") as server:
            server.write("# saved\n")
        return ""

    context = CommandContext(root=ROOT, servers=servers, out=io.StringIO(), err=err)
    request = GradingRequest(Catalogue(ROOT).lesson("lesson02"), folder, seed=7)
    run_watch(context, request, Detail(), keys=save_once)
    return err.first - err.since


def test_from_saving_to_the_first_verdict(warm: ForkLauncher, tmp_path: Path) -> None:
    ours = statistics.median(seconds_after_a_save(warm, tmp_path / f"work{n}") for n in range(5))
    command = (sys.executable, str(ROOT / "grade.py"), "lesson02", str(SOLUTION))
    # One criterion is no full score, and says so in its exit code.
    naive = seconds_of(*command, "--only", "server-answers", check=False)
    report(
        "`--watch`: from saving a file to the first verdict, against starting the command again",
        f"{ours:.2f} s",
        f"{naive:.2f} s",
        naive / ours,
        "under 1 s",
    )
