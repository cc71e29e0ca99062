"""What a student's process sees of the machine: its namespaces, its root folder, its user.

Not every machine gives them, so each test says what must be true with the layer and without.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from graders.engine.core.limits import ProcessLimits
from graders.engine.core.places import REPOSITORY
from graders.engine.isolation import namespaces, privileges
from graders.engine.isolation.layers import SECOND_WALL, Layer
from graders.engine.isolation.own_root import layout_of
from graders.engine.isolation.reachable import readable
from graders.engine.sandbox.fork_client import ForkLauncher
from graders.engine.sandbox.users import FIRST, LAST, Users
from tests.sandbox.wired import Starter, Wired, starting

FIRST_WALL = {Layer.FILES, Layer.SYSCALLS}
"""What would refuse before the kernel has to look for what is not there."""
OF_NAMESPACES = {Layer.PROCESSES, Layer.IPC, Layer.ROOT}
AS_ROOT = sys.platform.startswith("linux") and os.geteuid() == 0

# Asks the kernel for the same, with nothing of ours.
ASKS = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
USERS, REST = 0x10000000, 0x20000000 | 0x00020000 | 0x40000000 | 0x08000000
uid = os.getuid()
if libc.unshare(REST) != 0:
    if libc.unshare(USERS | REST) != 0:
        sys.exit(1)
    open("/proc/self/uid_map", "w").write(f"{uid} {uid} 1")
child = os.fork()
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
sys.exit(libc.mount(None, b"/", None, 0x44000, None) or libc.mount(b"p", b"/proc", b"proc", 0, 0))
"""


@pytest.fixture(scope="module")
def plain() -> Iterator[ForkLauncher]:
    """Yield a fork server as on a machine that refuses namespaces."""
    launcher = ForkLauncher(without=frozenset({Layer.PROCESSES}))
    yield launcher
    launcher.close()


@pytest.fixture
def bare(students: Starter) -> Wired:
    """Return a student that has nothing but the second wall."""
    return students.serve(without=FIRST_WALL)


# --- which there are ----------------------------------------------------------------------------


def test_namespaces_are_used_where_the_kernel_gives_them(students: Starter) -> None:
    given = subprocess.run([sys.executable, "-c", ASKS], check=False, stderr=subprocess.DEVNULL)
    held = set(students.serve().layers) & OF_NAMESPACES
    assert held == (OF_NAMESPACES if given.returncode == 0 else set())


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("pid", Layer.PROCESSES),
        ("mnt", Layer.ROOT),
        ("ipc", Layer.IPC),
        ("net", Layer.NETWORK),
        ("user", Layer.USERS),
    ],
)
def test_namespace_is_another_than_ours(bare: Wired, name: str, layer: Layer) -> None:
    link = f"/proc/self/ns/{name}"
    theirs = bare.ask(f"import os; answer = os.readlink({link!r})")
    assert (theirs != str(Path(link).readlink())) == (layer in bare.layers)


@pytest.mark.parametrize("off", sorted(SECOND_WALL - {Layer.NETWORK}))
def test_each_can_be_left_off(students: Starter, off: Layer) -> None:
    held = set(students.serve().layers)
    student = students.serve(without={off})
    # Without an own root, another user may be unable to reach the interpreter.
    assert held - {off, Layer.UID} <= set(student.layers)
    assert off not in student.layers
    assert student.ask("answer = 1") == 1


def test_machine_that_refuses_namespaces_leaves_the_first_wall(
    plain: ForkLauncher, tmp_path: Path
) -> None:
    with starting(plain, tmp_path) as starter:
        student = starter.serve()
        assert not OF_NAMESPACES & set(student.layers)
        assert set(student.layers) > FIRST_WALL
        assert student.ask("answer = 1") == 1
        assert student.process.kill().signal is not None


# --- processes ----------------------------------------------------------------------------------


def test_only_its_own_processes_are_seen(bare: Wired) -> None:
    seen = bare.ask("import os; answer = [name for name in os.listdir('/proc') if name.isdigit()]")
    if Layer.PROCESSES in bare.layers:
        # The other one is what the kernel ends the namespace with.
        assert sorted(seen) == ["1", "2"]
    else:
        assert str(os.getpid()) in seen


