"""How fast many submissions are graded, and what the run itself costs, measured within one run.

Nothing is asserted about time: it is a report. Run it with
``python grade.py test tests/benchmarks/bulk.py -s -q`` on a quiet machine.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from graders.engine.authoring.check import entries_of
from graders.engine.bulk.journal import read_journal
from graders.engine.bulk.orders import GradeOrder
from graders.engine.bulk.packing import packed
from graders.engine.bulk.processes import SeparateProcesses
from graders.engine.bulk.worker import grade_orders, versions_of
from graders.engine.cli.context import real_servers
from graders.engine.content.canaries import Canaries
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY
from graders.engine.core.results import IsolationLevel
from graders.engine.harness import Scene, ServerSettings, Student
from graders.engine.model import ScriptedModel
from graders.engine.sandbox.fork_client import ForkLauncher
from graders.engine.sandbox.process import Launcher
from graders.engine.server.trace import Trace
from tests.bulk.class_folder import hand_in

SOLUTION = REPOSITORY / "reference_solutions" / "lesson02" / "solution"
COPIES = int(os.environ.get("BULK_COPIES", "100"))
NAIVE = Path(__file__).with_name("naive_lesson02.py")
NAIVE_COPIES = min(COPIES, 10)
MESSAGES = 20
MIXED_STEP = 3
"""Every third row of the matrix is enough for a distribution."""
RUN = """
import resource, sys
from pathlib import Path
from graders.engine.cli.context import CommandContext
from graders.engine.cli.main import main
from tests.miniature import COURSE, stand_in_servers

if __name__ == "__main__":
    small, *words = sys.argv[1:]
    small = small == "small"
    context = CommandContext(root=COURSE, servers=stand_in_servers) if small else CommandContext()
    code = main(["bulk", *words], context)
    own = resource.getrusage(resource.RUSAGE_SELF)
    print("parent", own.ru_utime + own.ru_stime, own.ru_maxrss // 1024, file=sys.stderr)
    sys.exit(code)
"""


def class_of(folder: Path, count: int, *, small: bool) -> Path:
    """Write so many distinct submissions."""
    for number in range(count):
        own = folder / f"s{number:04}"
        if small:
            hand_in(own)
        else:
            shutil.copytree(SOLUTION, own)
        with (own / "server.py").open("a", encoding="utf-8") as server:
            server.write(f"\n# {number}\n")
    return folder


def ran(folder: Path, source: Path, out: Path, *words: str, small: bool) -> dict[str, float]:
    """Run over a class; return the seconds on the wall and of CPU, the parent's own, its peak."""
    script = folder / "run.py"
    script.write_text(RUN, encoding="utf-8")
    lesson = "greeting" if small else "lesson02"
    given = ("--lesson", lesson, "--out", str(out), "--require", "practice", *words)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, script, "small" if small else "real", str(source), *given],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    parent, peak = map(float, done.stderr.rpartition("parent ")[2].split())
    return {"wall": wall, "cpu": cpu, "parent": parent, "peak": peak}


def naive_way(folder: Path) -> float:
    """Return the seconds of CPU that the naive way takes for one submission."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for number in range(NAIVE_COPIES):
        own = folder / f"s{number}"
        shutil.copytree(SOLUTION, own)
        words = ["-q", "-c", os.devnull, "-o", "asyncio_mode=auto", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *words, NAIVE],
            env={**os.environ, "NAIVE_SUBMISSION": str(own)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used / NAIVE_COPIES


def own_megabytes(pid: int) -> float:
    """Return the memory that a process shares with no other, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    told = (line.split() for line in lines if line.startswith("Private_"))
    return sum(int(words[1]) for words in told) / 1024


async def while_it_runs(launcher: Launcher) -> float:
    """Return the MB that a student's server has of its own after some messages."""
    model, trace = ScriptedModel(), Trace()
    settings = ServerSettings(source=SOLUTION, variables={"OPENAI_API_KEY": "k"})
    student = await Student.launch(launcher, settings, model, trace)
    scene = Scene(student, model, Canaries(1))
    for number in range(MESSAGES):
        assert (await scene.say(f"message {number}")).answered
    used = own_megabytes(student.pid)
    await student.stop()
    return used


def order_for(folder: Path, number: int) -> GradeOrder:
    """Return the order for a folder of lesson02."""
    lesson = Catalogue(REPOSITORY).lesson("lesson02")
    bundle = packed(folder)
    return GradeOrder(
        number=number,
        lesson=lesson.id,
        seed=1,
        require=IsolationLevel.PRACTICE,
        versions=versions_of(lesson),
        called=folder.name,
        shown=folder.name,
        data=bundle.data,
        content_hash=bundle.content_hash,
    )


