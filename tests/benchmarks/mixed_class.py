"""A mixed class, graded twice, once with kill -9 on the way: each must get the right score.

Solutions, mutants, what is broken, hostile, empty, zipped or handed in twice, all of lesson02. Run
it with ``python grade.py test tests/benchmarks/mixed_class.py -s -q``; it takes many minutes.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from graders.engine.authoring.check import entries_of
from graders.engine.authoring.matrix import Row, RowKind
from graders.engine.bulk.journal import read_journal
from graders.engine.bulk.records import ResultRecord
from graders.engine.cli.reporting import read_result
from graders.engine.content.catalogue import Catalogue
from graders.engine.core.places import REPOSITORY

LESSON = Catalogue(REPOSITORY).lesson("lesson02")
SOLUTION = REPOSITORY / "reference_solutions" / "lesson02" / "solution"
MUTANTS = 54
KILLED_AFTER = 30
BROKEN = {
    "broken-syntax": "def app(:\n",
    "broken-no-app": "x = 1\n",
    "broken-import": "import no_such_package\n",
    "broken-raises": "raise RuntimeError('at import')\n",
    "broken-exits": "import os\nos._exit(0)\n",
    "broken-endless": "while True:\n    pass\n",
}
HOSTILE = {
    "hostile-reads-others": "print(open({source!r} + '/solution/server.py').read())",
    "hostile-writes-journal": "open({out!r} + '/journal.jsonl', 'w').write('mine')",
    "hostile-writes-result": "open({out!r} + '/results/hostile.json', 'w').write('{{}}')",
    "hostile-kills-grader": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "hostile-kills-all": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "hostile-reads-rubric": "print(open({root!r} + '/graders/lesson02/rubric.yaml').read())",
    "hostile-starts-program": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'id'])",
    "hostile-connects": "import socket\nsocket.create_connection(('127.0.0.1', 22))",
}
TRIED = "try:\n{code}\nexcept Exception as error:\n    print(error)\n"


def write_class(folder: Path, out: Path) -> Mapping[str, Row | int]:
    """Write the class; return by student what must come: a row of the matrix, or a score."""
    expected: dict[str, Row | int] = {}
    mutants = 0
    for number, entry in enumerate(entries_of(LESSON)):
        mutants += entry.kind is RowKind.MUTANT
        if mutants > MUTANTS:
            break
        with entry.place() as place:
            hand_in(place, folder, entry.name, zipped=number % 3 == 0)
        expected[entry.name] = Row(entry.kind, entry.name, None, entry.loses)  # type: ignore[arg-type]
    for name, text in BROKEN.items():
        write(folder / name, text)
        expected[name] = 0
    own = (SOLUTION / "server.py").read_text(encoding="utf-8")
    for name, code in HOSTILE.items():
        shutil.copytree(SOLUTION, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        told = code.format(source=str(folder), out=str(out), root=str(REPOSITORY))
        lines = "\n".join(f"    {line}" for line in told.splitlines())
        future = "from __future__ import annotations\n"
        write(folder / name, future + TRIED.format(code=lines) + own.replace(future, ""))
        expected[name] = 100
    for name in ("empty-folder", "empty-too"):
        (folder / name).mkdir()
        expected[name] = 0
    (folder / "damaged.zip").write_bytes(b"PK\3\4 and no more")
    expected["damaged"] = 0
    inner = folder / "deep" / "my work" / "final"
    inner.mkdir(parents=True)
    shutil.make_archive(str(inner / "handed-in"), "gztar", SOLUTION.parent, SOLUTION.name)
    expected["deep"] = 100
    write(folder / "twice", "x = 1\n")
    os.utime(folder / "twice", (1, 1))
    shutil.make_archive(str(folder / "twice"), "zip", SOLUTION)
    expected["twice"] = 100
    for name in ("copy-of-solution", "copy-of-copy"):
        hand_in(SOLUTION, folder, name, zipped=False)
        expected[name] = 100
    return expected


def hand_in(source: Path, folder: Path, name: str, *, zipped: bool) -> None:
    """Put a submission into the class."""
    if zipped:
        shutil.make_archive(str(folder / name), "zip", source)
    else:
        shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))


def write(folder: Path, text: str) -> None:
    """Write a server."""
    folder.mkdir(exist_ok=True)
    (folder / "server.py").write_text(text, encoding="utf-8")


def command(source: Path, out: Path) -> list[str]:
    """Return the command line of a run."""
    code = "import sys; from graders.engine.cli.main import main; sys.exit(main(sys.argv[1:]))"
    words = ("bulk", str(source), "--lesson", "lesson02", "--out", str(out), "--verbose")
    return [sys.executable, "-c", code, *words]


def started(source: Path, out: Path) -> subprocess.Popen[str]:
    """Start a run."""
    return subprocess.Popen(
        command(source, out), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=REPOSITORY,
    )  # fmt: skip


def lines_of(run: subprocess.Popen[str]) -> Iterator[str]:
    """Yield what a run tells, and show it."""
    assert run.stderr is not None
    for line in run.stderr:
        print(line.rstrip(), flush=True)
        if line.startswith("["):
            yield line


def wrong(expected: Mapping[str, Row | int], out: Path) -> Iterator[str]:
    """Yield what is not as it must be."""
    results = read_journal(out)
    if set(results) != set(expected):
        yield f"other students: {sorted(set(results) ^ set(expected))}"
    for name, wanted in expected.items():
        record = results.get(name)
        if record is None or record.error:
            yield f"{name}: no score ({record.error if record else 'not graded'})"
        elif isinstance(wanted, int):
            if record.score != wanted:
                yield f"{name}: {record.score} and not {wanted}; {lost(record)}"
        else:
            result = read_result(out / "results" / f"{name}.json")
            yield from Row(wanted.kind, name, result, wanted.loses).flaws


def lost(record: ResultRecord) -> list[str]:
    """Return which criteria did not get their points."""
    return [name for name, row in record.criteria.items() if row.score < row.max_score]


def test_mixed_class_twice_and_once_killed(tmp_path: Path) -> None:
    source, killed, straight = tmp_path / "class", tmp_path / "killed", tmp_path / "straight"
    source.mkdir()
    expected = write_class(source, killed)
    print(f"\n{len(expected)} students")
    assert len(expected) >= 80
    with started(source, killed) as run:
        for count, _ in enumerate(lines_of(run), 1):
            if count == KILLED_AFTER:
                run.send_signal(signal.SIGKILL)
                break
    known = set(read_journal(killed))
    assert len(known) >= KILLED_AFTER
    with started(source, killed) as run:
        again = {line.split("] ")[1].split(":")[0] for line in lines_of(run)}
        assert run.stdout is not None
        print(run.stdout.read())
    assert run.returncode == 0
    assert not again & known
    with started(source, straight) as run:
        assert sum(1 for _ in lines_of(run)) == len(expected)
    flaws = [*wrong(expected, killed), *wrong(expected, straight)]
    one, other = read_journal(killed), read_journal(straight)
    flaws += [
        f"{name}: {one[name].score}, then {other[name].score}"
        for name in one
        if one[name].score != other[name].score
    ]
    print("\n".join(flaws) or f"{len(expected)} right, twice the same")
    if flaws:
        pytest.fail("\n".join(flaws))
