"""A server gets the same result at every level of isolation, as root's and as another user's.

What a server may do on one machine and not on another must not decide about points: here servers
ask for their user, their machine's names, locks and files, at import and while they answer.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from graders.engine.core.places import REPOSITORY
from tests.isolation.levels_apart import ASKED

SOLUTION = REPOSITORY / "reference_solutions" / "lesson02" / "solution"
BEFORE = "app = FastAPI()\n"
WITHIN = "        # The SDK has stored the user's message already"

# What an ordinary server asks for when it is imported.
AT_IMPORT = """
import getpass, grp, locale, multiprocessing, os, platform, pwd, resource, shutil, signal, socket
import ssl, sys, tempfile, threading, uuid, zoneinfo
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from logging.handlers import RotatingFileHandler
from multiprocessing.pool import ThreadPool
from pathlib import Path

ME = getpass.getuser()
assert ME == pwd.getpwuid(os.getuid()).pw_name == pwd.getpwnam(ME).pw_name == os.getlogin()
assert {grp.getgrgid(each).gr_name for each in (os.getgid(), *os.getgroups())}
assert Path.home() == Path(os.path.expanduser("~")) == Path(f"~{ME}").expanduser()
assert pwd.getpwuid(0) and Path(sys.executable).resolve().stat().st_size
Path.home().joinpath(".cache", "app").mkdir(parents=True, exist_ok=True)
assert Path("server.py").owner() and os.listdir(".") and Path.cwd().is_absolute()
assert not any((folder / "pyproject.toml").is_file() for folder in Path.cwd().parents)
assert socket.gethostname() == platform.node() and socket.getfqdn()
assert socket.gethostbyname(socket.gethostname()) == socket.gethostbyname("localhost")
assert socket.getaddrinfo("localhost", 5432, type=socket.SOCK_STREAM)[0][4] == ("127.0.0.1", 5432)
assert uuid.uuid1() and uuid.getnode() and platform.platform() and platform.freedesktop_os_release()
assert locale.setlocale(locale.LC_ALL, "") and zoneinfo.ZoneInfo("Europe/Berlin")
assert tempfile.mkdtemp() and tempfile.TemporaryFile() and shutil.disk_usage(".").total
assert os.cpu_count() and os.getloadavg() and os.sched_getaffinity(0)
assert "Threads" in Path("/proc/self/status").read_text() and os.listdir("/proc/self/fd")
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 0 and ssl.create_default_context()
RotatingFileHandler(Path(os.environ["CHATKIT_DATA_DIR"], "app.log")).close()
signal.signal(signal.SIGTERM, signal.SIG_DFL)
LOCK = multiprocessing.Lock()
SEMAPHORE = multiprocessing.get_context("spawn").BoundedSemaphore(2)
COUNT = multiprocessing.Value("i", 0)
QUEUE = multiprocessing.Queue()
POOL = ThreadPool(2)
"""
IN_A_REQUEST = """
        with LOCK, SEMAPHORE:
            COUNT.value += 1
        QUEUE.put(COUNT.value)
        assert QUEUE.get(timeout=60) == COUNT.value and POOL.map(abs, [-1]) == [1]
        assert getpass.getuser() == ME and tempfile.NamedTemporaryFile().name
"""
# What a server tries for its version or an address, and does without where it cannot have it.
TRIES = """
import os, socket, subprocess
from pathlib import Path

def tried(what):
    try:
        return what()
    except (OSError, subprocess.SubprocessError, KeyError):
        return None

VERSION = tried(lambda: subprocess.check_output(["git", "rev-parse", "HEAD"], text=True))
ADDRESS = tried(lambda: socket.create_connection(("192.0.2.1", 9), timeout=0.01))
USERS = tried(lambda: Path("/etc/passwd").read_text())
MACHINE = tried(lambda: Path("/etc/machine-id").read_text())
OTHERS = [tried(lambda: os.listdir(each)) for each in ("/", "/root", "/proc", "/dev/shm", "/tmp")]
HIDDEN = tried(lambda: Path("/dev/shm/left-behind").read_text())
NICER = tried(lambda: os.nice(1))
"""
SERVERS = {
    "plain": ("", ""),
    "asks-the-machine": (AT_IMPORT, IN_A_REQUEST),
    "tries": (TRIES, "        tried(lambda: socket.gethostbyname('db.example'))\n"),
    "ends-at-import": ("import os\nopen(os.path.join(os.sep, 'app.cfg')).read()\n", ""),
    "ends-in-a-request": ("import os\n", "        os._exit(3)\n"),
}


def as_this_user() -> None:
    """Stay who one is."""


def as_another_user() -> None:
    """Become an ordinary user whose files are those of the one who runs the tests.

    In a user namespace, as in a rootless container: elsewhere the interpreter may be out of reach.
    """
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None).unshare(0x10000000) != 0:
        raise OSError("no user namespace")
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"1000 {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"1000 {gid} 1", encoding="ascii")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Write the servers: each is the solution with something added."""
    text = (SOLUTION / "server.py").read_text(encoding="utf-8")
    assert BEFORE in text
    assert WITHIN in text
    folders = []
    for name, (before, within) in SERVERS.items():
        folder = tmp_path_factory.mktemp("servers") / name
        shutil.copytree(SOLUTION, folder)
        changed = text.replace(BEFORE, before + BEFORE).replace(WITHIN, within + WITHIN)
        (folder / "server.py").write_text(changed, encoding="utf-8")
        folders.append(folder)
    return folders


@pytest.mark.parametrize("user", [as_this_user, as_another_user])
def test_level_of_isolation_decides_no_verdict(
    servers: list[Path], user: Callable[[], None]
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.isolation.levels_apart", str(REPOSITORY), *servers],
        cwd=REPOSITORY,
        preexec_fn=user,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    best, *others = found.values()
    assert {"strong", "practice"} <= set(found)
    for each in others:
        assert each == best
    wrong = {"ends-at-import", "ends-in-a-request"}
    for name, told in best.items():
        full = all(told[criterion] == "passed" for criterion in ASKED)
        assert full == (name not in wrong), told