def used_below(pid: int) -> float:
    """Return the seconds of CPU of a process, of all below it, and of those that they saw end."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    own = sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return own + sum(used_below(int(child)) for child in children)


def seconds_of_each(folders: Sequence[Path]) -> list[tuple[float, float]]:
    """Grade all in this process; return the seconds on the wall and of CPU for each."""
    grade_orders(real_servers, (order_for(SOLUTION, 0),))
    found = []
    for number, folder in enumerate(folders):
        used, began = used_below(os.getpid()), time.perf_counter()
        grade_orders(real_servers, (order_for(folder, number),))
        found.append((time.perf_counter() - began, used_below(os.getpid()) - used))
    return found


def test_distribution_over_solutions_and_mutants(tmp_path: Path) -> None:
    entries = list(entries_of(Catalogue(REPOSITORY).lesson("lesson02")))[::MIXED_STEP]
    folders = [tmp_path / each.name for each in entries]
    for entry, folder in zip(entries, folders, strict=True):
        with entry.place() as place:
            shutil.copytree(place, folder)
    with SeparateProcesses(1) as workers:
        found = workers.submit(seconds_of_each, folders).result()
    print(f"\n{len(found)} solutions and mutants of lesson02, seconds for each")
    for name, column in zip(("wall", "CPU"), zip(*found, strict=True), strict=True):
        tenths = " ".join(f"{each:.1f}" for each in statistics.quantiles(column, n=10))
        mean = statistics.fmean(column)
        print(f"  {name}: mean {mean:.2f}, tenths {tenths}, most {max(column):.1f}")


def worker_memory() -> dict[str, float]:
    """Grade one submission in a process of its own, and return what is held afterwards."""
    with closing(ForkLauncher()) as launcher:
        launcher.await_ready()
        server = asyncio.run(while_it_runs(launcher))
        shared = own_megabytes(launcher.pid)
        alone = own_megabytes(os.getpid())
    (graded,) = grade_orders(real_servers, (order_for(SOLUTION, 0),))
    assert '"score": 100' in graded.result
    return {
        "server": server,
        "fork server": shared,
        "worker before": alone,
        "worker": own_megabytes(os.getpid()),
    }


def test_memory_of_one_submission() -> None:
    with SeparateProcesses(1) as workers:
        used = workers.submit(worker_memory).result()
    print(f"\na student's server, after {MESSAGES} messages: {used['server']:.0f} MB of its own")
    print("  goal < 60 MB")
    print(f"  the fork server that it is copied from: {used['fork server']:.0f} MB")
    print(f"  a worker: {used['worker']:.0f} MB, {used['worker before']:.0f} MB before it grades")


def test_what_the_run_itself_costs(tmp_path: Path) -> None:
    """Grade with a stand-in for the servers, so that only the run is measured."""
    peaks, used = {}, {}
    for count in (50, 500):
        source = class_of(tmp_path / f"small{count}", count, small=True)
        told = ran(tmp_path, source, tmp_path / f"out{count}", "-j", "2", small=True)
        peaks[count], used[count] = told["peak"], told["parent"]
        print(f"\n{count}: {told['wall']:.1f} s, parent's peak {told['peak']:.0f} MB")
    each = 1000 * (used[500] - used[50]) / 450
    print(f"parent, for each submission: {each:.1f} ms of CPU")
    print(f"peak 500 / 50: {peaks[500] / peaks[50]:.2f}   goal <= 1.20")


def test_warm_cache(tmp_path: Path) -> None:
    source, out = class_of(tmp_path / "class", 300, small=True), tmp_path / "out"
    ran(tmp_path, source, out, small=True)
    told = ran(tmp_path, source, out, small=True)
    print(f"\n300 unchanged: {told['wall']:.2f} s ({told['cpu']:.2f} s of CPU)   goal < 5 s")


def test_throughput(tmp_path: Path) -> None:
    source = class_of(tmp_path / "class", COPIES, small=False)
    one = ran(tmp_path, source, tmp_path / "one", "-j", "1", small=False)
    two = ran(tmp_path, source, tmp_path / "two", "-j", "2", small=False)
    dask = ran(tmp_path, source, tmp_path / "dask", "-j", "2", "--dask", "local", small=False)
    naive = naive_way(tmp_path / "naive")
    results = read_journal(tmp_path / "one")
    assert {each.score for each in results.values()} == {100}
    print(f"\n{COPIES} distinct copies of a solution of lesson02")
    for name, told in (("-j 1", one), ("-j 2", two), ("Dask, two local workers", dask)):
        rate = 60 * COPIES / told["wall"]
        cpu = told["cpu"] / COPIES
        print(f"  {name}: {told['wall']:.1f} s, {rate:.1f} a minute, {cpu:.2f} s of CPU each")
    own = one["cpu"] / COPIES
    print(f"  the naive way: {naive:.2f} s of CPU each (mean of {NAIVE_COPIES})")
    print(f"  naive / ours, CPU: {naive / own:.1f}   goal >= 10")
    print(f"  -j 2 / -j 1: {one['wall'] / two['wall']:.2f}   goal >= 1.7 on two free cores")
    print(f"  Dask / -j 2: {two['wall'] / dask['wall']:.2f}   goal >= 0.8")