def test_first_process_of_its_namespace_is_beyond_its_reach(bare: Wired) -> None:
    code = """
        import os
        try:
            os.kill(1, 9)
            answer = "ignored"
        except PermissionError:
            answer = "refused"
    """
    if Layer.PROCESSES in bare.layers:
        assert bare.ask(code) == ("refused" if Layer.UID in bare.layers else "ignored")
        assert bare.ask("answer = 1") == 1
    else:
        # The number is that of the machine's first process: not to be tried.
        assert not OF_NAMESPACES & set(bare.layers)


# --- files --------------------------------------------------------------------------------------


def test_root_holds_what_may_be_reached_and_nothing_else(bare: Wired) -> None:
    seen = set(bare.ask("import os; answer = os.listdir('/')"))
    layout = layout_of(readable())
    named = (*layout.copied, *(link for link, _ in layout.links), bare.root)
    expected = {path.parts[1] for path in named} | {"dev", "proc"}
    assert (seen == expected) == (Layer.ROOT in bare.layers)


@pytest.mark.parametrize(
    "path", [REPOSITORY / "graders", REPOSITORY / "tests", "/etc/passwd", "/root", "/home"]
)
def test_not_even_the_name_of_what_is_not_reachable_is_there(bare: Wired, path: Path) -> None:
    code = f"import os; answer = os.path.lexists({str(path)!r})"
    # Ways to the interpreter and its packages may lead through one of them.
    passed = any(Path(each).is_relative_to(path) for each in layout_of(readable()).copied)
    gone = Layer.ROOT in bare.layers and not passed
    assert bare.ask(code) == (Path(path).exists() and not gone)


def test_everything_but_its_own_folders_is_closed_to_writing(bare: Wired) -> None:
    mounts = bare.ask("answer = [line.split()[4:6] for line in open('/proc/self/mountinfo')]")
    own = {str(bare.root.parent), "/dev/null", "/dev/shm", "/proc"}
    open_ones = {path for path, options in mounts if "rw" in options.split(",")}
    lax = {path for path, options in mounts if "nosuid" not in options.split(",")}
    assert (open_ones == own and not lax) == (Layer.ROOT in bare.layers)


def test_shared_memory_is_its_own_and_limited(students: Starter) -> None:
    limits = ProcessLimits(disk_mb=2, disk_files=8)
    student = students.serve(without=FIRST_WALL, limits=limits)
    code = """
        import os
        space = os.statvfs("/dev/shm")
        answer = [space.f_blocks * space.f_frsize, space.f_files]
    """
    assert (student.ask(code) == [2 * 1024**2, 8]) == (Layer.ROOT in student.layers)


def test_locks_of_multiprocessing_are_available_in_its_own_root(students: Starter) -> None:
    student = students.serve()
    code = """
        import multiprocessing
        try:
            with multiprocessing.Lock():
                answer = True
        except PermissionError:
            answer = False
    """
    assert student.ask(code) == (Layer.ROOT in student.layers)


def test_a_database_and_its_locks_are_shared_with_the_grader(students: Starter) -> None:
    student = students.serve()
    file = student.root.parent / "chat.db"
    write = f"""
        import sqlite3
        base = sqlite3.connect({str(file)!r}, timeout=0)
        try:
            with base:
                base.execute("create table if not exists t (a)")
                base.execute("insert into t values (1)")
            answer = "stored"
        except sqlite3.OperationalError as error:
            answer = str(error)
        base.close()
    """
    assert student.ask(write) == "stored"
    base = sqlite3.connect(file, isolation_level=None)
    base.execute("begin exclusive")
    assert student.ask(write) == "database is locked"
    base.execute("insert into t values (2)")
    base.execute("commit")
    assert student.ask(write) == "stored"
    assert base.execute("select count(*) from t").fetchone() == (3,)
    base.close()


# --- the user -----------------------------------------------------------------------------------


