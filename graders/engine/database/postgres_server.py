"""One PostgreSQL server of this process, with its files: made, stopped, started again, ended.

It listens on one Unix socket, and forgets nothing when it is stopped as by a power failure. Must
not know who uses it, nor what is in its databases.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from graders.engine.core.errors import GraderBrokeError, UsageError
from graders.engine.core.places import REPOSITORY
from graders.engine.core.text import visible
from graders.engine.database.programs import programs_for
from graders.engine.isolation.levels import is_root
from graders.engine.sandbox.users import Users
from graders.engine.server.watch.folders import remove

_BOOT = (
    "import sys; sys.path.append(sys.argv[1]);"
    "from graders.engine.database.become_postgres import main;"
    "main(sys.argv[2], sys.argv[3].split(':'), sys.argv[4:])"
)
_BECOME = (sys.executable, "-I", "-c", _BOOT, str(REPOSITORY))
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
_LONGEST_FOLDER = 60
"""The path of a Unix socket has 107 characters at most."""
_MAKES_FILES = "nobody"
"""The program that makes the files wants a user with a name, and our own users have none."""
_LOOKS, _LOOK_SECONDS = 6_000, 0.005
_LOG_CHARACTERS = 400
_STATUS_LINE = 7
"""Of `postmaster.pid`, in which the server says that it is ready."""

_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "16MB",
    # What was committed is there after SIGQUIT without it, and no power fails.
    "fsync": "off",
    "full_page_writes": "off",
    # Nothing runs in it but what its users ask for: so it can be seen when it is at rest.
    "autovacuum": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "max_worker_processes": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "max_wal_size": "64MB",
    "temp_file_limit": "64MB",
    # Of 8 KiB: what is not read yet is kept in files that belong to no database.
    "max_notify_queue_pages": "1024",
    "scram_iterations": "64",
    # Keeps the texts of the last statements.
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.save": "off",
    "update_process_title": "on",
    # Another one than that of the servers: whoever mixes the two is seen.
    "timezone": "Asia/Kolkata",
    "log_checkpoints": "off",
}


class PostgresServer:
    """A server that is made with its folder, and started; ``rules`` says who may come in.

    ``owner`` is its first user, who may do all, with the password ``password``. ``socket_folder``
    is where its socket is.
    """

    def __init__(self, owner: str, password: str, rules: str) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="chatkit-pg-", dir=_folder()))
        self.data = self._root / "data"
        self.socket_folder = self._root / "socket"
        self._log = self._root / "log"
        self._users = Users()
        self._uid: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._background: frozenset[int] = frozenset()
        try:
            self._make(owner, password, rules)
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start it on its files, and return once it lets others in."""
        options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = ["postgres", "-D", str(self.data), "-k", str(self.socket_folder), *options]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                self._become(self._uid, command, [self.data, self.socket_folder]),
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # Ctrl-C goes to every process of a terminal; whoever started it decides its end.
                start_new_session=True,
            )
        self._await_ready(self._process)
        self._background = frozenset(_children(self._process.pid))

    def stop(self) -> None:
        """End it at once, as a power failure does; what was committed stays."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Let it be away for the length of a ``with`` block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def processes(self) -> Sequence[int]:
        """Return the numbers of its processes that work for its users; none while it is away."""
        if self._process is None:
            return ()
        pid = self._process.pid
        return (pid, *(child for child in _children(pid) if child not in self._background))

    def close(self) -> None:
        """End it and remove its files; more than once does no harm."""
        self.stop()
        self._users.close()
        remove(self._root)

    # --- inside --------------------------------------------------------------------------------

    def _make(self, owner: str, password: str, rules: str) -> None:
        maker: int | None = None
        if is_root():
            maker, self._uid = _user_for_making(), self._users.take()
            if maker is None or self._uid is None:
                raise UsageError(
                    "PostgreSQL refuses to run as root, and the grader may not become another "
                    "user here.",
                    cure="Grade as an ordinary user, or in a container with the usual rights.",
                )
            self._root.chmod(0o711)
        self._programs = programs_for(self._root, others=maker is not None)
        setup = self._root / "setup"
        for folder in (self.data, self.socket_folder, setup):
            folder.mkdir()
        (setup / "password").write_text(password, encoding="ascii")
        command = ["initdb", "-D", str(self.data), "-U", owner, "--auth=scram-sha-256"]
        command += [f"--pwfile={setup / 'password'}", "--no-sync", "--no-instructions"]
        command += ["--encoding=UTF8", "--locale=C.UTF-8"]
        made = subprocess.run(  # noqa: S603 - our own interpreter and code
            self._become(maker, command, [self.data, setup]),
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            check=False,
        )
        remove(setup)
        if made.returncode != 0:
            raise self._broke("could not make its files", made.stdout)
        (self.data / "pg_hba.conf").write_text(rules, encoding="ascii")

    def _become(
        self, uid: int | None, command: Sequence[str], folders: Sequence[Path]
    ) -> list[str]:
        """Return the command line by which a program is run as user ``uid``, who owns folders."""
        program, *arguments = command
        user = "" if uid is None else str(uid)
        owned = ":".join(map(str, folders))
        return [*_BECOME, user, owned, str(self._programs / program), *arguments]

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        for _ in range(_LOOKS):
            if _status(self.data / "postmaster.pid", process.pid) == "ready":
                # Others than its owner may pass to its socket, and not list the folder.
                self.socket_folder.chmod(0o711)
                return
            try:
                process.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
            break
        raise self._broke("did not start", self._log.read_bytes())

    def _broke(self, what: str, log: bytes) -> GraderBrokeError:
        said = visible(log.decode("utf-8", "replace"))[-_LOG_CHARACTERS:]
        return GraderBrokeError(f"The PostgreSQL server of the grader {what}: {said}")


def _folder() -> str | None:
    """Return where the files are made: where temporary files are, unless that path is too long."""
    return None if len(tempfile.gettempdir()) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 - mkdtemp


def _user_for_making() -> int | None:
    import pwd  # noqa: PLC0415 - not on Windows

    try:
        return pwd.getpwnam(_MAKES_FILES).pw_uid
    except KeyError:
        return None


def _status(file: Path, pid: int) -> str:
    """Return what a server's own file says of it, if it is of the process ``pid``."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    return lines[_STATUS_LINE].strip() if len(lines) > _STATUS_LINE and lines[0] == str(pid) else ""


def _children(pid: int) -> list[int]:
    """Return the processes that another has started; none where the kernel does not tell."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(child) for child in text.split()]