def test_own_user_where_the_grader_is_root(students: Starter) -> None:
    first, second = students.serve(), students.serve()
    uids = [each.ask("import os; answer = [os.getuid(), os.getgid()]") for each in (first, second)]
    if Layer.UID in first.layers:
        assert all(FIRST <= uid == gid <= LAST for uid, gid in uids)
        assert uids[0] != uids[1]
        assert first.ask("import os; answer = os.getgroups()") == []
    else:
        assert uids == [[os.getuid(), os.getgid()]] * 2


def test_full_isolation_of_roots_students_has_no_root(students: Starter) -> None:
    layers = set(students.serve().layers)
    if Layer.ROOT in layers:
        assert (Layer.UID in layers) == AS_ROOT
        assert (Layer.USERS in layers) != AS_ROOT
    else:
        assert not OF_NAMESPACES & layers


def test_files_are_its_own_after_another_start_too(students: Starter) -> None:
    first = students.serve()
    first.ask("open('kept', 'w').write('1'); answer = 1")
    first.end()
    (first.root / "of-the-grader").write_text("1", encoding="utf-8")
    others = [students.serve() for _ in range(3)]
    again = students.again(first)
    code = """
        for name in ("kept", "of-the-grader", "server.py"):
            with open(name, "a") as file:
                file.write("#")
        answer = open("kept").read()
    """
    assert again.ask(code) == "1#"
    assert len({each.process.pid for each in (*others, again)}) == 4


def test_links_in_its_folders_are_not_followed_when_these_are_handed_over(
    students: Starter, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("", encoding="utf-8")
    student = students.serve()
    student.ask(f"import os; os.symlink({str(outside)!r}, 'link'); answer = 1")
    student.end()
    students.again(student)
    assert outside.stat().st_uid == os.getuid()


def test_limit_of_processes_does_not_count_the_machines(students: Starter) -> None:
    student = students.serve(limits=ProcessLimits(processes=31))
    code = "import resource; answer = resource.getrlimit(resource.RLIMIT_NPROC)[0]"
    # Four times as many: the grader looks at the exact number itself.
    assert (student.ask(code) == 4 * 31) == bool({Layer.UID, Layer.USERS} & set(student.layers))


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/stderr", "/dev/fd/1"])
def test_standard_streams_have_their_names(students: Starter, name: str) -> None:
    student = students.serve()
    student.ask(f"open({name!r}, 'w').write('said'); answer = 1")
    assert student.printed() == "said"


def test_nothing_of_a_submission_can_look_into_another(students: Starter) -> None:
    """Not by the layers that refuse it, but because it is not there, or another user's."""
    victim, spy = students.serve(), students.serve(without=FIRST_WALL)
    code = f"""
        import os
        try:
            answer = os.listdir({str(victim.root)!r})
        except (FileNotFoundError, PermissionError) as error:
            answer = []
    """
    assert (spy.ask(code) == []) == bool({Layer.ROOT, Layer.UID} & set(spy.layers))


def test_ends_with_the_fork_server_although_it_became_another_user(students: Starter) -> None:
    student = students.serve(without=FIRST_WALL)
    code = """
        import ctypes
        signal = ctypes.c_int()
        ctypes.CDLL(None).prctl(2, ctypes.byref(signal), 0, 0, 0)
        answer = signal.value
    """
    assert student.ask(code) == 9


def test_no_capability_is_left(students: Starter) -> None:
    for cold in (False, True):
        student = students.serve(cold=cold)
        code = """
            sets = ("CapInh", "CapPrm", "CapEff", "CapAmb")
            lines = [line.split(":") for line in open("/proc/self/status")]
            answer = [value.strip() for name, value in lines if name in sets]
        """
        assert student.ask(code) == ["0" * 16] * 4


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_nothing_is_tried_on_another_system(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    monkeypatch.setattr(sys, "platform", system)
    assert namespaces.enter() == ()
    assert privileges.end_with_parent() == ()
    assert privileges.drop_capabilities() == ()
    users = Users()
    assert users.take() is None
    users.close()
